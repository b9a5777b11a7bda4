package snapshot

import (
	"context"
	"time"
)

// Readers who find an answer too old, and bearable, wait for a newer one, those of
// a load balancer together for maxPatience. When they have waited in vain nobody
// waits any more, whatever the load balancer, until AWS has answered a whole
// listing that was asked for later. Were each as patient as the first, a client
// whose connections all wait would never catch up while AWS is slow.
//
// Nobody's patience is spent while nobody reads: AWS is not asked then, and who
// reads next must not take its silence for a failure.

// awaitNewer awaits a newer entry than the old one that the reader can be given,
// for as long as there is patience. Who can be given none waits until ctx ends.
func (s *Snapshot) awaitNewer(ctx context.Context, loadBalancer string, old *entry) error {
	if old == nil {
		return s.await(ctx, loadBalancer, false)
	}
	patience, done := context.WithDeadline(ctx, s.patience(old, time.Now()))
	defer done()
	err := s.await(patience, loadBalancer, false)
	if err != nil && patience.Err() != nil && ctx.Err() == nil {
		s.inVain.Store(s.stamp(time.Now()))
	}
	return err
}

// patience returns until when a reader waits who finds an entry too old.
func (s *Snapshot) patience(e *entry, now time.Time) (until time.Time) {
	if since := e.wanted.Load(); since < s.resumed.Load() {
		e.wanted.CompareAndSwap(since, s.stamp(now)) // or somebody else came first
	}
	return s.at(e.wanted.Load()).Add(maxPatience)
}

// isInVain reports whether readers have waited for as long as they do, and AWS has
// not been quicker since.
func (s *Snapshot) isInVain() bool {
	inVain := s.inVain.Load()
	return inVain >= s.resumed.Load() && inVain > s.listed.Load()
}
