package dataplane

import (
	"bytes"
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

// proxy forwards the requests of an HTTP listener to members.
type proxy struct {
	pool      *pool
	machines  *machines
	listener  Listener
	transport *http.Transport
}

func newProxy(pool *pool, machines *machines, l Listener) *proxy {
	p := &proxy{pool: pool, machines: machines, listener: l}
	p.transport = &http.Transport{
		DialContext:         p.dial,
		DisableCompression:  true, // the client's Accept-Encoding decides
		MaxIdleConnsPerHost: maxIdleConnections,
		IdleConnTimeout:     time.Minute,
	}
	return p
}

// dial connects to the instance in the host of the URL.
func (p *proxy) dial(ctx context.Context, _, address string) (net.Conn, error) {
	id, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return p.machines.get(id, 0).dial(ctx, p.listener.InstancePort)
}

func (p *proxy) handler() http.Handler {
	reverse := &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      p,
		ModifyResponse: keepContentType,
		ErrorHandler:   p.fail,
		ErrorLog:       discardLog(),
		BufferPool:     &buffers,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection := http.NewResponseController(w)
		if err := p.bufferBody(connection, r); err != nil {
			p.pool.measure("", value{ELB4XX, 1})
			http.Error(w, "the request did not come in time", http.StatusRequestTimeout)
			return
		}
		ctx := context.WithValue(r.Context(), connectionKey{}, connection)
		ctx = context.WithValue(ctx, answerKey{}, w.Header())
		reverse.ServeHTTP(w, r.WithContext(ctx))
	})
}

// connectionKey is the context key of the client's connection.
type connectionKey struct{}

// answerKey is the context key of the answer's header.
type answerKey struct{}

// keepContentType prevents net/http from adding a Content-Type.
func keepContentType(response *http.Response) error {
	if answer, ok := response.Request.Context().Value(answerKey{}).(http.Header); ok && response.Header["Content-Type"] == nil {
		answer["Content-Type"] = nil
	}
	return nil
}

// bufferBody reads a small body before a member is selected.
func (p *proxy) bufferBody(connection *http.ResponseController, r *http.Request) error {
	if r.ContentLength == 0 || r.ContentLength > maxBuffered {
		return nil
	}
	defer func() { _ = connection.SetReadDeadline(time.Time{}) }() // not all connections support it
	buffered, err := io.ReadAll(io.LimitReader(&deadlineReader{r.Body, connection, p.pool.idleTimeout()}, maxBuffered))
	if err != nil {
		return err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(buffered), r.Body), r.Body}
	return nil
}

// deadlineReader sets a read deadline before each read.
type deadlineReader struct {
	io.Reader
	connection *http.ResponseController
	idle       time.Duration
}

func (d *deadlineReader) Read(b []byte) (int, error) {
	_ = d.connection.SetReadDeadline(time.Now().Add(d.idle)) // not all connections support it
	return d.Reader.Read(b)
}

// rewrite adds the header fields of a Classic load balancer.
func (p *proxy) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http"
	r.Out.URL.RawQuery = r.In.URL.RawQuery // httputil removes what it cannot parse
	h := r.Out.Header
	// An HTTP listener drops hop-by-hop fields; WebSocket needs a TCP listener. httputil
	// restores these two.
	h.Del("Connection")
	h.Del("Upgrade")
	client, _, err := net.SplitHostPort(r.In.RemoteAddr)
	if err != nil {
		client = r.In.RemoteAddr
	}
	h["X-Forwarded-For"] = []string{strings.Join(append(slices.Clone(r.In.Header["X-Forwarded-For"]), client), ", ")}
	h["X-Forwarded-Proto"] = []string{"http"}
	h["X-Forwarded-Port"] = []string{strconv.Itoa(p.listener.Port)}
}

// RoundTrip sends the request to a member. It tries another one only if the connection
// is refused, because then the member has not received the request.
func (p *proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	var tried []*member
	var refused error
	for {
		m, err := p.pool.acquire(r.Context(), tried)
		if err != nil {
			p.pool.count("")
			if errors.Is(err, errNoMember) && refused != nil {
				err = refused
			}
			return nil, err
		}
		response, err := p.send(r, m)
		if err == nil {
			return response, nil
		}
		if !isDial(err) {
			p.pool.count(m.Zone)
			return nil, err
		}
		refused = err
		p.pool.measure(m.Zone, value{BackendConnectionErrors, 1})
		if tried = append(tried, m); len(tried) == maxTries {
			p.pool.count(m.Zone)
			return nil, err
		}
	}
}

// isDial reports whether connecting failed.
func isDial(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "dial"
}

// send sends the request to a member and releases it after the answer.
func (p *proxy) send(r *http.Request, m *member) (*http.Response, error) {
	e := &exchange{pool: p.pool, m: m, idle: p.pool.idleTimeout()}
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
	target.Host = net.JoinHostPort(m.InstanceID, strconv.Itoa(p.listener.InstancePort))
	out.URL = &target
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = &requestBody{r.Body, e}
	}
	began := time.Now()
	response, err := p.transport.RoundTrip(out)
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
	p.pool.count(m.Zone, value{Latency, time.Since(began).Seconds()}, value{backendClass(response.StatusCode), 1})
	e.body = response.Body
	response.Body = e
	if response.StatusCode == http.StatusSwitchingProtocols {
		_ = e.Close()
		return nil, errors.New("the member switches protocols unasked")
	}
	return response, nil
}

// backendClass returns the metric of a final status.
func backendClass(status int) Metric {
	return Backend2XX + Metric(min(max(status/100-2, 0), 3))
}

// fail answers a request that no member has answered.
func (p *proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && !errors.Is(err, errIdle) {
		panic(http.ErrAbortHandler) // the client has disconnected
	}
	status := http.StatusGatewayTimeout // idle, closed or refused connection
	switch {
	case errors.Is(err, errNoMember), errors.Is(err, errSpilled):
		status = http.StatusServiceUnavailable
	case isMalformed(err):
		status = http.StatusBadGateway
	}
	p.pool.measure("", value{ELB5XX, 1})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status)+": "+err.Error()+"\n")
}

// isMalformed reports whether the answer of a member is not HTTP.
func isMalformed(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	return !errors.Is(err, errIdle) && !errors.Is(err, errCut) && !isDial(err)
}

// exchange is a request to a member and the body of its answer.
type exchange struct {
	pool    *pool
	m       *member
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
		e.pool.release(e.m)
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
