package web

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"lsapi"
)

// exchange is a request on its way to its response. It is the ResponseWriter
// that the response is written through, so that it can be told what became of it.
type exchange struct {
	http.ResponseWriter
	request  *http.Request
	began    time.Time
	route    string // the pattern that matched, "other" when none did
	id       string
	client   string // its address; server.client looks it up
	actor    lsapi.Actor
	status   int  // of the response; 0 until its header is written
	hijacked bool // the connection is somebody else's now
	gone     bool // the client did not wait for the response
	routine  bool // one of many like it, of interest only to who debugs

	headers [headerCount]string // what the values of headers are slices of
}

// The headers of which each exchange has a value of its own.
const (
	headerID = iota
	headerAge
	headerETag
	headerLength
	headerCount
)

// header keeps the value of a header and returns it as what http.Header holds.
func (x *exchange) header(which int, value string) []string {
	x.headers[which] = value
	return x.headers[which : which+1 : which+1]
}

func newExchange(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{ResponseWriter: w, request: r, began: time.Now(), id: requestID(r.Header), route: "other"}
	h := w.Header()
	h["X-Request-Id"] = x.header(headerID, x.id)
	h["X-Content-Type-Options"] = noSniff
	return x
}

// WriteHeader notes the status. Informational ones are no response yet.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK {
		x.begin(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

// begin notes the status. A caller without credentials whose body was not read gets no
// further request on the connection: net/http would wait for the body, which may never
// come, before it sends the answer.
func (x *exchange) begin(status int) {
	x.status = status
	if x.actor == (lsapi.Actor{}) && x.request.ContentLength != 0 {
		x.Header().Set("Connection", "close")
	}
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	return x.ResponseWriter.Write(p)
}

// Hijack notes that the answer is 200: whoever takes the connection sends it.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err == nil {
		x.status, x.hijacked = http.StatusOK, true
	}
	return conn, buffered, err //nolint:wrapcheck // net/http's own
}

// context ends when the client leaves.
func (x *exchange) context() context.Context { return x.request.Context() }

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// send writes a response whose body is known as a whole. net/http leaves the
// body of a HEAD out by itself.
func (x *exchange) send(status int, contentType string, body []byte) error {
	h := x.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	_, err := x.Write(body)
	return err
}

// sendJSON writes a response whose body is the value in JSON.
func (x *exchange) sendJSON(status int, value any) error {
	body, err := encode(value)
	if err != nil {
		return err
	}
	return x.send(status, "application/json", body)
}
