package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
)

// ErrUnreachable is in the chain of the error of a request that the service has
// not answered: nobody listens, the connection broke, or it is not lsapi that does.
// A change whose request ends so may have been made; the record tells.
var ErrUnreachable = errors.New("the service cannot be reached")

// ErrNotSent is in the chain of an ErrUnreachable, too, when there was no connection
// at all: nothing was done.
var ErrNotSent = errors.New("nothing was sent")

// Error is what the service answers when it does not do what it was asked.
type Error struct {
	// Status is that of the HTTP answer, 408 too when a wait has taken its time.
	Status int
	// Code is the kind of the error, by the service's word for it or else the status.
	Code lsapi.Code
	// Message says what was wrong with what, in the service's words.
	Message string
	// RetryAfter is how long to wait before asking again; 0 is no advice.
	RetryAfter time.Duration
	// ChangeID names the change in the record; empty when it did not get there.
	ChangeID string
	// RequestID finds the request in the service's log.
	RequestID string
	// Member is the last that was known of the instance, when a wait has ended
	// before it was so. Nil when that is nothing.
	Member *apiv1.Member
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ErrorCode returns the code of what the service has answered; empty when the error
// is nil or another one.
func ErrorCode(err error) lsapi.Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// newError reads an answer that is none of success.
func newError(response *http.Response, text []byte) *Error {
	e := &Error{
		Status:    response.StatusCode,
		ChangeID:  response.Header.Get("X-Change-Id"),
		RequestID: response.Header.Get("X-Request-Id"),
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	word := response.Header.Get(status.Header)
	if isJSON(response.Header) {
		word = cmp.Or(word, e.read(text))
	}
	e.Code = status.Code(response.StatusCode, word)
	if e.Message == "" { // a proxy's answer, say
		e.Message = "the answer is " + response.Status
	}
	return e
}

// read takes what it can from the JSON of an error, in whichever form it is: that
// of /v1, or that of the contract with or without its envelope. It returns the code
// that a problem has.
func (e *Error) read(text []byte) (code string) {
	var problem apiv1.Problem
	if json.Unmarshal(text, &problem) == nil && problem.Detail != "" {
		e.Message, e.Member = problem.Detail, problem.Member
		return problem.Code
	}
	var plain struct{ Message, Error string }
	if json.Unmarshal(text, &plain) == nil {
		e.Message = plain.Message + plain.Error // it has one of them
	}
	return ""
}

// unreachable says why there was no answer, without what a URL may hold. A caller
// who has given up gets the context's own error.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if sending, ok := errors.AsType[*url.Error](err); ok {
		err = sending.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it takes too long to answer")
	}
	return fmt.Errorf("%w at %s: %w", ErrUnreachable, c.base, err)
}

// notSent adds ErrNotSent to the chain of an error, and nothing to its text.
type notSent struct{ error }

// Unwrap implements errors.Is and As.
func (e notSent) Unwrap() []error { return []error{e.error, ErrNotSent} }

// passing reports whether an error may be gone when the same is asked again.
func passing(err error) bool {
	if errors.Is(err, ErrUnreachable) {
		return true
	}
	switch ErrorCode(err) {
	case lsapi.CodeUpstream, lsapi.CodeUnavailable, lsapi.CodeTimeout, lsapi.CodeThrottled:
		return true
	}
	return false
}

// advice is how long to wait before asking again, as far as the service has said.
func advice(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
