package membership

import (
	"context"
	"time"

	"lsapi"
)

// Start begins to look for changes that were left open.
func (s *Service) Start() {
	s.work.Go(func(context.Context) { s.recoverForever() }) //nolint:contextcheck // shared has the same context
}

// recoverForever starts the lanes of changes that a process has left open, this one before
// a crash or another. They settle them, and add the recent changes to the overlay.
func (s *Service) recoverForever() {
	ticker := time.NewTicker(recoverEvery)
	defer ticker.Stop()
	for {
		s.recover()
		select {
		case <-ticker.C:
		case <-s.stopping.Done():
			return
		}
	}
}

func (s *Service) recover() {
	ctx, cancel := s.recording(0)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	pools, err := s.record.Unfinished(ctx, s.overlay.Keep())
	if err != nil {
		if lsapi.ErrorCode(err) != lsapi.CodeUnavailable && !s.isClosing() { // readiness reports that
			s.log.Error("changes that were left open cannot be looked for", "error", err)
		}
		return
	}
	s.inbox.RetryGone()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pool := range pools {
		switch l := s.lanes[pool]; {
		case s.closing:
		case l == nil && len(s.lanes) < maxLanes:
			s.startLane(pool).demandRound()
		case l != nil && !l.hasRead.Load():
			l.demandRound()
		}
	}
}
