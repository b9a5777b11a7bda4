package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// Remembered answers from memory, and without asking AWS, if what is there may
// be served as it is: because it is no older than the bound, or because AWS
// cannot be read and it is not too old yet (MaxStaleOnError). It returns nil and
// no error when Read has to be asked.
//
// Errors: CodeNotFound for a name that a listing no older than the bound lacks.
func (s *Snapshot) Remembered(loadBalancer string) (*lsapi.Representation, error) {
	now := time.Now()
	s.touch(now)
	known := s.current(loadBalancer)
	switch {
	case known != nil && s.isFresh(known.AsOf, now):
		s.served(now.Sub(known.AsOf))
		return &known.Representation, nil
	case known == nil && s.isFresh(time.Unix(0, s.listed.Load()), now):
		return nil, errNotFound(loadBalancer)
	case s.failing.Load() && s.isBearable(known, now):
		return &known.Representation, nil
	}
	return nil, nil
}

// Read returns what is known of a load balancer. If that may not be served as it
// is, or if fresh is set, it is read again, and what is returned was asked for
// after Read was called.
//
// When AWS cannot be read, an answer that is not too old (MaxStaleOnError) is
// still returned, unless fresh is set.
//
// Errors: CodeNotFound; CodeUnavailable when AWS cannot be read and what is
// known is too old; else what AWS's failure maps to.
func (s *Snapshot) Read(ctx context.Context, loadBalancer string, fresh bool) (*lsapi.Representation, error) {
	if !fresh {
		if answer, err := s.Remembered(loadBalancer); answer != nil || err != nil {
			return answer, err
		}
	}
	s.touch(time.Now())
	err := s.await(ctx, loadBalancer)
	known := s.current(loadBalancer)
	switch {
	case err == nil && known != nil:
		return &known.Representation, nil
	case err == nil || lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		return nil, errNotFound(loadBalancer)
	case fresh || known == nil:
		return nil, err
	case s.isBearable(known, time.Now()):
		return &known.Representation, nil
	}
	return nil, errTooOld(known.AsOf, err)
}

// current returns the load balancer's entry, nil when nothing is known of it.
func (s *Snapshot) current(loadBalancer string) *entry {
	if sl := (*s.slots.Load())[loadBalancer]; sl != nil {
		return sl.current.Load()
	}
	return nil
}

func (s *Snapshot) isFresh(asOf, now time.Time) bool {
	return now.Sub(asOf) <= time.Duration(s.bound.Load())
}

// isBearable reports whether an entry may be served when AWS cannot be read.
func (s *Snapshot) isBearable(e *entry, now time.Time) bool {
	return e != nil && now.Sub(e.AsOf) <= s.o.MaxStaleOnError
}

// served keeps the age of the oldest answer that was served as fresh.
func (s *Snapshot) served(age time.Duration) {
	for oldest := s.oldest.Load(); int64(age) > oldest; oldest = s.oldest.Load() {
		if s.oldest.CompareAndSwap(oldest, int64(age)) {
			return
		}
	}
}

// touch notes that somebody reads, and wakes the refreshes when nobody had for a
// while.
func (s *Snapshot) touch(now time.Time) {
	last := s.lastRead.Load()
	if since := now.UnixNano() - last; since < int64(touchEvery) || !s.lastRead.CompareAndSwap(last, now.UnixNano()) {
		return
	} else if since > int64(s.o.IdleAfter) {
		s.refreshNow()
	}
}

// isIdle reports whether nobody has read for a while.
func (s *Snapshot) isIdle(now time.Time) bool {
	return now.UnixNano()-s.lastRead.Load() > int64(s.o.IdleAfter)
}

func errNotFound(loadBalancer string) error {
	return lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer named %s", loadBalancer)
}

func errTooOld(asOf time.Time, cause error) error {
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read, and what is known is from %s", asOf.UTC().Format(time.RFC3339))
	err.RetryAfter, err.Err = retryPause, cause
	return err
}
