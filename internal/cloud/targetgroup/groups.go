package targetgroup

import (
	"net/netip"
	"sync"
)

// groups holds what is remembered of target groups, by name.
type groups struct {
	mu     sync.Mutex
	byName map[string]group
}

type group struct {
	arn string
	// outside are the addresses that are registered for every zone, because they are outside
	// the VPC.
	outside map[netip.Addr]bool
}

func newGroups() *groups { return &groups{byName: make(map[string]group)} }

func (g *groups) find(name string) (group, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.byName[name]
	return found, ok
}

// add remembers the ARN of a group. Another ARN under the same name is another group.
func (g *groups) add(name, arn string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byName[name].arn != arn {
		g.byName[name] = group{arn: arn}
	}
}

// retain forgets all groups but the listed ones.
func (g *groups) retain(listed map[string]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name := range g.byName {
		if !listed[name] {
			delete(g.byName, name)
		}
	}
}

// forget forgets a group, unless its name has another ARN by now.
func (g *groups) forget(name, arn string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byName[name].arn == arn {
		delete(g.byName, name)
	}
}

// setOutside remembers the addresses outside the VPC, if the group has this ARN.
func (g *groups) setOutside(name, arn string, outside map[netip.Addr]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byName[name].arn == arn {
		g.byName[name] = group{arn, outside}
	}
}
