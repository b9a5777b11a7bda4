// Package wire implements the protocols of the AWS APIs: the query protocol with XML
// answers, and RPC v2 CBOR and JSON 1.0. A service describes itself as an API.
package wire

import (
	"encoding/xml"
	"errors"
	"net"
	"net/http"
	"strings"

	"lsapi/internal/emulator/account"
)

// API is one of the APIs that share the endpoint. AWS separates them by host; the
// emulator separates them by version, which is unique.
type API struct {
	Name       string // as in IAM actions and the scope of signatures
	Version    string
	Namespace  string
	Operations map[string]Operation
	Dialect
	// Target is the service's name in the RPC protocols; empty without them.
	Target string
	// ErrorShape returns the RPC name of an error code.
	ErrorShape func(code string) string
}

// Operation is an action of an API.
type Operation struct {
	Perform func(Call) (any, error)
	Bucket  func(Query) Bucket
}

// Bucket is the token bucket that limits an operation: Size calls at once and
// PerSecond more each second, for each action if PerAction, else for all operations
// with the bucket. The zero value is no limit.
type Bucket struct {
	Name      string
	Size      int
	PerSecond float64
	PerAction bool
}

// Always returns the bucket for every call.
func (b Bucket) Always(Query) Bucket { return b }

// Call is a signed and parsed request for a supported operation.
type Call struct {
	Query
	API    *API
	Action string
	Time   account.ReadTime
	// Encoding decodes Body, which holds the parameters of an RPC call. It is nil in
	// the query protocol.
	Encoding *Encoding
	Body     []byte
}

// Throttled returns the API's throttling error.
func (a *API) Throttled() *Error { return &a.throttled }

// InternalError returns the API's error for a failure of the server.
func (a *API) InternalError() *Error { return &a.internal }

// Denied returns the API's error for a missing permission.
func (a *API) Denied(action string) *Error { return a.denied(a.Name, action) }

// UnknownAction returns the API's error for an unsupported action or version.
func (a *API) UnknownAction(action, version string) *Error {
	return a.noAction(a.Version, version, action)
}

// errorOf returns the AWS error in err, else an internal error.
func (a *API) errorOf(err error) *Error {
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded
	}
	return a.InternalError()
}

// WriteAnswer sends the response of an action.
func (a *API) WriteAnswer(w http.ResponseWriter, requestID, action string, response any) {
	a.write(w, http.StatusOK, requestID, action+"Response", a.answer(action, response, requestID))
}

// WriteError sends an error, or cuts the connection for ErrCut.
func (a *API) WriteError(w http.ResponseWriter, requestID string, err error) {
	if errors.Is(err, ErrCut) {
		Cut(w)
		return
	}
	failure := a.errorOf(err)
	a.write(w, failure.Status, requestID, a.failureName, a.failure(failure, requestID))
}

// write sends an XML document. On failure it cuts the connection, so that the client
// cannot take a part of the document for the whole.
func (a *API) write(w http.ResponseWriter, status int, requestID, name string, document any) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	start := xml.StartElement{Name: xml.Name{Space: a.Namespace, Local: name}}
	if err := xml.NewEncoder(w).EncodeElement(document, start); err != nil {
		Cut(w)
	}
}

// Signed reports whether the request has a Signature Version 4, in its header or URL.
// The signature is not verified.
func Signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256") ||
		r.URL.Query().Has("X-Amz-Signature")
}

// Cut ends the connection without the rest of the answer: with a TCP reset if
// possible, else by closing it.
func Cut(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's way to close without an answer
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // Close then sends a reset; on failure it still closes
	}
	_ = connection.Close()
}
