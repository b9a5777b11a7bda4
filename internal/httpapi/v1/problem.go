package v1

import (
	"errors"
	"net/http"
	"strings"

	"lsapi"
)

// ContentType is that of a Problem.
const ContentType = typeProblem

// Problem is an error as RFC 9457 has it: what went wrong in this request, for
// people, and the status for programs. No value of the request is in it.
type Problem struct {
	Type   string   `json:"type" doc:"Always about:blank: the status says it all" example:"about:blank"`
	Title  string   `json:"title" doc:"The status in words" example:"Bad Request"`
	Status int      `json:"status" minimum:"400" maximum:"599" doc:"The status of the answer" example:"400"`
	Detail string   `json:"detail" doc:"What was wrong with what" example:"query.limit: expected number <= 1000"`
	Errors []Detail `json:"errors,omitempty" nullable:"false" doc:"Each thing that is wrong with the request, when more than the detail can be said"`
}

// Detail is one thing that is wrong with a request.
type Detail struct {
	Location string `json:"location" doc:"Where: query and the name of the parameter" example:"query.limit"`
	Message  string `json:"message" doc:"What is wrong there" example:"expected number <= 1000"`
}

// NewProblem returns the answer with an error whose text is the detail.
func NewProblem(status int, detail string, err error) Problem {
	problem := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
	if details, ok := errors.AsType[details](err); ok {
		problem.Errors = details
	}
	return problem
}

// details are what is wrong with a request, as the cause of an error.
type details []Detail

func (d details) Error() string {
	texts := make([]string, len(d))
	for i, detail := range d {
		texts[i] = detail.Location + ": " + detail.Message
	}
	return strings.Join(texts, "; ")
}

// invalid returns the error of a request with which something is wrong.
func invalid(wrong ...Detail) error {
	return &lsapi.Error{Code: lsapi.CodeInvalid, Message: details(wrong).Error(), Err: details(wrong)}
}
