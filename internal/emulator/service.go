package emulator

import (
	"encoding/xml"
	"net/http"
)

// service is one of the APIs that share the endpoint. Real AWS tells them apart
// by host; here the version does, which no two of them share.
type service struct {
	name       string // as in IAM actions and in a signature's scope
	version    string
	namespace  string
	operations map[string]operation
	dialect
}

// dialect is how a service writes an answer and an error, and the words it has
// for the failures that any call can meet.
type dialect struct {
	answer      func(action string, response any, requestID string) any
	failure     func(err *apiError, requestID string) any
	failureName string // the element that an error is in
	throttled   apiError
	broken      apiError
	denied      func(service, action string) *apiError
	noAction    func(action, version string) *apiError
}

// operation is an action that a service knows.
type operation struct {
	perform func(*world, call) (any, error)
	bucket  func(query) bucket
}

// queryDialect is that of ELB and STS.
var queryDialect = dialect{
	answer: func(action string, response any, requestID string) any {
		return queryAnswer{named{action + "Result", response}, requestID}
	},
	failure: func(err *apiError, requestID string) any {
		return queryFailure{queryError{blame(err.status), err.code, err.message}, requestID}
	},
	failureName: "ErrorResponse",
	throttled:   apiError{http.StatusBadRequest, "Throttling", "Rate exceeded"},
	broken:      apiError{http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."},
	denied: func(service, action string) *apiError {
		return &apiError{http.StatusForbidden, "AccessDenied", "User: " + userARN + " is not authorized to perform: " + service + ":" + action}
	},
	noAction: func(action, version string) *apiError {
		if action == "" {
			return refusal("MissingAction", "The request is missing an action or a required parameter.")
		}
		if version == "" {
			version = "NO_VERSION_SPECIFIED"
		}
		return refusal("InvalidAction", "Could not find operation %s for version %s", action, version)
	},
}

// ec2Dialect is EC2's, which is older than the others.
var ec2Dialect = dialect{
	answer: func(_ string, response any, requestID string) any {
		return ec2Answer{requestID, response}
	},
	failure: func(err *apiError, requestID string) any {
		return ec2Failure{ec2Error{err.code, err.message}, requestID}
	},
	failureName: "Response",
	throttled:   apiError{http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."},
	broken:      apiError{http.StatusInternalServerError, "InternalError", "An internal error has occurred"},
	denied: func(string, string) *apiError {
		return &apiError{http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation."}
	},
	noAction: func(action, version string) *apiError {
		if version != ec2Version {
			return refusal("NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist", version)
		}
		if action == "" {
			return errMissingParameter("Action")
		}
		return refusal("InvalidAction", "The action %s is not valid for this web service.", action)
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
	fields, err := encodeFields(a.response)
	if err != nil {
		return err
	}
	return e.EncodeElement(struct {
		RequestID string `xml:"requestId"`
		fragment
	}{a.requestID, fragment{fields}}, start)
}

// blame says whose fault an error is.
func blame(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

const (
	elbVersion = "2012-06-01"
	ec2Version = "2016-11-15"
	stsVersion = "2011-06-15"
)

// newServices returns the emulated APIs by version.
func newServices() map[string]*service {
	return map[string]*service{
		elbVersion: {
			name: "elasticloadbalancing", version: elbVersion, dialect: queryDialect,
			namespace:  "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/",
			operations: elbOperations(),
		},
		ec2Version: {
			name: "ec2", version: ec2Version, dialect: ec2Dialect,
			namespace:  "http://ec2.amazonaws.com/doc/2016-11-15/",
			operations: ec2Operations(),
		},
		stsVersion: {
			name: "sts", version: stsVersion, dialect: queryDialect,
			namespace:  "https://sts.amazonaws.com/doc/2011-06-15/",
			operations: stsOperations(),
		},
		cloudWatchVersion: {
			name: "cloudwatch", version: cloudWatchVersion, dialect: queryDialect,
			namespace:  "http://monitoring.amazonaws.com/doc/2010-08-01/",
			operations: cloudWatchOperations(),
		},
	}
}
