package membership

import (
	"context"
	"fmt"

	"lsapi"
)

func errClosing() error {
	return &lsapi.Error{Code: lsapi.CodeThrottled, Message: "the service is stopping; nothing was changed", RetryAfter: fullRetryAfter}
}

func errFull(why string) error {
	return &lsapi.Error{Code: lsapi.CodeThrottled, Message: why + "; nothing was changed", RetryAfter: fullRetryAfter}
}

// errWithdrawn is the answer to a caller that left before the decision.
func errWithdrawn(c *caller) *lsapi.Error {
	what := "changes were"
	if !c.isBulk() {
		what = fmt.Sprintf("%s of %s was", c.Items[0].Action, c.Items[0].Member)
	}
	err := lsapi.Errorf(lsapi.CodeTimeout, "the deadline passed before the %s sent to AWS; nothing was changed", what)
	err.Err = context.Cause(c.ctx)
	return err
}

// errPending is the answer to a caller that left after the decision.
func errPending(r *request) *lsapi.Error {
	err := lsapi.Errorf(lsapi.CodeTimeout, "the deadline passed before AWS answered; the %s of %s may have taken effect, or may yet", r.action, r.member)
	err.Err = context.Cause(r.caller.ctx)
	return err
}

func errConflict(action lsapi.Action, member lsapi.MemberID, pool lsapi.PoolID) *lsapi.Error {
	if action == lsapi.Attach {
		return lsapi.Errorf(lsapi.CodeConflict, "%s is already on %s", member.Title(), pool.Title())
	}
	return lsapi.Errorf(lsapi.CodeConflict, "%s is not on %s", member.Title(), pool.Title())
}

// errSkipped is the answer to a change of an atomic bulk of which another one is refused.
func errSkipped(action lsapi.Action, member lsapi.MemberID) *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeBulkSkipped, "the %s of %s was not sent, because another change of the bulk is refused", action, member)
}

// errPrecondition is the answer to a caller that requires another version of the members.
func errPrecondition(pool lsapi.PoolID, version string) *lsapi.Error {
	return lsapi.Errorf(lsapi.CodePrecondition, "the members of %s have the version %s now; nothing was changed", pool.Title(), version)
}

// errMadeAgain is the answer to a change whose member has the port of the pool before.
func errMadeAgain(pool lsapi.PoolID) *lsapi.Error {
	err := lsapi.Errorf(lsapi.CodeUnavailable, "%s was made again, perhaps with another port; nothing was changed", pool.Title())
	err.RetryAfter = fullRetryAfter
	return err
}

func errUnknown(action lsapi.Action, member lsapi.MemberID, pool lsapi.PoolID, cause error) *lsapi.Error {
	err := lsapi.Errorf(lsapi.CodeTimeout, "it cannot be known whether the %s of %s took effect; list %s to see", action, member, pool.Name)
	err.Err = cause
	return err
}

// failures say how a call to AWS failed, for errors without a message.
var failures = map[lsapi.Code]string{
	lsapi.CodeTimeout:  "AWS did not answer in time",
	lsapi.CodeUpstream: "AWS failed or could not be reached",
}

// errUnread is the answer to a change that was not sent because AWS could not be read.
func errUnread(cause error) error {
	return explained(cause, " when lsapi read the membership; nothing was changed")
}

// explained returns an error with a message, if it has none.
func explained(cause error, format string, args ...any) *lsapi.Error {
	coded := *lsapi.AsError(cause)
	why, known := failures[coded.Code]
	if !known || coded.Message != "" {
		return &coded
	}
	coded.Message = why + fmt.Sprintf(format, args...)
	return &coded
}

// errUnrecorded is the answer to a change that was not sent because it could not
// have been recorded.
func errUnrecorded(cause error) *lsapi.Error {
	coded := lsapi.AsError(cause)
	if coded.Code == lsapi.CodeThrottled {
		return coded
	}
	message := "changes cannot be recorded for now"
	if coded.Code != lsapi.CodeInternal && coded.Message != "" {
		message = coded.Message
	}
	err := lsapi.Errorf(lsapi.CodeUnavailable, "%s; nothing was changed", message)
	err.RetryAfter, err.Err = max(coded.RetryAfter, fullRetryAfter), cause
	return err
}

// errUnsettled is the answer to a change whose outcome could not be recorded.
func errUnsettled(r *request, cause error) *lsapi.Error {
	err := lsapi.Errorf(lsapi.CodeTimeout, "the %s of %s was sent to AWS, but its outcome could not be recorded; lsapi reads the membership to resolve it", r.action, r.member)
	err.Err = cause
	return err
}

// errUnguarded is the answer to a change that no guard can judge. A cause with the code is
// the answer, since its message is for the client.
func errUnguarded(code lsapi.Code, cause error) *lsapi.Error {
	coded := lsapi.AsError(cause)
	if coded.Code == code {
		return coded
	}
	return &lsapi.Error{Code: code, RetryAfter: coded.RetryAfter, Err: cause}
}
