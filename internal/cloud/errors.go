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

// ValidationError is AWS's code for parameters that are malformed, or that do not fit.
const ValidationError = "ValidationError"

// codes maps AWS error codes. Any other code is CodeUpstream: AWS failed for a reason that
// is not the request's.
//
// Sources: the API references of ELB (2012-06-01 and 2015-12-01) and EC2 (2016-11-15), their
// common errors, and the SDK's lists of throttling codes. ELB documents ThrottlingException
// and returns Throttling.
var codes = map[string]lsapi.Code{
	"LoadBalancerNotFound": lsapi.CodeNotFound,
	"TargetGroupNotFound":  lsapi.CodeNotFound,
	"ListenerNotFound":     lsapi.CodeNotFound,
	"RuleNotFound":         lsapi.CodeNotFound,

	"InvalidInstance":             lsapi.CodeInvalid,
	"InvalidInstanceID.NotFound":  lsapi.CodeInvalid,
	"InvalidInstanceID.Malformed": lsapi.CodeInvalid,
	"InvalidTarget":               lsapi.CodeInvalid,

	// Fewer targets may fit.
	"TooManyTargets":                  lsapi.CodeInvalid,
	"TooManyRegistrationsForTargetId": lsapi.CodeInvalid,

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

// permissionCodes are those of CodeForbidden for credentials that AWS accepts and that lack a
// permission.
var permissionCodes = map[string]bool{
	"AccessDenied": true, "AccessDeniedException": true, "NotAuthorized": true, "UnauthorizedOperation": true,
}

// LacksPermission reports whether err is AWS's answer to valid credentials without the
// permission for a call. Expired or wrong credentials fail every call.
func LacksPermission(err error) bool {
	return err != nil && permissionCodes[lsapi.AsError(err).Reason]
}

// validateTargets are the operations whose ValidationError is about a target, such as an
// address that is not private. Those of others are about what lsapi adds to the request.
var validateTargets = map[string]bool{"RegisterTargets": true, "DeregisterTargets": true}

// throttledRetryAfter is the Retry-After when AWS throttles. In that time, the smallest of
// AWS's buckets (Classic ELB writes, 4 a second) gains several tokens.
const throttledRetryAfter = 2 * time.Second

// maxMessage is the length to which messages of AWS are cut.
const maxMessage = 500

// quotesRequest are the codes whose messages quote the request with its session token.
var quotesRequest = map[string]bool{
	"IncompleteSignature":   true,
	"SignatureDoesNotMatch": true,
}

// Coded converts the SDK's error of a call with ctx.
func Coded(ctx context.Context, err error) *lsapi.Error {
	result := &lsapi.Error{Code: lsapi.CodeUpstream, Err: err}
	if apiError, ok := errors.AsType[smithy.APIError](err); ok {
		result.Reason = apiError.ErrorCode()
		if code, ok := codes[result.Reason]; ok {
			result.Code = code
		} else if result.Reason == ValidationError && validateTargets[operationIn(err)] {
			result.Code = lsapi.CodeInvalid
		}
		if result.Code == lsapi.CodeInvalid || result.Code == lsapi.CodeNotFound {
			result.Message = cut(apiError.ErrorMessage())
		}
		result.Err = loggable(err, apiError)
		if result.Code == lsapi.CodeThrottled {
			result.RetryAfter = throttledRetryAfter
		}
		return result
	}
	if rejected, ok := errors.AsType[*lsapi.Error](err); ok { // by a BeforeAttempt
		return rejected
	}
	_, noToken := errors.AsType[*budget.WaitError](err)
	switch {
	case noToken:
		result.Code, result.RetryAfter = lsapi.CodeThrottled, throttledRetryAfter
	case ctx.Err() != nil:
		result.Code = lsapi.CodeTimeout
	case errors.Is(err, errNoCredentials):
		result.Code = lsapi.CodeForbidden
	}
	return result
}

// operationIn returns the name of the operation that failed.
func operationIn(err error) string {
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		return operation.Operation()
	}
	return ""
}

// loggable returns an AWS error without secrets and long messages.
func loggable(err error, apiError smithy.APIError) error {
	code, message := apiError.ErrorCode(), apiError.ErrorMessage()
	if !quotesRequest[code] && len(message) <= maxMessage {
		return err
	}
	text := "api error " + code
	if !quotesRequest[code] {
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

// cut cuts a message to maxMessage bytes.
func cut(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "..."
}

// errNoCredentials marks a call without credentials, for which the SDK has an untyped error.
var errNoCredentials = errors.New("no AWS credentials")

// credentialsProvider marks errors with errNoCredentials.
type credentialsProvider struct{ aws.CredentialsProvider }

func (p credentialsProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return credentials, errors.Join(errNoCredentials, err)
	}
	return credentials, nil
}
