package connlimit

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Special values of idleSince.
const (
	active = 0
	shed   = -1 // closed for a new connection
)

// Conn is a connection of a Listener.
type Conn struct {
	net.Conn
	listener *Listener
	address  netip.Prefix
	holder   *holder
	spare    bool

	idleSince  atomic.Int64 // or active, or shed
	writeSince atomic.Int64 // when the current write began; 0 without one
	exempt     atomic.Bool  // it serves a stream, which has its own limits
}

// Write writes p, and records when it began.
func (c *Conn) Write(p []byte) (int, error) {
	c.writeSince.Store(c.listener.now())
	defer c.writeSince.Store(0)
	return c.Conn.Write(p)
}

// Close closes the connection.
func (c *Conn) Close() error {
	defer c.listener.remove(c)
	return c.Conn.Close()
}

// setIdle records that the connection waits for a request.
func (c *Conn) setIdle() {
	c.idleSince.CompareAndSwap(active, c.listener.now()) // it fails when the connection was shed
}

// setActive records that a request was read.
func (c *Conn) setActive() {
	if since := c.idleSince.Load(); since > 0 {
		c.idleSince.CompareAndSwap(since, active) // it fails when the connection was shed
	}
}

// idle reports whether the connection is idle enough to be closed, and since when.
func (c *Conn) idle(now int64) (since int64, ok bool) {
	since = c.idleSince.Load()
	few := c.holder.open <= fewConnections
	return since, since > 0 && (!few || now-since >= int64(minIdle))
}

// slow reports whether the client has not read its response for that long, and since when.
func (c *Conn) slow(now int64, patience time.Duration) (since int64, ok bool) {
	since = c.writeSince.Load()
	return since, since > 0 && now-since >= int64(patience) && !c.exempt.Load() && c.idleSince.Load() == active
}

// close closes a connection that was idle or slow since then, unless it no longer is. The
// caller holds the listener's lock.
func (c *Conn) close(since int64) bool {
	if c.idleSince.Load() == active {
		if c.writeSince.Load() != since || !c.idleSince.CompareAndSwap(active, shed) {
			return false
		}
	} else if !c.idleSince.CompareAndSwap(since, shed) {
		return false
	}
	c.listener.removeLocked(c)
	_ = c.Conn.Close() // nothing depends on its error
	return true
}
