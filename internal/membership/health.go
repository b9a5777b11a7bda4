package membership

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// lingering are members of which their load balancer says nothing any more, by the
// last look at the record; until then it is believed that they still are.
type lingering struct {
	ids   map[string]bool
	until time.Time
}

// SawHealth takes what a load balancer says of its members, so that what is not on
// record gets there: the states that differ, and who of those that are on record is
// no member and not spoken of any more. It never waits. What cannot be recorded
// now, the next report tells again.
//
// The report must not be changed afterwards. One that is overtaken by a later one
// while an earlier one is looked into is passed over.
func (s *Service) SawHealth(report lsapi.HealthReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.recorded == nil || !s.remembers() || time.Now().Before(s.away) {
		return
	}
	next, busy := s.hearings[report.LoadBalancer]
	switch {
	case busy && (next == nil || report.AsOf.After(next.AsOf)):
		s.hearings[report.LoadBalancer] = &report
	case !busy && len(s.hearings) < maxHearings:
		s.hearings[report.LoadBalancer] = nil
		s.work.Go(func(context.Context) { s.hear(report) }) //nolint:contextcheck // the Service keeps the same context
	}
}

// hear compares a report, and those that come meanwhile, with the record. It does
// so beside the load balancer's lane, which has to do with it only when there is
// news.
func (s *Service) hear(report lsapi.HealthReport) {
	for next := &report; next != nil; next = s.nextHearing(report.LoadBalancer) {
		ctx, cancel := s.recording()
		known, err := s.recorded(ctx, next.LoadBalancer)
		cancel()
		if err != nil {
			s.unheard(next.LoadBalancer, err)
			continue
		}
		s.pass(next, known)
	}
}

func (s *Service) nextHearing(loadBalancer string) *lsapi.HealthReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.hearings[loadBalancer]
	if next == nil || s.closing {
		delete(s.hearings, loadBalancer)
		return nil
	}
	s.hearings[loadBalancer] = nil
	return next
}

// unheard tells of a report that could not be recorded.
func (s *Service) unheard(loadBalancer string, err error) {
	s.stepBack(err)
	if !passes(err) { // what is away is told by whoever is ready to serve
		s.log.Warn("the health of members could not be recorded", "load_balancer", loadBalancer, "error", err)
	}
}

// pass hands a report with news to its load balancer's lane.
func (s *Service) pass(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || len(otherHealth(report, known)) == 0 && !s.mayBeDrained(report, known) {
		return
	}
	l, ok := s.lanes[report.LoadBalancer]
	if !ok {
		if len(s.lanes) >= maxSights {
			return // the next report tells it too
		}
		l = s.startLane(report.LoadBalancer)
	}
	if l.health == nil || report.AsOf.After(l.health.AsOf) {
		l.health = report
	}
	l.signal()
}

// mayBeDrained reports whether somebody is on record of whom nothing is said, and
// is not known to be a member still. The caller holds mu.
func (s *Service) mayBeDrained(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) bool {
	staying := s.lingering[report.LoadBalancer]
	if time.Now().After(staying.until) {
		delete(s.lingering, report.LoadBalancer)
		staying.ids = nil
	}
	return slices.ContainsFunc(unspoken(report, known), func(id string) bool {
		return !staying.ids[id]
	})
}

// recordHealth records what a report says that is not on record. Nobody waits for it:
// callers have their answers before.
func (r *round) recordHealth(report *lsapi.HealthReport) {
	if report == nil || r.failure != nil {
		return
	}
	ctx, cancel := r.service.recording()
	defer cancel()
	known, err := r.service.recorded(ctx, r.loadBalancer)
	if err != nil {
		r.service.unheard(r.loadBalancer, err)
		return
	}
	event := lsapi.Event{Kind: lsapi.EventHealth, At: time.Now(), Health: otherHealth(report, known), Drained: r.drained(report, known)}
	if len(event.Health)+len(event.Drained) == 0 {
		return
	}
	if err := r.append(&recordBatch{events: []lsapi.Event{event}}); err != nil {
		r.service.unheard(r.loadBalancer, err)
	}
}

// drained returns the instances that are on record, are no members, and are not in the
// report any more. One that is detached later than the report was asked for may be
// draining now.
func (r *round) drained(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) []string {
	if !r.recorded.known {
		return nil
	}
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	var gone []string
	staying := make(map[string]bool)
	for _, id := range unspoken(report, known) {
		switch {
		case r.recorded.members[id]:
			staying[id] = true
		case r.overlay[id].at.After(report.AsOf):
		default:
			gone = append(gone, id)
		}
	}
	r.linger(staying)
	return gone
}

// linger remembers members of which nothing is said, so that each report does not
// have the record asked about them. The caller holds service.mu.
func (l *lane) linger(staying map[string]bool) {
	delete(l.service.lingering, l.loadBalancer)
	if len(staying) > 0 && len(l.service.lingering) < maxLanes {
		l.service.lingering[l.loadBalancer] = lingering{ids: staying, until: time.Now().Add(lingerFor)}
	}
}

// otherHealth returns what a report says that is not known, sorted by instance.
func otherHealth(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) []lsapi.MemberHealth {
	other := make(map[string]lsapi.MemberHealth)
	for _, m := range report.Members {
		if known[m.InstanceID] != m {
			other[m.InstanceID] = m
		}
	}
	var health []lsapi.MemberHealth
	for _, id := range slices.Sorted(maps.Keys(other)) {
		health = append(health, other[id])
	}
	return health
}

// unspoken returns who is known and asked about, and of whom nothing is said;
// sorted.
func unspoken(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) []string {
	return slices.DeleteFunc(slices.Sorted(slices.Values(report.Absent)), func(id string) bool {
		_, ok := known[id]
		return !ok
	})
}
