package snapshot

import (
	"time"

	"lsapi"
)

func errUnreadable() error {
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read")
	err.RetryAfter = retryPause
	return err
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
