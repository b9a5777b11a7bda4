package wire

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an error of the AWS API.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrCut makes the server cut the connection instead of answering.
var ErrCut = errors.New("cut the connection")

// BadRequest returns an error with status 400.
func BadRequest(code, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// ValidationFailed returns ELB's error for invalid parameters.
func ValidationFailed(format string, args ...any) *Error {
	return BadRequest("ValidationError", format, args...)
}

// InvalidParameter returns EC2's and CloudWatch's error for an invalid parameter.
func InvalidParameter(format string, args ...any) *Error {
	return BadRequest("InvalidParameterValue", format, args...)
}

// MissingParameter returns EC2's error for a missing parameter.
func MissingParameter(name string) *Error {
	return BadRequest("MissingParameter", "The request must contain the parameter %s", name)
}

// Unavailable returns the error of a temporary failure.
func Unavailable() *Error {
	return &Error{http.StatusServiceUnavailable, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."}
}

// MissingAuthentication returns the error of an unsigned request.
func MissingAuthentication() *Error {
	return &Error{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
}

func errMalformedQuery(reason error) *Error {
	return BadRequest("MalformedQueryString", "The query string is malformed: %v", reason)
}

func errBodyTooLarge(reason error) *Error {
	return &Error{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", reason.Error()}
}
