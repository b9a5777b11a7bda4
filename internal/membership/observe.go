package membership

import (
	"slices"
	"time"

	"lsapi"
)

// sight is what a reader has found to be the members, by asking that began then.
type sight struct {
	ids     []string
	began   time.Time
	gone    bool       // there is no such load balancer any more
	members []string   // ids with the recent changes laid over them
	head    lsapi.Head // the end of the log that says the same
}

// says reports whether both say the same.
func (s *sight) says(other *sight) bool {
	return s.gone == other.gone && slices.Equal(s.members, other.members)
}

// Saw takes what a read that began then has found to be the members, so that what
// was changed past lsapi gets on record. It costs a comparison when nothing has
// changed since, and never waits. ids must not be changed afterwards.
func (s *Service) Saw(loadBalancer string, ids []string, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if began.After(s.gone[loadBalancer]) {
		delete(s.gone, loadBalancer)
	}
	s.look(loadBalancer, &sight{ids: ids, began: began, members: s.overlaid(loadBalancer, ids, began)})
}

// Gone takes that a read that began then has not found a load balancer that there was:
// with it, its members are gone, and one that is made under its name has none of its
// recent changes. No later read reports that again, so that it is kept until it is on
// record.
func (s *Service) Gone(loadBalancer string, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.lanes[loadBalancer]; ok {
		l.overlay.invalidate(began)
	}
	if !s.remembers() {
		return
	}
	s.gone[loadBalancer] = began
	s.look(loadBalancer, &sight{began: began, gone: true})
}

// lookGone looks into the load balancers again of which it is not on record that they
// are gone. The caller holds mu.
func (s *Service) lookGone() {
	for name, began := range s.gone {
		s.look(name, &sight{began: began, gone: true})
	}
}

// look has a sight looked into unless the last one says the same. Both are compared
// with the overlay on them: when AWS still says otherwise once the overlay has ended,
// that is another sight. The caller holds mu.
func (s *Service) look(loadBalancer string, seen *sight) {
	if s.closing || !s.remembers() || time.Now().Before(s.away) {
		return
	}
	if last, ok := s.seen[loadBalancer]; ok && last.says(seen) {
		last.began = later(last.began, seen.began)
		s.seen[loadBalancer] = last
		return
	}
	l, ok := s.lanes[loadBalancer]
	if !ok {
		if len(s.lanes) >= maxSights {
			return // the next refresh sees it too
		}
		l = s.startLane(loadBalancer)
	}
	l.sight = seen
	l.signal()
}

// stepBack leaves the record alone for a while when it is away: what readers see
// can wait.
func (s *Service) stepBack(err error) {
	if lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = time.Now().Add(recoverEvery)
}

// report adds in what the sight differs from the record.
func (r *round) report(seen *sight, b *recordBatch) {
	r.countLooks()
	if seen.gone {
		r.forget(seen.began) // what was read in the record since
	}
	event, differs := r.difference(seen)
	if !differs {
		r.saw(seen)
		return
	}
	b.write(event)
	b.then(pendingAnswer{give: func() { r.saw(seen) }})
}

// difference is the event that explains what was seen, if it needs one. A sight
// that is older than the last look tells nothing.
func (r *round) difference(seen *sight) (lsapi.Event, bool) {
	if !seen.began.After(r.recorded.lookedAt) {
		return lsapi.Event{}, false
	}
	if seen.gone && !r.recorded.known {
		return lsapi.Event{}, false
	}
	if !seen.gone {
		seen.members = r.service.Overlay(r.loadBalancer, seen.ids, seen.began)
	}
	return r.recorded.unexplained(setOf(seen.members), seen.began, seen.began)
}

// countLooks moves the time of the last look on to that of the last reader who saw
// what is on record.
func (r *round) countLooks() {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	if last := r.service.seen[r.loadBalancer]; last.head == r.recorded.head {
		r.recorded.looked(last.began)
	}
}

// keepSeen moves what readers saw on to the end of the log, after events that say nothing
// of the membership.
func (r *round) keepSeen(before lsapi.Head) {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	if last, ok := r.service.seen[r.loadBalancer]; ok && last.head == before {
		last.head = r.recorded.head
		r.service.seen[r.loadBalancer] = last
	}
}

// unsee forgets what readers saw: the record has moved on from it, so that whoever
// sees it again sees something new.
func (l *lane) unsee() {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	delete(l.service.seen, l.loadBalancer)
	delete(l.service.lingering, l.loadBalancer)
}

// saw notes that what was seen is on record, unless something later is. Of a load
// balancer that is gone nothing is kept.
func (r *round) saw(seen *sight) {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	if !r.service.gone[r.loadBalancer].After(seen.began) {
		delete(r.service.gone, r.loadBalancer)
	}
	if seen.gone || seen.began.Before(r.recorded.lookedAt) {
		return
	}
	seen.head = r.recorded.head
	r.service.seen[r.loadBalancer] = *seen
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
