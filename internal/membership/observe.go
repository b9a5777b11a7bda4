package membership

import (
	"slices"
	"time"

	"lsapi"
)

// sight is what a reader has found to be the members, by asking that began then.
type sight struct {
	ids   []string
	began time.Time
	gone  bool // there is no such load balancer any more
}

// Saw takes what a read that began then has found to be the members, so that what
// was changed past lsapi gets on record. It costs a comparison when nothing has
// changed since, and never waits. ids must not be changed afterwards.
func (s *Service) Saw(loadBalancer string, ids []string, began time.Time) {
	s.look(loadBalancer, sight{ids: ids, began: began})
}

// Gone takes that a read that began then has not found a load balancer that there was:
// with it, its members are gone.
func (s *Service) Gone(loadBalancer string, began time.Time) {
	s.look(loadBalancer, sight{began: began, gone: true})
}

func (s *Service) look(loadBalancer string, seen sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || !s.remembers() || time.Now().Before(s.away) {
		return
	}
	if last, ok := s.seen[loadBalancer]; ok && last.gone == seen.gone && slices.Equal(last.ids, seen.ids) {
		if seen.began.After(last.began) {
			s.seen[loadBalancer] = seen
		}
		return
	}
	l, ok := s.lanes[loadBalancer]
	if !ok {
		if len(s.lanes) >= maxSights {
			return // the next refresh sees it too
		}
		l = s.startLane(loadBalancer)
	}
	l.sight = &seen
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

// explains reports whether the record, as far as the lane knows it, says what was
// seen. Then it is not seen again until it differs.
func (l *lane) explains(seen *sight) bool {
	if !l.roster.loaded {
		return false
	}
	if _, differs := l.difference(seen); differs {
		return false
	}
	l.saw(seen)
	return true
}

// report puts on the page in what the sight differs from the record. The turn
// must be the lane's.
func (l *lane) report(seen *sight, p *page) {
	event, differs := l.difference(seen)
	if !differs {
		l.saw(seen)
		return
	}
	p.write(event)
	p.then(nil, func() { l.saw(seen) })
}

// difference is the event that explains what was seen, if it needs one. A sight
// that is older than the lane's last tells nothing.
func (l *lane) difference(seen *sight) (lsapi.Event, bool) {
	l.countLooks()
	if l.roster.known && !seen.began.After(l.roster.lookedAt) {
		return lsapi.Event{}, false
	}
	members := make(map[string]bool)
	if !seen.gone {
		members = setOf(l.service.Overlay(l.loadBalancer, seen.ids, seen.began))
	}
	return l.roster.unexplained(members, seen.began)
}

// countLooks moves the time of the last look on to that of the last reader who saw
// what is on record.
func (l *lane) countLooks() {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	if last, ok := l.service.seen[l.loadBalancer]; ok {
		l.roster.lookedAt = later(l.roster.lookedAt, last.began)
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

// saw notes that what was seen is on record, unless something later is.
func (l *lane) saw(seen *sight) {
	if seen.began.Before(l.roster.lookedAt) {
		return
	}
	l.roster.lookedAt = seen.began
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	l.service.seen[l.loadBalancer] = *seen
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
