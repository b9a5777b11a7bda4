package v1

import (
	"context"
	"net/http"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// ParseTimeout returns for how long a caller is willing to wait, or what is wrong
// with its words. Empty is not given.
func ParseTimeout(text string) (timeout time.Duration, wrong string) {
	if text == "" {
		return DefaultWait, ""
	}
	timeout, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, "expected a duration such as 90s or 5m"
	case timeout <= 0:
		return 0, "expected a duration above 0"
	case timeout > maxWait:
		return 0, "expected at most 1h"
	}
	return timeout, ""
}

// Waiting returns the context of a wait: it ends when the client leaves, when the
// time is up, when the service stops, or, with the error of check as its cause, when
// the caller's credentials are not in force any more. The deadline until which the
// connection takes an answer, which is for requests that are answered at once, is put
// behind it. (That for reading ends with the body.)
func Waiting(stopping context.Context, w http.ResponseWriter, r *http.Request, timeout time.Duration, check func() error) (context.Context, context.CancelFunc) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + answerTime)) // not every connection can
	bounded, cancel := context.WithTimeout(r.Context(), timeout)
	ctx, end := context.WithCancelCause(bounded)
	forget := context.AfterFunc(stopping, cancel)
	go checkUntilDone(ctx, end, check)
	return ctx, func() { forget(); end(nil); cancel() }
}

// checkUntilDone ends a context when the check fails.
func checkUntilDone(ctx context.Context, end context.CancelCauseFunc, check func() error) {
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := check(); err != nil {
				end(err)
				return
			}
		}
	}
}

// Revoked returns the error of the check that has ended a wait, if one has.
func Revoked(ctx context.Context) error {
	if err := context.Cause(ctx); lsapi.ErrorCode(err) == lsapi.CodeUnauthenticated {
		return err
	}
	return nil
}

// await answers when an instance is what the query says.
func (a *API) await(w http.ResponseWriter, r *http.Request, q *memberQuery, timeout time.Duration) error {
	if r.ContentLength != 0 { // net/http does not notice that a client leaves before its body is read
		return &lsapi.Error{Code: lsapi.CodeInvalid, Message: "a wait takes no body"}
	}
	guest, err := a.Admit(w)
	if err != nil {
		return err
	}
	defer guest.Leave()
	ctx, cancel := Waiting(a.Stopping, w, r, timeout, guest.Check)
	defer cancel()
	found, err := a.Fleet.Await(ctx, q.Name, q.InstanceID, lsapi.WaitCondition(q.Wait))
	if revoked := Revoked(ctx); revoked != nil {
		return revoked
	}
	if err != nil {
		return a.waitError(found, err)
	}
	return sendJSON(w, newMember(&found))
}

// waitError is the error of a wait that has ended in vain, with the last that is
// known of the instance.
func (a *API) waitError(last lsapi.MemberDetail, err error) error {
	e := *lsapi.AsError(err)
	switch e.Code {
	case lsapi.CodeWaitTimeout:
		if a.Stopping.Err() != nil {
			return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the service is stopping; ask again", Err: err}
		}
		e.Message = "the time is up, and " + e.Message
	case lsapi.CodeConflict:
	default:
		return err
	}
	e.Err = lastState{newMember(&last), err}
	return &e
}

// lastState is the last that was known of an instance, as the cause of an error.
type lastState struct {
	member apiv1.Member
	err    error
}

func (s lastState) Error() string { return s.err.Error() }

func (s lastState) Unwrap() error { return s.err }
