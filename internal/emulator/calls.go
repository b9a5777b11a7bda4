package emulator

import "sync"

// counters count calls by the version of their API and their action.
type counters struct {
	mu    sync.Mutex
	calls map[countedCall]int
}

type countedCall struct{ version, action string }

func (c *counters) count(version, action string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[countedCall]int{}
	}
	c.calls[countedCall{version, action}]++
}

// all returns the numbers by action, of one version or, for an empty one, of all.
func (c *counters) all(version string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	byAction := make(map[string]int, len(c.calls))
	for call, n := range c.calls {
		if version == "" || version == call.version {
			byAction[call.action] += n
		}
	}
	return byAction
}

func (c *counters) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.calls)
}
