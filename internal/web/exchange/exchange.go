// Package exchange is what the HTTP APIs of the service share: a request with its
// response, errors, content negotiation, conditional requests, and the bounds of long
// requests. An API is a list of Routes. Their endpoints write the response to an
// Exchange, or return an error, which the Handler writes.
package exchange

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"lsapi"
)

// Exchange is a request with its response. It is the ResponseWriter of the response.
type Exchange struct {
	http.ResponseWriter
	Request *http.Request
	ID      string      // of the request
	Actor   lsapi.Actor // the caller, zero before authentication
	Pattern string      // of the matching route, "other" if none matches

	settings  *settings
	began     time.Time
	client    string    // see Client
	values    [4]string // of headers, see SetHeader
	status    int32     // of the response, 0 before its header is written
	used      uint8     // number of values
	Routine   bool      // logged at debug if it succeeds
	hijacked  bool
	gone      bool // the client did not wait for the response
	abandoned bool // gone, before there was one
}

var noSniff = []string{"nosniff"}

func newExchange(shared *settings, w http.ResponseWriter, r *http.Request) *Exchange {
	x := &Exchange{ResponseWriter: w, Request: r, ID: requestID(r.Header), Pattern: "other", settings: shared, began: time.Now()}
	h := w.Header()
	h["X-Request-Id"] = x.hold(x.ID)
	h["X-Content-Type-Options"] = noSniff
	return x
}

// SetHeader sets a response header by its canonical name. Unlike http.Header.Set it
// does not allocate, for the first few headers.
func (x *Exchange) SetHeader(name, value string) { x.Header()[name] = x.hold(value) }

// hold returns the value of a header.
func (x *Exchange) hold(value string) []string {
	i := int(x.used)
	if i == len(x.values) {
		return []string{value}
	}
	x.values[i] = value
	x.used++
	return x.values[i : i+1 : i+1]
}

// Context ends when the client leaves.
func (x *Exchange) Context() context.Context { return x.Request.Context() }

// Deadline returns the context of the request's work, which also ends after the request
// timeout.
func (x *Exchange) Deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.Context(), x.settings.Timeout)
}

// WriteHeader implements http.ResponseWriter.
func (x *Exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK { // 1xx precede the response
		x.begin(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

// begin closes the connection of an unauthenticated caller whose body was not read:
// net/http would wait for the body, which may never come, before it sends the response.
func (x *Exchange) begin(status int) {
	x.status = int32(status) //nolint:gosec // three digits
	if x.Actor == (lsapi.Actor{}) && x.Request.ContentLength != 0 {
		x.Header().Set("Connection", "close")
	}
}

// Write implements http.ResponseWriter.
func (x *Exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	return x.ResponseWriter.Write(p)
}

// Hijack implements http.Hijacker. The new owner of the connection answers 200.
func (x *Exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err == nil {
		x.status, x.hijacked = http.StatusOK, true
	}
	return conn, buffered, err //nolint:wrapcheck // net/http's own
}

// Unwrap serves http.ResponseController.
func (x *Exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// Send writes a whole response. For HEAD, net/http omits the body.
func (x *Exchange) Send(status int, contentType string, body []byte) error {
	x.SetHeader("Content-Type", contentType)
	x.SetHeader("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	_, err := x.Write(body)
	return err
}

// SendJSON writes a value as a whole response.
func (x *Exchange) SendJSON(status int, value any) error { return x.sendAs(status, TypeJSON, value) }

func (x *Exchange) sendAs(status int, contentType string, value any) error {
	body, err := EncodeJSON(value)
	if err != nil {
		return err
	}
	return x.Send(status, contentType, body)
}

// EncodeJSON returns the value in JSON, and a newline for terminals.
func EncodeJSON(value any) ([]byte, error) {
	var body bytes.Buffer
	err := WriteJSON(&body, value)
	return body.Bytes(), err
}

// WriteJSON writes what EncodeJSON returns.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // the content type rules HTML out
	return encoder.Encode(value)
}
