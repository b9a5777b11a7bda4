package v1

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"lsapi"
)

// bounded asks a record not more than so many questions at once: whoever changes
// something has questions too, and comes first.
type bounded struct {
	record Record
	turns  *semaphore.Weighted
}

// Change implements Record.
func (b bounded) Change(ctx context.Context, id string) (c lsapi.Change, err error) {
	return c, b.ask(ctx, func() error {
		c, err = b.record.Change(ctx, id)
		return err
	})
}

// Changes implements Record.
func (b bounded) Changes(ctx context.Context, f lsapi.ChangeFilter) (all []lsapi.Change, err error) {
	return all, b.ask(ctx, func() error {
		all, err = b.record.Changes(ctx, f)
		return err
	})
}

// MembersAt implements Record.
func (b bounded) MembersAt(ctx context.Context, loadBalancer string, at time.Time) (r lsapi.MembershipAt, err error) {
	return r, b.ask(ctx, func() error {
		r, err = b.record.MembersAt(ctx, loadBalancer, at)
		return err
	})
}

func (b bounded) ask(ctx context.Context, question func() error) error {
	if err := acquire(ctx, b.turns, 1); err != nil {
		return err
	}
	defer b.turns.Release(1)
	return question()
}

// acquire waits for its share, but not for long: CodeThrottled.
func acquire(ctx context.Context, of *semaphore.Weighted, n int) error {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if of.Acquire(waiting, int64(n)) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return &lsapi.Error{
		Code: lsapi.CodeThrottled, RetryAfter: retryAfter,
		Message: "too much of the record is being read at once",
	}
}
