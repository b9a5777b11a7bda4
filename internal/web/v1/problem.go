package v1

import (
	"errors"
	"net/http"
	"strings"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
)

// TypeProblem is the content type of a problem.
const TypeProblem = "application/problem+json"

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
	return problem
}

// details are the mistakes in a request, as the cause of an error.
type details []apiv1.Detail

func (d details) Error() string {
	texts := make([]string, len(d))
	for i, detail := range d {
		texts[i] = detail.Location + ": " + detail.Message
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
