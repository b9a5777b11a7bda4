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
// time is up, or when the service stops. The deadline until which the connection takes
// an answer, which is for requests that are answered at once, is put behind it. (That
// for reading ends with the body.)
func Waiting(stopping context.Context, w http.ResponseWriter, r *http.Request, timeout time.Duration) (context.Context, context.CancelFunc) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + answerTime)) // not every connection can
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	forget := context.AfterFunc(stopping, cancel)
	return ctx, func() { forget(); cancel() }
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
	ctx, cancel := Waiting(a.Stopping, w, r, timeout)
	defer cancel()
	found, err := a.Fleet.Await(ctx, q.Name, q.InstanceID, lsapi.Wish(q.Wait))
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
	case lsapi.CodeNotYet:
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
