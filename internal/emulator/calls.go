package emulator

import (
	"maps"
	"sync"
)

// counters count calls by action.
type counters struct {
	mu       sync.Mutex
	byAction map[string]int
}

func (c *counters) count(action string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byAction == nil {
		c.byAction = map[string]int{}
	}
	c.byAction[action]++
}

func (c *counters) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := make(map[string]int, len(c.byAction))
	maps.Copy(calls, c.byAction)
	return calls
}

func (c *counters) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.byAction)
}
