package record

import (
	"context"
	"errors"
	"fmt"

	"lsapi"
)

// errContradicts is for events that cannot follow what is recorded: a defect of
// whoever made them.
func Contradiction(format string, args ...any) error {
	return &lsapi.Error{Code: lsapi.CodeInternal, Err: fmt.Errorf(format, args...)}
}

func LeaseLost(loadBalancer string) error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Message: "another process changes load balancer " + loadBalancer + " now; nothing was recorded",
		Err: lsapi.ErrLeaseLost,
	}
}

func ReadOnly() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes was opened to be read only")
}

func Closed() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes is closed")
}

// errDamaged is for what the database answers and lsapi has not written: neither
// waiting nor another connection helps.
func Damaged(what string, cause error) error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: fmt.Errorf("%s: %w", what, cause),
		Message: "the record of changes is damaged: it holds what lsapi cannot read",
	}
}

func TimedOut(ctx context.Context) *lsapi.Error {
	return &lsapi.Error{Code: lsapi.CodeTimeout, Message: "the record of changes took too long", Err: context.Cause(ctx)}
}

// errEnded is for a wait that ended with its context: because the caller's time was
// up, or because the record was closed.
func Ended(ctx context.Context) error {
	if coded, ok := errors.AsType[*lsapi.Error](context.Cause(ctx)); ok {
		return coded
	}
	return TimedOut(ctx)
}
