package membership

import (
	"context"
	"time"

	"lsapi"
)

// Start brings back from the record what was applied a moment ago, so that reads
// show it from the first on although AWS may not, and begins to look for changes
// that were left open. Without a record it does nothing.
//
// Errors: those of the record. Then nothing was begun.
func (s *Service) Start(ctx context.Context) error {
	if !s.remembers() {
		return nil
	}
	names, err := s.record.Unfinished(ctx, s.recently())
	if err != nil {
		return err
	}
	for _, name := range names {
		applied, err := s.record.Applied(ctx, name, s.recently())
		if err != nil {
			return err
		}
		if _, err := s.lay(name, applied); err != nil {
			return err
		}
	}
	s.work.Go(func(context.Context) { s.recoverForever() }) //nolint:contextcheck // the Service keeps the same context
	return nil
}

// recently is for how long reads may miss what was applied: AWS may lag, and a read
// takes its time.
func (s *Service) recently() time.Duration { return s.window + s.call }

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
	names, err := s.record.Unfinished(ctx, s.recently())
	if err != nil {
		if lsapi.ErrorCode(err) != lsapi.CodeUnavailable { // what is away is told by whoever is ready to serve
			s.log.Error("changes that were left open cannot be looked for", "error", err)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookGone()
	for _, name := range names {
		switch l := s.lanes[name]; {
		case s.closing:
		case l == nil && len(s.lanes) < maxLanes:
			s.startLane(name).want()
		case l != nil && !l.informed:
			l.want()
		}
	}
}

// want makes the lane read the record. The caller holds service.mu.
func (l *lane) want() {
	l.wanted = true
	l.signal()
}
