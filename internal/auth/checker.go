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

// attempt is credentials whose password has to be checked.
type attempt struct {
	client, user, password string

	account *account // nil: there is no such user
	standIn *account // see users.standIn
	digest  [sha256.Size]byte
}

// right checks the password. For what is wrong it takes as long whether there is
// such a user or not.
func (t attempt) right() bool {
	if t.account != nil && t.account.accepts(t.password) {
		return true
	}
	if t.account == nil || t.account.quick {
		t.standIn.accepts(t.password)
	}
	return false
}

// checker bounds what checking passwords costs, and how many may be guessed.
type checker struct {
	limiter *failureLimiter
	shared  singleflight.Group
	queue   *semaphore.Weighted
	// processors are those that may check at once: half of them, so that requests
	// whose credentials are known have the others.
	processors *semaphore.Weighted
}

func newChecker() *checker {
	return &checker{
		limiter:    newFailureLimiter(),
		queue:      semaphore.NewWeighted(maxQueued),
		processors: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2))),
	}
}

// check reports whether the attempt's password is right; CodeThrottled when it was not
// checked. Simultaneous checks of the same credentials are one. It belongs to no single
// caller: it goes on, and counts, when the first one leaves.
func (c *checker) check(ctx context.Context, t attempt) (bool, error) {
	// Each caller meets its own limits, also one that would share the check of another.
	if err := c.limiter.check(t, time.Now()); err != nil {
		return false, err
	}
	result := c.shared.DoChan(string(t.digest[:]), func() (any, error) {
		return c.checkOnce(context.WithoutCancel(ctx), t)
	})
	select {
	case r := <-result:
		return r.Val == true, r.Err
	case <-ctx.Done():
		return false, &lsapi.Error{Code: lsapi.CodeTimeout, Message: "the credentials were not checked in time", Err: ctx.Err()}
	}
}

// checkOnce checks the password under the limits. It takes the tokens of a failure
// before it waits: a thousand guesses that are sent at once are no more than those that
// are sent one after another, and the queue has no more of an address than its burst.
func (c *checker) checkOnce(ctx context.Context, t attempt) (right bool, err error) {
	putBack, err := c.limiter.acquire(t, time.Now())
	if err != nil {
		return false, err
	}
	defer func() {
		if right || err != nil {
			putBack()
		}
	}()
	return c.inTurn(ctx, t)
}

// inTurn waits for a processor and checks the password.
func (c *checker) inTurn(ctx context.Context, t attempt) (bool, error) {
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
	right := t.right()
	if right {
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
