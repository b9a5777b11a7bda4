package emulator

import (
	"context"
	"encoding/xml"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// call is one request that arrived whole: signed, parsed, of a known action.
type call struct {
	query
	service *service
	action  string
	reading reading
	// body has the parameters, where they are not in query; encoding is how it does.
	body     []byte
	encoding *encoding
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fromElsewhere(r) || rebound(r) {
		writeProblem(w, http.StatusForbidden, "this is for programs on this machine, not for web pages")
		return
	}
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		e.serveControl(w, r)
		return
	}
	requestID := uuid.NewString()
	if used, action := rpc(r); used != nil {
		e.serveRPC(w, r, used, action, requestID)
		return
	}
	c, err := e.accept(w, r)
	if err != nil {
		writeFailure(w, c, requestID, err)
		return
	}
	e.calls.count(c.action)
	response, err := e.answer(r.Context(), c)
	if err != nil {
		writeFailure(w, c, requestID, err)
		return
	}
	write(w, http.StatusOK, requestID, c.service.namespace, c.action+"Response", c.service.answer(c.action, response, requestID))
}

// accept reads a request. The call's service is set also when there is an error,
// which is told in the service's way.
func (e *Emulator) accept(w http.ResponseWriter, r *http.Request) (call, error) {
	q, err := readQuery(w, r)
	version, action := q.text("Version"), q.text("Action")
	c := call{query: q, service: e.serviceFor(version, r), action: action}
	if err != nil {
		return c, err
	}
	if r.URL.Path != "/" || r.Method != http.MethodGet && r.Method != http.MethodPost {
		return c, &apiError{http.StatusNotFound, "UnknownOperationException", "There is no API at " + r.Method + " " + r.URL.Path}
	}
	if !signed(r) {
		return c, errMissingAuthentication()
	}
	if _, ok := c.service.operations[action]; !ok || version != c.service.version {
		return c, c.service.noAction(action, version)
	}
	return c, nil
}

// serviceFor returns the service that a request is for: by its version, else by
// the scope of its signature, else Classic ELB. So even a request for nothing
// that exists is told so in a way that its client understands.
func (e *Emulator) serviceFor(version string, r *http.Request) *service {
	if found, ok := e.services[version]; ok {
		return found
	}
	if strings.Contains(r.Header.Get("Authorization"), "/ec2/aws4_request") {
		return e.services[ec2Version]
	}
	return e.services[elbVersion]
}

// signed reports whether the request carries a signature (Signature Version 4,
// in the header or the URL). Whether it is right is not looked at.
func signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256") ||
		r.URL.Query().Has("X-Amz-Signature")
}

// answer carries a call out, unless a bucket is empty or a fault says otherwise.
func (e *Emulator) answer(ctx context.Context, c call) (any, error) {
	if err := e.clock.Sleep(ctx, e.latency); err != nil {
		return nil, errCut // the client has left
	}
	operation := c.service.operations[c.action]
	if e.buckets != nil && !e.buckets.allow(operation.bucket(c.query), c.action, e.clock.Now()) {
		return nil, &c.service.throttled
	}
	fault, ok := e.faults.next(c.action)
	if !ok {
		return e.perform(operation, c)
	}
	if !fault.After {
		return nil, e.strike(ctx, fault, c)
	}
	response, err := e.perform(operation, c)
	if failure := e.strike(ctx, fault, c); failure != nil {
		return nil, failure
	}
	return response, err
}

// perform carries a call out.
func (e *Emulator) perform(o operation, c call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.reading = e.world.read(e.clock.Now())
	response, err := o.perform(e.world, c)
	if changes(c.action) {
		e.applyPlan()
	}
	return response, err
}

// writeFailure tells an error, or cuts the connection for errCut.
func writeFailure(w http.ResponseWriter, c call, requestID string, err error) {
	if errors.Is(err, errCut) {
		cut(w)
		return
	}
	failure, ok := errors.AsType[*apiError](err)
	if !ok {
		failure = &c.service.broken
	}
	write(w, failure.status, requestID, c.service.namespace, c.service.failureName, c.service.failure(failure, requestID))
}

// write sends an XML document. When that fails, the client has left or what it
// got is not a whole document: the connection is cut, so that it cannot be
// mistaken for one.
func write(w http.ResponseWriter, status int, requestID, namespace, name string, document any) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	start := xml.StartElement{Name: xml.Name{Space: namespace, Local: name}}
	if err := xml.NewEncoder(w).EncodeElement(document, start); err != nil {
		cut(w)
	}
}

// cut ends the connection without (the rest of) an answer: with a reset where the
// connection can be had, by closing it where not.
func cut(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's way to close without an answer
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		// Without lingering, close sends a reset. It is all the same if it
		// does not: the close below ends the connection.
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}
