package dataplane

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// errCut is the error of a request that a member received and did not answer.
var errCut = errors.New("the member was gone before it answered")

// forwarder sends HTTP requests to members over keep-alive connections.
type forwarder struct {
	machines  *machines
	transport *http.Transport
}

func newForwarder(machines *machines) *forwarder {
	f := &forwarder{machines: machines}
	f.transport = &http.Transport{
		DialContext:         f.dial,
		DisableCompression:  true, // the client's Accept-Encoding decides
		MaxIdleConnsPerHost: maxIdleConnections,
		IdleConnTimeout:     time.Minute,
	}
	return f
}

// dial connects to the instance and port in the host of the URL.
func (f *forwarder) dial(ctx context.Context, _, address string) (net.Conn, error) {
	id, digits, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(digits)
	if err != nil {
		return nil, err
	}
	return f.machines.get(id, 0).dial(ctx, port)
}

// connectionKey is the context key of the client's connection.
type connectionKey struct{}

// answerKey is the context key of the answer's header.
type answerKey struct{}

// withConnection returns the request with the client's connection and the answer's header.
func withConnection(r *http.Request, connection *http.ResponseController, answer http.Header) *http.Request {
	ctx := context.WithValue(r.Context(), connectionKey{}, connection)
	return r.WithContext(context.WithValue(ctx, answerKey{}, answer))
}

// keepContentType prevents net/http from adding a Content-Type.
func keepContentType(response *http.Response) error {
	if answer, ok := response.Request.Context().Value(answerKey{}).(http.Header); ok && response.Header["Content-Type"] == nil {
		answer["Content-Type"] = nil
	}
	return nil
}

// addForwarded adds the header fields about the client.
func addForwarded(r *httputil.ProxyRequest, port int) {
	client, _, err := net.SplitHostPort(r.In.RemoteAddr)
	if err != nil {
		client = r.In.RemoteAddr
	}
	h := r.Out.Header
	h["X-Forwarded-For"] = []string{strings.Join(append(slices.Clone(r.In.Header["X-Forwarded-For"]), client), ", ")}
	h["X-Forwarded-Proto"] = []string{"http"}
	h["X-Forwarded-Port"] = []string{strconv.Itoa(port)}
}

// backendClass returns the metric of a final status.
func backendClass(status int) Metric {
	return Backend2XX + Metric(min(max(status/100-2, 0), 3))
}

// isDial reports whether connecting failed.
func isDial(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "dial"
}

// isMalformed reports whether the answer of a member is not HTTP.
func isMalformed(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	return !errors.Is(err, errIdle) && !errors.Is(err, errCut) && !isDial(err)
}

// hop is where a request goes.
type hop struct {
	m       *member
	port    int
	idle    time.Duration
	release func(*member)
	upgrade bool // whether the member may switch protocols
}

// send sends the request to a member and releases it after the answer.
func (f *forwarder) send(r *http.Request, to hop) (*http.Response, error) {
	m := to.m
	e := &exchange{m: m, idle: to.idle, release: to.release}
	ctx, cancel := context.WithCancelCause(r.Context())
	e.cancel = cancel
	e.client, _ = r.Context().Value(connectionKey{}).(*http.ResponseController)
	e.timer = time.AfterFunc(e.idle, e.expire)
	e.stopEnd = context.AfterFunc(m.ended, func() { cancel(errCut) }) //nolint:contextcheck // the member ends independently
	// net/http retries some requests that a member has received; a load balancer does
	// not.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		if e.sent.Swap(true) {
			cancel(errCut)
		}
	}})
	out := r.WithContext(ctx)
	target := *r.URL
	target.Host = net.JoinHostPort(m.InstanceID, strconv.Itoa(to.port))
	out.URL = &target
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = &requestBody{r.Body, e}
	}
	response, err := f.transport.RoundTrip(out)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		} else if e.sent.Load() && isDial(err) {
			err = errCut
		}
		e.finish()
		return nil, err
	}
	e.touch()
	e.setAnswering()
	e.body = response.Body
	response.Body = e
	if response.StatusCode == http.StatusSwitchingProtocols && !to.upgrade {
		_ = e.Close()
		return nil, errors.New("the member switches protocols unasked")
	}
	return response, nil
}

// exchange is a request to a member and the body of its answer.
type exchange struct {
	m       *member
	release func(*member)
	idle    time.Duration
	timer   *time.Timer // of the idle timeout
	cancel  context.CancelCauseFunc
	stopEnd func() bool
	body    io.ReadCloser
	client  *http.ResponseController // of the client's connection; can be nil
	ending  sync.Once
	sent    atomic.Bool // a connection existed, so the member may have received the request

	mu        sync.Mutex
	answering bool // the answer has begun
	over      bool
}

// touch resets the idle timer.
func (e *exchange) touch() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.timer.Reset(e.idle)
	}
}

func (e *exchange) setAnswering() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answering = true
}

// expire ends an idle request.
func (e *exchange) expire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return
	}
	e.cancel(errIdle)
	if e.client != nil && e.answering {
		_ = e.client.SetWriteDeadline(time.Now()) // unblocks a write to a client that does not read
	}
}

// Read reads the answer.
func (e *exchange) Read(p []byte) (int, error) {
	n, err := e.body.Read(p)
	if err != nil {
		e.finish()
	} else {
		e.touch()
	}
	return n, err
}

// Write sends to a member that has switched protocols.
func (e *exchange) Write(p []byte) (int, error) {
	connection, ok := e.body.(io.Writer)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	e.touch()
	return connection.Write(p)
}

// Close ends the request.
func (e *exchange) Close() error {
	err := e.body.Close()
	e.finish()
	return err
}

// finish releases the member.
func (e *exchange) finish() {
	e.ending.Do(func() {
		e.mu.Lock()
		e.over = true
		e.mu.Unlock()
		e.timer.Stop()
		e.stopEnd()
		e.cancel(nil)
		e.release(e.m)
	})
}

// requestBody is the body of a request. Close does nothing, so that another member can
// get the body if one refuses the connection.
type requestBody struct {
	io.Reader
	exchange *exchange
}

func (u *requestBody) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err == nil {
		u.exchange.touch()
	}
	return n, err
}

func (*requestBody) Close() error { return nil }

// bufferPool implements httputil.BufferPool.
type bufferPool struct{ sync.Pool }

func (p *bufferPool) Get() []byte {
	buffer, ok := p.Pool.Get().(*[]byte)
	if !ok {
		return make([]byte, bufferSize)
	}
	return *buffer
}

func (p *bufferPool) Put(buffer []byte) { p.Pool.Put(&buffer) }

var buffers bufferPool
