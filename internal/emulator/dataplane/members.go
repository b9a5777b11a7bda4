package dataplane

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// memberSet holds the members of a pool or target group.
type memberSet struct {
	mu       sync.Mutex
	drain    time.Duration
	members  []*member
	draining []*member // former members with requests in flight
	next     int       // index of the first candidate among equally loaded members
}

// member is a registered instance or target.
type member struct {
	Member
	machine *machine

	// Guarded by memberSet.mu.
	health   Health
	failure  Failure // of the last failed probe
	removed  bool
	passes   int // consecutive probes
	failures int // consecutive probes
	inFlight int
	slowFrom time.Time // when slow start began; zero without it
	credit   float64   // of the round robin

	ended context.Context //nolint:containedctx // not of a request: its end cuts the member's requests
	end   context.CancelFunc
}

// memberKey identifies a member among those of a set.
type memberKey struct {
	id   string
	port int
}

func (m Member) key() memberKey { return memberKey{cmp.Or(m.TargetID, m.InstanceID), m.Port} }

// sync sets the members. newMember makes a member that is not in the set yet. The caller
// holds mu.
func (s *memberSet) sync(members []Member, newMember func(Member) *member) {
	old := make(map[memberKey]*member, len(s.members))
	for _, m := range s.members {
		old[m.key()] = m
	}
	s.members = nil
	for _, m := range members {
		present := old[m.key()]
		if present == nil || !present.Since.Equal(m.Since) {
			s.members = append(s.members, newMember(m))
			continue
		}
		present.Served = m.Served
		s.members = append(s.members, present)
		delete(old, m.key())
	}
	for _, m := range old {
		s.remove(m)
	}
}

// remove removes a member. Its requests may finish within the draining time. The caller
// holds mu.
func (s *memberSet) remove(m *member) {
	m.removed = true
	if m.inFlight == 0 || s.drain <= 0 {
		m.end()
		return
	}
	s.draining = append(s.draining, m)
	timeout := time.AfterFunc(s.drain, m.end)
	context.AfterFunc(m.ended, func() { timeout.Stop() })
}

// end ends all requests. The caller holds mu.
func (s *memberSet) end() {
	for _, m := range slices.Concat(s.members, s.draining) {
		m.end()
	}
	s.members, s.draining = nil, nil
}

// finish ends a request of a member. The caller holds mu.
func (s *memberSet) finish(m *member) {
	m.inFlight--
	if m.removed && m.inFlight == 0 {
		m.end()
		s.draining = slices.DeleteFunc(s.draining, func(other *member) bool { return other == m })
	}
}

// available reports whether a member takes requests. The caller holds memberSet.mu.
func (m *member) available() bool {
	return m.Served && !m.removed && m.health == InService && m.machine.running.Load()
}

// find returns a member, nil if it does not exist. The caller holds mu.
func (s *memberSet) find(key memberKey) *member {
	for _, m := range s.members {
		if m.key() == key {
			return m
		}
	}
	return nil
}

func (s *memberSet) healthOf(key memberKey) (Health, Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.find(key); m != nil {
		return m.health, m.failure
	}
	return Registering, Failure{}
}

// drainingRequests returns the requests in flight to a former member.
func (s *memberSet) drainingRequests(key memberKey) (inFlight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.draining {
		if m.key() == key {
			inFlight += m.inFlight
		}
	}
	return inFlight
}

// loads returns the loads of the members and of the draining ones.
func (s *memberSet) loads(group string) (loads []Load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Concat(s.members, s.draining) {
		loads = append(loads, Load{
			InstanceID: m.InstanceID, TargetGroup: group, Port: m.Port, Addresses: m.machine.addresses(m.Port),
			InService: m.available(), Draining: m.removed, InFlight: m.inFlight,
		})
	}
	return loads
}

// hostCount counts the members of a zone; "" is all zones.
type hostCount struct {
	zone               string
	healthy, unhealthy int
}

// countHosts counts the members by zone. The caller holds mu.
func (s *memberSet) countHosts() []hostCount {
	counts := []hostCount{{}}
	for _, m := range s.members {
		for _, zone := range slices.Compact([]string{"", m.Zone}) {
			at := slices.IndexFunc(counts, func(h hostCount) bool { return h.zone == zone })
			if at < 0 {
				at = len(counts)
				counts = append(counts, hostCount{zone: zone})
			}
			if m.available() {
				counts[at].healthy++
			} else {
				counts[at].unhealthy++
			}
		}
	}
	return counts
}

// addHosts adds the counts of members to the metrics.
func (z *zoneMetrics) addHosts(counts []hostCount) {
	for _, h := range counts {
		z.addTo(h.zone, value{HealthyHostCount, float64(h.healthy)}, value{UnHealthyHostCount, float64(h.unhealthy)})
	}
}
