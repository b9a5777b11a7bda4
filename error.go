package lsapi

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of an Error. Adapters map their systems' errors to codes, in one table
// each; lsapi/api/status maps codes to HTTP statuses and back. Codes are part of the API, so
// their texts never change.
type Code string

// The codes.
const (
	CodeInvalid          Code = "invalid"                       // the request is invalid
	CodeUnauthenticated  Code = "unauthenticated"               // the caller's credentials are missing or wrong
	CodeDenied           Code = "denied"                        // the caller may not do this
	CodeForbidden        Code = "forbidden"                     // AWS refuses lsapi's own credentials or permissions
	CodeNotFound         Code = "not_found"                     // no such pool
	CodeMethodNotAllowed Code = "method_not_allowed"            // the path does not take the method
	CodeConflict         Code = "conflict"                      // the membership is already as requested
	CodeNotMember        Code = "member.absent"                 // there is no such member to detach; CodeConflict in the first API
	CodeNotChangeable    Code = "pool.not_changeable"           // the pool's members cannot be attached or detached
	CodeInProgress       Code = "in_progress"                   // the request with this idempotency key has no outcome yet; retry later
	CodeBulkFailed       Code = "bulk.failed"                   // some members of a bulk were not changed; its results have each member's error
	CodeBulkSkipped      Code = "bulk.skipped"                  // the member of an atomic bulk was not changed, because another one was refused
	CodePrecondition     Code = "precondition_failed"           // the pool's members are not those of the If-Match version
	CodeSuperseded       Code = "change.superseded"             // later changes of the member came after the change to undo
	CodeNotUndoable      Code = "change.not_undoable"           // the change to undo has changed nothing, or its outcome is not known
	CodeMinInService     Code = "guard.min_in_service"          // a guard: too few members would be in service
	CodeMinPerZone       Code = "guard.min_in_service_per_zone" // a guard: too few would be in a zone
	CodeMaxOut           Code = "guard.max_out"                 // a guard: too many would be out at once
	CodeKeepLast         Code = "guard.keep_last"               // a guard: none would be in service
	CodeFreeze           Code = "guard.freeze"                  // a guard: the pool is frozen
	CodeHealthUnknown    Code = "guard.health_unknown"          // a guard needs the members' health, which cannot be read; nothing changed, retry later
	CodeTagsUnknown      Code = "guard.tags_unknown"            // the guards depend on the pool's tags, which cannot be read; nothing changed, retry later
	CodeTooLarge         Code = "too_large"                     // the request's body is too large
	CodeKeyReused        Code = "key_reused"                    // the idempotency key belongs to another request
	CodeThrottled        Code = "throttled"                     // too many requests; nothing changed, retry later
	CodeUnavailable      Code = "unavailable"                   // lsapi cannot answer now; nothing changed, retry later
	CodeUpstream         Code = "upstream"                      // AWS failed or cannot be reached
	CodeGone             Code = "gone"                          // it existed and was removed permanently
	CodeWaitTimeout      Code = "wait_timeout"                  // the condition was not met in time
	CodeWaitFailed       Code = "wait_failed"                   // the change was made; the wait for its effect failed
	CodeTimeout          Code = "timeout"                       // the deadline passed, or the outcome is unknown
	CodeInternal         Code = "internal"                      // a defect of lsapi
)

// IsTemporary reports whether the same request may succeed later.
func (c Code) IsTemporary() bool {
	switch c {
	case CodeThrottled, CodeUnavailable, CodeUpstream, CodeTimeout, CodeHealthUnknown, CodeTagsUnknown:
		return true
	}
	return false
}

// Error is the error type of all packages' interfaces.
type Error struct {
	Code Code
	// Message is for the client, and contains no internals. If it is empty, the client gets
	// only the code.
	Message string
	// Reason is AWS's own error code, such as "InvalidInstance". For the log.
	Reason string
	// Ambiguous marks a failed call that may have taken effect, or still may: an attempt
	// timed out, was cut off or got a 5xx.
	Ambiguous bool
	// RetryAfter is the time until a retry is useful; 0 is unknown.
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

// AsError returns the Error in err's chain. It wraps an error without one, which is a
// defect, as CodeInternal. Err must not be nil.
func AsError(err error) *Error {
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded
	}
	return &Error{Code: CodeInternal, Err: err}
}

// ErrorCode returns the code of err: empty for nil, CodeInternal for an error without one.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}
