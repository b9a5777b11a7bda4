package wire

import (
	"encoding/xml"
	"net/http"

	"lsapi/internal/emulator/account"
)

// Dialect defines how an API writes answers and errors, and its errors for failures
// that any call can meet.
type Dialect struct {
	answer      func(action string, response any, requestID string) any
	failure     func(err *Error, requestID string) any
	failureName string // the enclosing element of an error
	throttled   Error
	internal    Error
	denied      func(api, action string) *Error
	noAction    func(supported, version, action string) *Error
}

// QueryDialect is the dialect of ELB, CloudWatch and STS.
var QueryDialect = Dialect{
	answer: func(action string, response any, requestID string) any {
		return queryAnswer{named{action + "Result", response}, requestID}
	},
	failure: func(err *Error, requestID string) any {
		return queryFailure{queryError{faultOf(err.Status), err.Code, err.Message}, requestID}
	},
	failureName: "ErrorResponse",
	throttled:   Error{http.StatusBadRequest, "Throttling", "Rate exceeded"},
	internal:    Error{http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."},
	denied: func(api, action string) *Error {
		return &Error{http.StatusForbidden, "AccessDenied", "User: " + account.UserARN + " is not authorized to perform: " + api + ":" + action}
	},
	noAction: func(_, version, action string) *Error {
		if action == "" {
			return BadRequest("MissingAction", "The request is missing an action or a required parameter.")
		}
		if version == "" {
			version = "NO_VERSION_SPECIFIED"
		}
		return BadRequest("InvalidAction", "Could not find operation %s for version %s", action, version)
	},
}

// EC2Dialect is the dialect of EC2, which is older than the other APIs.
var EC2Dialect = Dialect{
	answer: func(_ string, response any, requestID string) any {
		return ec2Answer{requestID, response}
	},
	failure: func(err *Error, requestID string) any {
		return ec2Failure{ec2Error{err.Code, err.Message}, requestID}
	},
	failureName: "Response",
	throttled:   Error{http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."},
	internal:    Error{http.StatusInternalServerError, "InternalError", "An internal error has occurred"},
	denied: func(string, string) *Error {
		return &Error{http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation."}
	},
	noAction: func(supported, version, action string) *Error {
		if version != supported {
			return BadRequest("NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist", version)
		}
		if action == "" {
			return MissingParameter("Action")
		}
		return BadRequest("InvalidAction", "The action %s is not valid for this web service.", action)
	},
}

type (
	queryAnswer struct {
		Result    named
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}
	queryFailure struct {
		Error     queryError
		RequestID string `xml:"RequestId"`
	}
	queryError struct{ Type, Code, Message string }

	ec2Failure struct {
		Error     ec2Error `xml:"Errors>Error"`
		RequestID string   `xml:"RequestID"`
	}
	ec2Error struct{ Code, Message string }
)

// ec2Answer writes the request id beside the fields of the response.
type ec2Answer struct {
	requestID string
	response  any
}

// MarshalXML implements xml.Marshaler.
func (a ec2Answer) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	fields, err := EncodeFields(a.response)
	if err != nil {
		return err
	}
	return e.EncodeElement(struct {
		RequestID string `xml:"requestId"`
		Fragment
	}{a.requestID, Fragment{fields}}, start)
}

// faultOf returns the side at fault in AWS's words: Sender or Receiver.
func faultOf(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}
