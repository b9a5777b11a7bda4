package membership

import (
	"time"

	"lsapi"
)

// recoverForever looks for changes that a process has left open, this one before
// it crashed or another, and starts their lanes, which settle them. It also brings
// back the overlay of changes that were applied a moment ago.
func (s *Service) recoverForever() {
	ticker := time.NewTicker(recoverEvery)
	defer ticker.Stop()
	for {
		s.recover()
		select {
		case <-ticker.C:
		case <-s.stopping:
			return
		}
	}
}

func (s *Service) recover() {
	ctx, cancel := s.recording()
	defer cancel()
	names, err := s.record.Unfinished(ctx, time.Now().Add(-s.window-s.call))
	if err != nil {
		if lsapi.ErrorCode(err) != lsapi.CodeUnavailable { // what is away is told by whoever is ready to serve
			s.log.Error("changes that were left open cannot be looked for", "error", err)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if s.lanes[name] == nil && !s.closing && len(s.lanes) < maxLanes {
			s.startLane(name).want()
		}
	}
}

// want makes the lane read the record. The caller holds service.mu.
func (l *lane) want() {
	l.wanted = true
	l.signal()
}
