package record

import (
	"context"
	"errors"
	"fmt"

	"lsapi"
)

// errContradicts is for events that cannot follow what is recorded: a defect of
// whoever made them.
func errContradicts(format string, args ...any) error {
	return &lsapi.Error{Code: lsapi.CodeInternal, Err: fmt.Errorf(format, args...)}
}

func errLeaseLost(loadBalancer string) error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Message: "another process changes load balancer " + loadBalancer + " now; nothing was recorded",
		Err: lsapi.ErrLeaseLost,
	}
}

func errStandby() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "this process is a standby: another one owns the record of changes")
}

func errReadOnly() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes was opened to be read only")
}

func errClosed() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes is closed")
}

// errReplaced is for a file that is not the one that this process owns.
func errReplaced(cause error) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: cause,
		Message: "the record of changes was removed or replaced while this process was running; nothing is written until it is put back or the process is restarted",
	}
}

func errUnwritable(cause error) *lsapi.Error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok && coded.Code == lsapi.CodeUnavailable {
		return coded
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the record of changes cannot be written" + reason(cause), Err: cause}
}

// errDamagedLog is for a log that does not end where its row says.
func errDamagedLog(loadBalancer string, cause error) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: cause,
		Message: "the record of load balancer " + loadBalancer + " is damaged, and cannot be continued until it is repaired",
	}
}

// errDamaged is for what the database answers and lsapi has not written: neither
// waiting nor another connection helps.
func errDamaged(what string, cause error) error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: fmt.Errorf("%s: %w", what, cause),
		Message: "the record of changes is damaged: it holds what lsapi cannot read",
	}
}

// unreadable returns the coded error of a read that failed. A caller whose time
// was up learns that.
func unreadable(ctx context.Context, cause error) error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok {
		return coded
	}
	if ctx.Err() != nil {
		return errGivenUp(ctx)
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the record of changes cannot be read", Err: cause}
}

func errGivenUp(ctx context.Context) *lsapi.Error {
	return &lsapi.Error{Code: lsapi.CodeTimeout, Message: "the record of changes took too long", Err: context.Cause(ctx)}
}

// errNotKnown is for a write that had begun when its caller left.
func errNotKnown(ctx context.Context) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeTimeout, Message: "it is not known whether the record of changes has kept it: the record took too long",
		Err: context.Cause(ctx),
	}
}

// errEnded is for a wait that ended with its context: because the caller's time was
// up, or because the record was closed.
func errEnded(ctx context.Context) error {
	if coded, ok := errors.AsType[*lsapi.Error](context.Cause(ctx)); ok {
		return coded
	}
	return errGivenUp(ctx)
}
