package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
)

// ErrUnreachable is in the chain of an error when a request got no response from lsapi:
// the connection failed or broke, or another server responded. A change may have been
// made all the same; the record has its outcome.
var ErrUnreachable = errors.New("the service cannot be reached")

// ErrNotSent is in the chain beside ErrUnreachable when no connection was made: the
// request had no effect.
var ErrNotSent = errors.New("nothing was sent")

// Error is an error response of the service.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the kind of the error, from the response or else from its status.
	Code lsapi.Code
	// Message is the service's description of the error.
	Message string
	// RetryAfter is the advised pause before a retry; 0 is no advice.
	RetryAfter time.Duration
	// ChangeID is the id of the change in the record; empty if it is not on record.
	ChangeID string
	// RequestID is the id of the request in the service's log.
	RequestID string
	// Member is the last known state of the member when a wait failed; nil if unknown.
	Member *apiv1.Member
	// Members are those that count for the guard that refused a change; nil if none did.
	Members []apiv1.GuardedMember
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ErrorCode returns the code of an *Error in the chain; empty if there is none.
func ErrorCode(err error) lsapi.Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// newError returns the error of a response without success.
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
	if e.Message == "" { // such as a proxy's response
		e.Message = "the response is " + response.Status
		if target, _, _ := strings.Cut(response.Header.Get("Location"), "?"); target != "" {
			e.Message += ", which redirects to " + target
		}
	}
	return e
}

// errorOf returns the error of an outcome, an *Error; nil if the change was made, is not
// needed, or as a dry run would be made.
func errorOf(outcome, changeID, requestID string, p *apiv1.Problem) error {
	switch outcome {
	case apiv1.OutcomeApplied, apiv1.OutcomeUnchanged, apiv1.OutcomeWouldApply:
		return nil
	}
	e := &Error{Status: http.StatusConflict, Code: lsapi.CodeBulkFailed, Message: "the change is " + outcome, ChangeID: changeID, RequestID: requestID}
	if p != nil {
		e.Status, e.Code, e.Message, e.Members = p.Status, status.Code(p.Status, p.Code), p.Detail, p.Members
	}
	return e
}

// read reads the JSON of an error: that of /v1, or that of the contract with or without
// its envelope. It returns the code of a /v1 problem.
func (e *Error) read(text []byte) (code string) {
	var problem apiv1.Problem
	if json.Unmarshal(text, &problem) == nil && problem.Detail != "" {
		e.Message, e.Member, e.Members = problem.Detail, problem.Member, problem.Members
		return problem.Code
	}
	var plain struct{ Message, Error string }
	if json.Unmarshal(text, &plain) == nil {
		e.Message = plain.Message + plain.Error // it has one of them
	}
	return ""
}

// notSent adds ErrNotSent to the chain of an error, but nothing to its text.
type notSent struct{ error }

// Unwrap implements errors.Is and As.
func (e notSent) Unwrap() []error { return []error{e.error, ErrNotSent} }
