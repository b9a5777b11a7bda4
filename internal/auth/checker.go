package auth

import (
	"context"
	"crypto/sha256"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"lsapi"
)

// attempt is a login whose password has to be checked.
type attempt struct {
	client, user, password string

	account *account // nil: no such user
	dummy   *account // see users.dummyAccount
	digest  [sha256.Size]byte
}

// right checks the password. A failure takes equally long whether the user exists or not.
func (t attempt) right() bool {
	if t.account != nil && t.account.accepts(t.password) {
		return true
	}
	if t.account == nil || t.account.quick {
		t.dummy.accepts(t.password)
	}
	return false
}

// checker bounds the cost of password checks, and the number of failures.
type checker struct {
	limiter *failureLimiter
	shared  singleflight.Group
	queue   *semaphore.Weighted
	// processors bounds concurrent checks to half of the processors. The other half
	// serves requests with verified credentials.
	processors *semaphore.Weighted
}

func newChecker() *checker {
	return &checker{
		limiter:    newFailureLimiter(),
		queue:      semaphore.NewWeighted(maxQueued),
		processors: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2))),
	}
}

// check reports whether the attempt's password is right. CodeThrottled: it was not
// checked. Concurrent checks of the same credentials are one check, which continues and
// counts even if its callers leave.
func (c *checker) check(ctx context.Context, t attempt) (bool, error) {
	key := c.limiter.key(t.client, t.user)
	// Each caller is subject to its own limits, even if it would share another's check.
	if err := c.limiter.check(key, time.Now()); err != nil {
		return false, err
	}
	result := c.shared.DoChan(string(t.digest[:]), func() (any, error) {
		return c.checkOnce(context.WithoutCancel(ctx), t, key)
	})
	select {
	case r := <-result:
		return r.Val == true, r.Err
	case <-ctx.Done():
		return false, &lsapi.Error{Code: lsapi.CodeTimeout, Message: "the credentials were not checked in time", Err: ctx.Err()}
	}
}

// checkOnce checks the password within the limits. It takes the tokens of a failure
// before it waits, so that concurrent guesses are limited like successive ones, and the
// queue holds at most one burst of an address.
func (c *checker) checkOnce(ctx context.Context, t attempt, key limitKey) (right bool, err error) {
	refund, err := c.limiter.acquire(key, time.Now())
	if err != nil {
		return false, err
	}
	defer func() {
		if right || err != nil {
			refund()
		}
	}()
	if !c.queue.TryAcquire(1) {
		return false, errBusy()
	}
	defer c.queue.Release(1)
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	if err := c.processors.Acquire(ctx, 1); err != nil {
		return false, errBusy()
	}
	defer c.processors.Release(1)
	if right = t.right(); right {
		t.account.setVerified(t.digest)
	}
	return right, nil
}

func errBusy() error {
	return &lsapi.Error{
		Code:       lsapi.CodeThrottled,
		Message:    "too many passwords are being checked at once; these credentials were not checked",
		RetryAfter: busyRetryAfter,
	}
}
