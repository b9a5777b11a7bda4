package lsapi

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of an Error. Adapters map what their systems say to a code,
// in one table each; lsapi/api/status maps codes to HTTP statuses and back, in one
// table. Clients receive codes as these words, so they never change.
type Code string

// The codes.
const (
	CodeInvalid          Code = "invalid"            // the request is wrong and stays wrong
	CodeUnauthenticated  Code = "unauthenticated"    // the caller's credentials are missing or wrong
	CodeDenied           Code = "denied"             // the caller may not do this
	CodeForbidden        Code = "forbidden"          // AWS refuses lsapi's own credentials or permissions
	CodeNotFound         Code = "not_found"          // no such load balancer
	CodeMethodNotAllowed Code = "method_not_allowed" // the path does not take the method
	CodeConflict         Code = "conflict"           // the membership already is as asked
	CodeInProgress       Code = "in_progress"        // the request with this idempotency key has no outcome yet, come back later
	CodeTooLarge         Code = "too_large"          // the request's body is too large
	CodeKeyReused        Code = "key_reused"         // the idempotency key is that of another request
	CodeThrottled        Code = "throttled"          // too much at once; nothing changed, come back later
	CodeUnavailable      Code = "unavailable"        // lsapi cannot answer for now; nothing changed, come back later
	CodeUpstream         Code = "upstream"           // AWS failed or cannot be reached
	CodeGone             Code = "gone"               // there was such a thing, and it has been removed for good
	CodeWaitTimeout      Code = "wait_timeout"       // what the caller waited for did not come about in time
	CodeWaitFailed       Code = "wait_failed"        // the change was made; the wait for its effect ended without it
	CodeTimeout          Code = "timeout"            // the deadline passed, or the outcome cannot be known
	CodeInternal         Code = "internal"           // a defect of lsapi
)

// Error is the one error type that crosses package borders.
type Error struct {
	Code Code
	// Message is for the client: a sentence that says what was wrong with what.
	// It holds no internals. Empty means that the client learns the code alone.
	Message string
	// Reason is AWS's own error code, such as "InvalidInstance". For the log.
	Reason string
	// Ambiguous marks a call that may have taken effect, or may yet, although
	// it failed: an attempt of it timed out, was cut off or got a 5xx.
	Ambiguous bool
	// RetryAfter is how long to wait before asking again; 0 is no advice.
	RetryAfter time.Duration
	// Err is the cause. For the log, never for the client.
	Err error
}

// Errorf returns an Error with a code and a message for the client.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	text := string(e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns the Error in err's chain. An error without one is a defect
// and comes back wrapped as CodeInternal. err must not be nil.
func AsError(err error) *Error {
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded
	}
	return &Error{Code: CodeInternal, Err: err}
}

// ErrorCode returns the code of err: empty for nil, CodeInternal for an error
// that has none.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}
