package connlimit

import "net"

// The bounds that the tests meet.
const (
	FewConnections = fewConnections
	MinIdle        = minIdle
	SlowWrite      = slowWrite
	WarnEvery      = warnEvery
)

// IdleSince returns since when a connection is idle, as a look for victims sees it.
func IdleSince(conn net.Conn) int64 { return unwrap(conn).idleSince.Load() }

// Holders returns how many addresses are in memory.
func (l *Listener) Holders() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.holders)
}

// Shed closes a connection that was idle since then for another, and reports whether it
// still may.
func (l *Listener) Shed(conn net.Conn, since int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return unwrap(conn).close(since)
}
