package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error as AWS tells it: an HTTP status, a code that programs
// read and a message that people read.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// errCut tells the server to cut the connection instead of answering.
var errCut = errors.New("the connection is to be cut")

// refusal is AWS's no to a request that is wrong: a 400.
func refusal(code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// Errors of every service.

func errMissingAuthentication() *apiError {
	return &apiError{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
}

func errMalformedQuery(reason error) *apiError {
	return refusal("MalformedQueryString", "The query string is malformed: %v", reason)
}

func errUnavailable() *apiError {
	return &apiError{http.StatusServiceUnavailable, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."}
}

// Errors of Classic ELB. The messages are the ones seen in the wild where they
// are known.

func errValidation(format string, args ...any) *apiError {
	return refusal("ValidationError", format, args...)
}

// errDescribedNotFound is what DescribeLoadBalancers says; the other actions
// have another sentence for it.
func errDescribedNotFound(name string) *apiError {
	return refusal("LoadBalancerNotFound", "Cannot find Load Balancer %s", name)
}

func errLoadBalancerNotFound(name string) *apiError {
	return refusal("LoadBalancerNotFound", "There is no ACTIVE Load Balancer named '%s'", name)
}

func errUnknownMember(id string) *apiError {
	return refusal("InvalidInstance", "Could not find EC2 instance %s.", id)
}

func errMemberNotRunning(id string) *apiError {
	return refusal("InvalidInstance", "EC2 instance %s is not in running state.", id)
}

// Errors of EC2.

func errMissingParameter(name string) *apiError {
	return refusal("MissingParameter", "The request must contain the parameter %s", name)
}

func errInvalidParameter(format string, args ...any) *apiError {
	return refusal("InvalidParameterValue", format, args...)
}

func errMalformedInstanceID(id string) *apiError {
	return refusal("InvalidInstanceID.Malformed", "Invalid id: %q", id)
}

func errInstancesNotFound(ids []string) *apiError {
	if len(ids) == 1 {
		return refusal("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", ids[0])
	}
	return refusal("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(ids, ", "))
}
