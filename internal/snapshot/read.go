package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// Remembered answers from memory, and without asking AWS, if what is there may
// be served as it is: because it is no older than the bound, or because it is not
// too old yet (MaxStaleOnError) and AWS cannot be read, or others have waited for
// that in vain. It returns nil and no error when Read has to be asked.
//
// Errors: CodeNotFound for a name that a listing no older than the bound lacks.
func (s *Snapshot) Remembered(loadBalancer string) (*lsapi.EncodedList, error) {
	now := time.Now()
	s.touch(now)
	known, exists := s.current(loadBalancer)
	switch {
	case known != nil && s.isFresh(known.AsOf, now):
		s.served(now.Sub(known.AsOf))
		return &known.EncodedList, nil
	case !exists && s.isListed(now):
		return nil, errNotFound(loadBalancer)
	case s.isBearable(known, now) && (s.failing.Failing() || s.isInVain()):
		return &known.EncodedList, nil
	}
	return nil, nil
}

// Read returns what is known of a load balancer. If that may not be served as it
// is, or if fresh is set, it is read again, and what is returned was asked for
// after Read was called.
//
// When AWS cannot be read, or not within maxPatience of the first reader who wants
// a newer answer, one that is not too old (MaxStaleOnError) is still returned,
// unless fresh is set.
//
// A fresh answer also includes every change that another process had on record as
// applied when Read was called; while the record cannot be read there is none.
//
// Errors: CodeNotFound; CodeUnavailable when AWS cannot be read and what is
// known is too old, or does not have the name; those of CatchUp if fresh is set; else
// what AWS's failure maps to.
func (s *Snapshot) Read(ctx context.Context, loadBalancer string, fresh bool) (*lsapi.EncodedList, error) {
	if !fresh {
		if answer, err := s.Remembered(loadBalancer); answer != nil || err != nil {
			return answer, err
		}
	}
	s.touch(time.Now())
	var err error
	if fresh {
		err = s.await(ctx, loadBalancer, true)
	} else {
		err = s.awaitBounded(ctx, loadBalancer)
	}
	known, _ := s.current(loadBalancer)
	switch {
	case err == nil && known != nil:
		return &known.EncodedList, nil
	case err == nil || lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		return nil, errNotFound(loadBalancer)
	case fresh:
		return nil, err
	case s.isBearable(known, time.Now()):
		return &known.EncodedList, nil
	case known != nil:
		return nil, errTooOld(known.AsOf, err)
	}
	return nil, s.errNothingKnown(ctx, loadBalancer, err)
}

// awaitBounded awaits a newer entry than the one that is there, which is too old.
func (s *Snapshot) awaitBounded(ctx context.Context, loadBalancer string) error {
	old, _ := s.current(loadBalancer)
	if !s.isBearable(old, time.Now()) {
		old = nil
	}
	return s.awaitNewer(ctx, loadBalancer, old)
}

// errNothingKnown is the error of a read of a load balancer of which there is no entry
// and that AWS could not be asked for. Once the region was listed there is stale data,
// which cannot say that a name does not exist: for a name that was never listed it is
// CodeUnavailable.
func (s *Snapshot) errNothingKnown(ctx context.Context, loadBalancer string, cause error) error {
	code := lsapi.ErrorCode(cause)
	_, exists := s.current(loadBalancer)
	if exists || s.listed.Load() == 0 || ctx.Err() != nil || code == lsapi.CodeThrottled || code == lsapi.CodeUnavailable {
		return cause
	}
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read, and nothing is known of a load balancer named %s", loadBalancer)
	err.RetryAfter, err.Err = retryPause, cause
	return err
}

// current returns the load balancer's entry, nil when none is there yet, and
// whether the load balancer is known to exist.
func (s *Snapshot) current(loadBalancer string) (e *entry, exists bool) {
	if sl := (*s.slots.Load())[loadBalancer]; sl != nil {
		return sl.current.Load(), true
	}
	return nil, false
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

// touch notes that somebody reads, and lets the refreshes look whether they are
// wanted again.
func (s *Snapshot) touch(now time.Time) {
	last := s.lastRead.Load()
	if s.stamp(now)-last < int64(touchEvery) {
		return
	}
	if s.isIdle(now) {
		s.resumed.Store(s.stamp(now)) // before anybody can take it for no longer idle
	}
	if s.lastRead.CompareAndSwap(last, s.stamp(now)) {
		s.refreshNow()
	}
}

// isIdle reports whether nobody has read for a while.
func (s *Snapshot) isIdle(now time.Time) bool {
	return s.stamp(now)-s.lastRead.Load() > int64(s.o.IdleAfter)
}

// Ready returns CodeUnavailable if the last listing is too old to be served, whether this
// process lists the region or another replica does. While there are no reads, and for
// resumeGrace after them, the age of the listing does not count.
func (s *Snapshot) Ready() error {
	now := time.Now()
	limit := max(s.o.MaxStaleOnError, time.Duration(s.bound.Load()))
	if s.isIdle(now) || now.Sub(s.at(s.resumed.Load())) <= resumeGrace || now.Sub(s.at(s.listed.Load())) <= limit {
		return nil
	}
	return errUnreadable()
}

func errUnreadable() error {
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read")
	err.RetryAfter = retryPause
	return err
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }

func errNotFound(loadBalancer string) error {
	return lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer named %s", loadBalancer)
}

func errTooManyReads() error {
	err := lsapi.Errorf(lsapi.CodeThrottled, "too many load balancers are being read")
	err.RetryAfter = retryPause
	return err
}

func errTooOld(asOf time.Time, cause error) error {
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read, and what is known is from %s", asOf.UTC().Format(time.RFC3339))
	err.RetryAfter, err.Err = retryPause, cause
	return err
}
