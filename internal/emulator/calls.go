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

// Calls returns how many calls of each action have arrived since the last
// ResetCalls: signed and of a known action, those refused by a bucket or a fault
// included.
func (e *Emulator) Calls() map[string]int {
	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()
	calls := make(map[string]int, len(e.calls.byAction))
	maps.Copy(calls, e.calls.byAction)
	return calls
}

// ResetCalls begins the count of calls anew.
func (e *Emulator) ResetCalls() {
	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()
	clear(e.calls.byAction)
}
