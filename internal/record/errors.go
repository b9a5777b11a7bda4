package record

import (
	"context"
	"errors"
	"fmt"

	"lsapi"
)

// Contradiction returns the error for events that cannot follow the recorded ones: a
// defect of their author.
func Contradiction(format string, args ...any) error {
	return &lsapi.Error{Code: lsapi.CodeInternal, Err: fmt.Errorf(format, args...)}
}

// LeaseLost returns the error for a lease that another process holds.
func LeaseLost(pool lsapi.PoolID) error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Message: "another process changes " + pool.Title() + " now; nothing was recorded",
		Err: lsapi.ErrLeaseLost,
	}
}

// ReadOnly returns the error for writes to a read-only record.
func ReadOnly() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes was opened to be read only")
}

// Closed returns the error for calls after Close.
func Closed() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes is closed")
}

// Damaged returns the error for stored data that lsapi cannot have written. A retry does
// not help.
func Damaged(what string, cause error) error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: fmt.Errorf("%s: %w", what, cause),
		Message: "the record of changes is damaged: it holds what lsapi cannot read",
	}
}

// TimedOut returns the error of a call whose context ended.
func TimedOut(ctx context.Context) *lsapi.Error {
	return &lsapi.Error{Code: lsapi.CodeTimeout, Message: "the record of changes took too long", Err: context.Cause(ctx)}
}

// Ended returns the coded cause of a context's end, such as Closed, else TimedOut.
func Ended(ctx context.Context) error {
	if coded, ok := errors.AsType[*lsapi.Error](context.Cause(ctx)); ok {
		return coded
	}
	return TimedOut(ctx)
}
