package connlimit

import "net"

// The bounds that the tests meet.
const (
	FewConnections = fewConnections
	MinIdle        = minIdle
	SlowWrite      = slowWrite
	RetryEvery     = retryEvery
	WarnEvery      = warnEvery
)

// IdleSince returns since when a connection is idle, as a look for victims sees it.
func IdleSince(conn net.Conn) int64 { return unwrap(conn).idleSince.Load() }

// Shed closes a connection that was idle since then for another, and reports whether it
// still may.
func (l *Listener) Shed(conn net.Conn, since int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return unwrap(conn).close(since)
}
