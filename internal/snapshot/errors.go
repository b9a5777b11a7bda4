package snapshot

import (
	"context"
	"time"

	"lsapi"
)

func errUnreadable() error {
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read")
	err.RetryAfter = retryPause
	return err
}

// errNothingServed returns an error if listings that are too old to be served leave no pools.
// One that AWS denies counts only if there is no other: a role may be for one kind.
func (s *Snapshot) errNothingServed(ctx context.Context, listings []*listing) error {
	var failed, denied error
	isListed := false
	for _, l := range listings {
		switch state := s.stateOf(l); {
		case state.Served && l.pools.Load() > 0:
			return nil
		case state.Served:
			isListed = true
		case state.Denied:
			denied = lsapi.Errorf(lsapi.CodeUnavailable, "AWS denies lsapi the listing of pools of the kind %s", l.kind)
		case ctx.Err() != nil:
			failed = &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
		default:
			failed = errUnreadable()
		}
	}
	if failed == nil && !isListed {
		return denied
	}
	return failed
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }

func errNotFound(pool lsapi.PoolID) error {
	return lsapi.Errorf(lsapi.CodeNotFound, "there is no %s", pool.Named())
}

func errTooOld(asOf time.Time, cause error) error {
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read, and what is known is from %s", asOf.UTC().Format(time.RFC3339))
	err.RetryAfter, err.Err = retryPause, cause
	return err
}
