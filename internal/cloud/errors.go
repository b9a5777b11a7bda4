package cloud

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithy "github.com/aws/smithy-go"

	"lsapi"
	"lsapi/internal/cloud/budget"
)

const dependencyThrottle = "DependencyThrottle"

// codes is the one table of AWS error codes. A code that it does not name is
// CodeUpstream: AWS failed in a way that says nothing about the request.
//
// Sources: the API references of Classic ELB (2012-06-01) and EC2 (2016-11-15),
// their common errors, and the SDK's own lists of throttling codes. Classic ELB
// documents ThrottlingException and answers Throttling.
var codes = map[string]lsapi.Code{
	"LoadBalancerNotFound": lsapi.CodeNotFound,

	"InvalidInstance":             lsapi.CodeInvalid,
	"InvalidInstanceID.NotFound":  lsapi.CodeInvalid,
	"InvalidInstanceID.Malformed": lsapi.CodeInvalid,

	"Throttling":                lsapi.CodeThrottled,
	"ThrottlingException":       lsapi.CodeThrottled,
	"ThrottledException":        lsapi.CodeThrottled,
	"RequestThrottled":          lsapi.CodeThrottled,
	"RequestThrottledException": lsapi.CodeThrottled,
	"RequestLimitExceeded":      lsapi.CodeThrottled,
	"EC2ThrottledException":     lsapi.CodeThrottled,
	"TooManyRequestsException":  lsapi.CodeThrottled,
	dependencyThrottle:          lsapi.CodeThrottled,

	"AccessDenied":                lsapi.CodeForbidden,
	"AccessDeniedException":       lsapi.CodeForbidden,
	"AuthFailure":                 lsapi.CodeForbidden,
	"Blocked":                     lsapi.CodeForbidden,
	"ExpiredToken":                lsapi.CodeForbidden,
	"ExpiredTokenException":       lsapi.CodeForbidden,
	"IncompleteSignature":         lsapi.CodeForbidden,
	"InvalidClientTokenId":        lsapi.CodeForbidden,
	"MissingAuthenticationToken":  lsapi.CodeForbidden,
	"NotAuthorized":               lsapi.CodeForbidden,
	"OptInRequired":               lsapi.CodeForbidden,
	"PendingVerification":         lsapi.CodeForbidden,
	"RequestExpired":              lsapi.CodeForbidden,
	"SignatureDoesNotMatch":       lsapi.CodeForbidden,
	"UnauthorizedOperation":       lsapi.CodeForbidden,
	"UnrecognizedClientException": lsapi.CodeForbidden,
}

// throttledRetryAfter is what a client is told to wait when AWS throttles: by
// then the smallest of AWS's buckets (Classic ELB writes, 4 a second) has grown
// by several tokens.
const throttledRetryAfter = 2 * time.Second

// maxMessage is how much of a message of AWS is passed on: far more than any
// that is meant for people.
const maxMessage = 500

// quoting are the codes whose messages quote the request that AWS received, its
// session token included.
var quoting = map[string]bool{
	"IncompleteSignature":   true,
	"SignatureDoesNotMatch": true,
}

// coded turns what the SDK returned for a call with ctx into lsapi's error.
func coded(ctx context.Context, err error) *lsapi.Error {
	result := &lsapi.Error{Code: lsapi.CodeUpstream, Err: err}
	if apiError, ok := errors.AsType[smithy.APIError](err); ok {
		result.Reason = apiError.ErrorCode()
		if code, known := codes[result.Reason]; known {
			result.Code = code
		}
		if result.Code == lsapi.CodeInvalid || result.Code == lsapi.CodeNotFound {
			result.Message = cut(apiError.ErrorMessage())
		}
		result.Err = harmless(err, apiError)
		if result.Code == lsapi.CodeThrottled {
			result.RetryAfter = throttledRetryAfter
		}
		return result
	}
	if denied, ok := errors.AsType[*lsapi.Error](err); ok { // by a Permit
		return denied
	}
	_, outOfBudget := errors.AsType[*budget.WaitError](err)
	switch {
	case outOfBudget:
		result.Code, result.RetryAfter = lsapi.CodeThrottled, throttledRetryAfter
	case ctx.Err() != nil:
		result.Code = lsapi.CodeTimeout
	case errors.Is(err, errNoCredentials):
		result.Code = lsapi.CodeForbidden
	}
	return result
}

// harmless returns an AWS error as it may be logged.
func harmless(err error, apiError smithy.APIError) error {
	code, message := apiError.ErrorCode(), apiError.ErrorMessage()
	if !quoting[code] && len(message) <= maxMessage {
		return err
	}
	text := "api error " + code
	if !quoting[code] {
		text += ": " + cut(message)
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		text += ", RequestID: " + response.ServiceRequestID()
	}
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		return &smithy.OperationError{ServiceID: operation.Service(), OperationName: operation.Operation(), Err: errors.New(text)}
	}
	return errors.New(text)
}

// cut shortens a message of AWS to maxMessage bytes.
func cut(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "..."
}

// errNoCredentials marks a call that was not made because no credentials could
// be had, which the SDK tells by an untyped error.
var errNoCredentials = errors.New("no AWS credentials")

// credentialsProvider marks the errors of the provider that it wraps.
type credentialsProvider struct{ aws.CredentialsProvider }

func (p credentialsProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return credentials, errors.Join(errNoCredentials, err)
	}
	return credentials, nil
}
