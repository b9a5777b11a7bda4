package connlimit

import (
	"net"
	"net/netip"
	"sync/atomic"
)

// The states of a connection, in the place of the time since which it is idle.
const (
	active = 0
	shed   = -1 // closed for another
)

// Conn is a connection of a Listener.
type Conn struct {
	net.Conn
	listener *Listener
	address  netip.Prefix
	holder   *holder
	spare    bool

	idleSince atomic.Int64 // or active, or shed
	// writeSince is when the write began that is under way; 0: there is none.
	writeSince atomic.Int64
	exempt     atomic.Bool // it serves a stream, which has bounds of its own
}

// Write sends p, and notes how long that takes.
func (c *Conn) Write(p []byte) (int, error) {
	c.writeSince.Store(c.listener.now())
	defer c.writeSince.Store(0)
	return c.Conn.Write(p)
}

// Close closes the connection and makes room for another.
func (c *Conn) Close() error {
	defer c.listener.remove(c)
	return c.Conn.Close()
}

// setIdle notes that the connection waits for a request.
func (c *Conn) setIdle() {
	c.idleSince.CompareAndSwap(active, c.listener.now()) // it fails when the connection was shed
}

// setActive notes that a request was read.
func (c *Conn) setActive() {
	if since := c.idleSince.Load(); since > 0 {
		c.idleSince.CompareAndSwap(since, active) // it fails when the connection was shed
	}
}

// idle reports whether the connection may be closed for another, and since when it is
// idle.
func (c *Conn) idle(now int64) (since int64, ok bool) {
	since = c.idleSince.Load()
	few := c.holder.open <= fewConnections
	return since, since > 0 && (!few || now-since >= int64(minIdle))
}

// slow reports whether the client has not read for long, and since when.
func (c *Conn) slow(now int64) (since int64, ok bool) {
	since = c.writeSince.Load()
	return since, since > 0 && now-since >= int64(slowWrite) && !c.exempt.Load() && c.idleSince.Load() == active
}

// close closes the connection for another, unless it is idle no longer, or writes again.
// The listener's lock is held.
func (c *Conn) close(since int64) bool {
	if c.idleSince.Load() == active {
		if c.writeSince.Load() != since || !c.idleSince.CompareAndSwap(active, shed) {
			return false
		}
	} else if !c.idleSince.CompareAndSwap(since, shed) {
		return false
	}
	c.listener.removeLocked(c)
	_ = c.Conn.Close() // there is nobody to report to
	return true
}
