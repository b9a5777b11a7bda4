package v1

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
)

// TypeProblem is the content type of a problem.
const TypeProblem = "application/problem+json"

// ErrorBody returns the body of an error: its problem, and the result of a bulk if it failed.
// The cause may be nil.
func ErrorBody(code lsapi.Code, text string, cause error) any {
	problem := NewProblem(code, text, cause)
	if failed, ok := errors.AsType[failedBulk](cause); ok {
		return apiv1.BulkProblem{Problem: problem, BulkResult: failed.result}
	}
	return problem
}

// NewProblem returns the problem of an error. The cause may be nil.
func NewProblem(code lsapi.Code, text string, cause error) apiv1.Problem {
	answered := status.Of(code)
	problem := apiv1.Problem{
		Type: "about:blank", Title: http.StatusText(answered), Status: answered, Code: string(status.Public(code)), Detail: text,
	}
	if details, ok := errors.AsType[details](cause); ok {
		problem.Errors = details
	}
	if last, ok := errors.AsType[lastState](cause); ok {
		problem.Member = &last.member
	}
	if refusal, ok := errors.AsType[*lsapi.GuardRefusal](cause); ok {
		problem.Members = converted(refusal.Members, newGuardedMember)
	}
	return problem
}

// details are the mistakes in a request, as the cause of an error.
type details []apiv1.Detail

// Error returns the first of them, and how many more there are.
func (d details) Error() string {
	shown := d[:min(len(d), maxDetails)]
	texts := make([]string, 0, len(shown)+1)
	for _, detail := range shown {
		texts = append(texts, detail.Location+": "+detail.Message)
	}
	if more := len(d) - len(shown); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more in errors", more))
	}
	return strings.Join(texts, "; ")
}

// invalid returns the error of a request with mistakes.
func invalid(wrong ...apiv1.Detail) error {
	return &lsapi.Error{Code: lsapi.CodeInvalid, Message: details(wrong).Error(), Err: details(wrong)}
}

// lastState is the last known state of an instance, as the cause of an error.
type lastState struct {
	member apiv1.Member
	err    error
}

func (s lastState) Error() string { return s.err.Error() }

func (s lastState) Unwrap() error { return s.err }
