package v1

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"lsapi"
)

// boundedRecord bounds the concurrent reads of a record, which leaves its other
// connections to writes.
type boundedRecord struct {
	record Record
	reads  *semaphore.Weighted
}

// Change implements Record.
func (b boundedRecord) Change(ctx context.Context, id string) (lsapi.Change, error) {
	return bounded(ctx, b.reads, func() (lsapi.Change, error) { return b.record.Change(ctx, id) })
}

// Changes implements Record.
func (b boundedRecord) Changes(ctx context.Context, f lsapi.ChangeFilter) ([]lsapi.Change, error) {
	return bounded(ctx, b.reads, func() ([]lsapi.Change, error) { return b.record.Changes(ctx, f) })
}

// MembersAt implements Record.
func (b boundedRecord) MembersAt(ctx context.Context, pool lsapi.PoolID, at time.Time) (lsapi.MembershipAt, error) {
	return bounded(ctx, b.reads, func() (lsapi.MembershipAt, error) { return b.record.MembersAt(ctx, pool, at) })
}

func bounded[T any](ctx context.Context, reads *semaphore.Weighted, read func() (T, error)) (result T, err error) {
	if err := acquire(ctx, reads, 1, tooManyReads); err != nil {
		return result, err
	}
	defer reads.Release(1)
	return read()
}

// tooManyReads is the text of a read that was not admitted.
const tooManyReads = "too much of the record is being read at once"

// acquire acquires n within acquireTimeout. CodeThrottled, with the text: it did not.
func acquire(ctx context.Context, of *semaphore.Weighted, n int, text string) error {
	waiting, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	if of.Acquire(waiting, int64(n)) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return &lsapi.Error{Code: lsapi.CodeThrottled, RetryAfter: retryAfter, Message: text}
}
