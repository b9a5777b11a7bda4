package targetgroup

import (
	"sync"
	"time"

	"lsapi"
)

// reads reports the reads of groups to listeners.
type reads struct {
	mu        sync.Mutex
	listeners []Listener
}

// Listener receives the result of a read of a group, and when it began.
type Listener func(pool lsapi.PoolID, read lsapi.PoolRead, began time.Time)

// Listen makes the Clients of all priorities call listener with every successful read of a
// group's members and health, before the read returns. Calls are concurrent. The listener
// must not block, and must not change the read.
func (c *Client) Listen(listener Listener) {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.reads.listeners = append(c.reads.listeners, listener)
}

func (r *reads) report(pool lsapi.PoolID, read lsapi.PoolRead, began time.Time) {
	r.mu.Lock()
	listeners := r.listeners // which is only appended to
	r.mu.Unlock()
	for _, listener := range listeners {
		listener(pool, read, began)
	}
}
