package connlimit

import (
	"cmp"
	"slices"
)

// shedShare is the share of the limit that is closed at once: a scan of all connections for
// each new one would be expensive.
const shedShare = 64

// candidate is a connection that may be closed, and when it became idle or slow.
type candidate struct {
	conn  *Conn
	since int64
}

// makeRoom closes the longest idle connections of the addresses with most of them. If none
// is idle, it closes slow ones likewise. It reports whether it closed any. The caller
// holds mu.
func (l *Listener) makeRoom() bool {
	now := l.now()
	idle := l.candidates(func(c *Conn) (int64, bool) { return c.idle(now) })
	if len(idle) == 0 {
		idle = l.candidates(func(c *Conn) (int64, bool) { return c.slow(now, slowWrite) })
	}
	slices.SortFunc(idle, func(a, b candidate) int { return cmp.Compare(a.since, b.since) })
	closed, most := 0, max(1, min(l.limit/shedShare, len(idle)/2))
	for _, victim := range idle {
		if closed == most {
			break
		}
		if victim.conn.close(victim.since) {
			closed++
		}
	}
	l.shed.Add(uint64(closed))
	return closed > 0
}

// candidates returns the connections that pass the test, of the addresses with most of them.
func (l *Listener) candidates(test func(*Conn) (since int64, ok bool)) []candidate {
	var all []candidate
	for c := range l.open {
		if since, ok := test(c); ok {
			c.holder.idle = 0
			all = append(all, candidate{c, since})
		}
	}
	most := 0
	for _, c := range all {
		h := c.conn.holder
		h.idle++
		most = max(most, h.idle)
	}
	return slices.DeleteFunc(all, func(c candidate) bool { return c.conn.holder.idle < most })
}
