package connlimit

import "net"

// The constants of connlimit.go.
const (
	FewConnections = fewConnections
	MinIdle        = minIdle
	SlowWrite      = slowWrite
	WarnEvery      = warnEvery
)

// IdleSince returns when a connection became idle.
func IdleSince(conn net.Conn) int64 { return unwrap(conn).idleSince.Load() }

// Holders returns how many addresses are in memory.
func (l *Listener) Holders() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.holders)
}

// Shed closes a connection that was idle since then, and reports whether it was closed.
func (l *Listener) Shed(conn net.Conn, since int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return unwrap(conn).close(since)
}
