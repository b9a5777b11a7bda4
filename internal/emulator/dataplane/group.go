package dataplane

import (
	"math/rand/v2"
	"slices"
	"time"
)

// The algorithms of target groups. The default is a round robin.
const (
	leastOutstanding = "least_outstanding_requests"
	weightedRandom   = "weighted_random"
)

// group is a target group that gets traffic.
type group struct {
	arn     string
	name    string
	prober  *prober
	metrics zoneMetrics

	memberSet // its mu guards what follows

	plan  TargetGroup // without members
	hosts []hostCount // by zone and in total; replaced on change
}

func newGroup(r *runtime, plan TargetGroup) *group {
	g := &group{arn: plan.ARN, name: plan.Name, metrics: zoneMetrics{byZone: make(map[string]*metrics)}}
	g.prober = &prober{runtime: r, set: &g.memberSet, name: plan.Name, changed: g.healthChanged, reset: make(chan struct{})}
	return g
}

// apply applies the group's part of a plan.
func (g *group) apply(plan TargetGroup, machines *machines) {
	for _, m := range plan.Members {
		machines.get(m.InstanceID, 0).open(plan.portsOf(m))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drain = plan.Drain
	g.prober.use(plan.Check)
	g.sync(plan.Members, func(m Member) *member { return g.prober.newMember(machines, m) })
	g.plan = plan
	g.plan.Members = nil
	g.hosts = g.countHosts()
}

// retire removes the members of a group that no load balancer forwards to any more. Their
// requests may finish within the draining time.
func (g *group) retire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sync(nil, nil)
	g.hosts = g.countHosts()
}

func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end()
}

// healthChanged begins or ends the slow start of a member. A member starts slowly only
// beside one that does not. The caller holds mu.
func (g *group) healthChanged(m *member) {
	m.slowFrom = time.Time{}
	now := time.Now()
	if m.health == InService && slices.ContainsFunc(g.members, func(other *member) bool {
		return other != m && other.available() && g.weight(other, now) == 1
	}) {
		m.slowFrom = now
	}
	g.hosts = g.countHosts()
}

// weight returns the share of a member relative to one that does not start slowly. The
// caller holds mu.
func (g *group) weight(m *member, now time.Time) float64 {
	const least = 0.05
	if m.slowFrom.IsZero() || g.plan.SlowStart <= 0 {
		return 1
	}
	return min(1, max(least, float64(now.Sub(m.slowFrom))/float64(g.plan.SlowStart)))
}

// acquire returns a target for a request, which the caller releases. Its error is
// errNoMember.
func (g *group) acquire(tried []*member) (*member, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	candidates := slices.DeleteFunc(g.candidates(), func(m *member) bool { return slices.Contains(tried, m) })
	if len(candidates) == 0 {
		return nil, errNoMember
	}
	m := g.choose(candidates)
	m.inFlight++
	return m, nil
}

// candidates returns the healthy members, or all if too few are healthy. The caller holds
// mu.
func (g *group) candidates() []*member {
	var healthy, all []*member
	now := time.Now()
	for _, m := range g.members {
		if m.available() {
			healthy = append(healthy, m)
		}
		if m.Served && m.machine.running.Load() && !now.Before(m.Ready) {
			all = append(all, m)
		}
	}
	if len(healthy) < g.plan.MinHealthy || len(healthy)*100 < g.plan.MinHealthyPercent*len(all) {
		return all
	}
	return healthy
}

// choose returns the candidate that gets the next request. The caller holds mu.
func (g *group) choose(candidates []*member) *member {
	switch g.plan.Algorithm {
	case leastOutstanding:
		return g.leastOutstanding(candidates)
	case weightedRandom:
		return candidates[rand.IntN(len(candidates))]
	}
	return g.roundRobin(candidates)
}

func (g *group) leastOutstanding(candidates []*member) *member {
	g.next++
	found := candidates[g.next%len(candidates)]
	for n := range candidates {
		if m := candidates[(g.next+n)%len(candidates)]; m.inFlight < found.inFlight {
			found = m
		}
	}
	return found
}

// roundRobin spreads the requests by weight: each member gains its weight in credit, and
// the one with the most pays for the request.
func (g *group) roundRobin(candidates []*member) *member {
	now, total := time.Now(), 0.0
	found := candidates[0]
	for _, m := range candidates {
		weight := g.weight(m, now)
		total += weight
		if m.credit += weight; m.credit > found.credit {
			found = m
		}
	}
	found.credit -= total
	return found
}

func (g *group) release(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.finish(m)
}

// measure adds values of a zone, with the present numbers of healthy targets.
func (g *group) measure(zone string, values ...value) {
	g.mu.Lock()
	counts := g.hosts
	g.mu.Unlock()
	g.metrics.add(zone, values...)
	g.metrics.addHosts(counts)
}
