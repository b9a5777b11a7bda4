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
	brakes *brakes
	shared singleflight.Group
	queue  *semaphore.Weighted
	// processors are those that may check at once: half of them, so that requests
	// whose users are remembered have the others.
	processors *semaphore.Weighted
}

func newChecker() *checker {
	return &checker{
		brakes:     newBrakes(),
		queue:      semaphore.NewWeighted(maxQueued),
		processors: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2))),
	}
}

// check reports whether the attempt's password is right; CodeThrottled when it
// was not looked at. Checks of the same credentials at the same time are one. It
// is nobody's own: it goes on, and counts, when whoever was first leaves.
func (c *checker) check(ctx context.Context, t attempt) (bool, error) {
	if err := c.brakes.check(t, time.Now()); err != nil {
		return false, err
	}
	result := c.shared.DoChan(string(t.digest[:]), func() (any, error) {
		return c.inTurn(context.WithoutCancel(ctx), t)
	})
	select {
	case r := <-result:
		return r.Val == true, r.Err
	case <-ctx.Done():
		return false, &lsapi.Error{Code: lsapi.CodeTimeout, Message: "the credentials were not checked in time", Err: ctx.Err()}
	}
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
	// The brakes may have been put on while it waited: of a thousand guesses that
	// are sent at once, no more are looked at than of those that are sent one after
	// another.
	if err := c.brakes.check(t, time.Now()); err != nil {
		return false, err
	}
	right := t.right()
	if right {
		t.account.remember(&t.digest, time.Now())
	} else {
		c.brakes.failed(t, time.Now())
	}
	return right, nil
}

func errBusy() error {
	return &lsapi.Error{
		Code:       lsapi.CodeThrottled,
		Message:    "too many passwords are being checked at once; these credentials were not looked at",
		RetryAfter: busyRetryAfter,
	}
}
