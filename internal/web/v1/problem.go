package v1

import (
	"errors"
	"net/http"
	"strings"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
)

// ContentType is that of a problem.
const ContentType = typeProblem

// NewProblem returns the answer with an error whose text is the detail.
func NewProblem(code lsapi.Code, detail string, err error) apiv1.Problem {
	answered := status.Of(code)
	problem := apiv1.Problem{
		Type: "about:blank", Title: http.StatusText(answered), Status: answered, Code: string(status.Public(code)), Detail: detail,
	}
	if details, ok := errors.AsType[details](err); ok {
		problem.Errors = details
	}
	if last, ok := errors.AsType[lastState](err); ok {
		problem.Member = &last.member
	}
	return problem
}

// details are what is wrong with a request, as the cause of an error.
type details []apiv1.Detail

func (d details) Error() string {
	texts := make([]string, len(d))
	for i, detail := range d {
		texts[i] = detail.Location + ": " + detail.Message
	}
	return strings.Join(texts, "; ")
}

// invalid returns the error of a request with which something is wrong.
func invalid(wrong ...apiv1.Detail) error {
	return &lsapi.Error{Code: lsapi.CodeInvalid, Message: details(wrong).Error(), Err: details(wrong)}
}
