package dataplane

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
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

// errIdle is that a connection was silent for too long, errCut that the member had the
// request and was gone before it answered.
var (
	errIdle = errors.New("the connection was silent for too long")
	errCut  = errors.New("the member was gone before it answered")
)

// carrier carries the requests of a listener to members and the answers back.
type carrier struct {
	b         *balancer
	listener  Listener
	port      string // of the listener, for X-Forwarded-Port
	transport *http.Transport
}

func newCarrier(b *balancer, l Listener) *carrier {
	c := &carrier{b: b, listener: l, port: strconv.Itoa(l.Port)}
	c.transport = &http.Transport{
		DialContext:         c.dial,
		DisableCompression:  true, // what a client accepts is between it and the member
		MaxIdleConnsPerHost: keptConnections,
		IdleConnTimeout:     time.Minute,
	}
	return c
}

// dial connects to the instance that the host of a URL names.
func (c *carrier) dial(ctx context.Context, _, address string) (net.Conn, error) {
	id, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c.b.plane.mu.Lock()
	m := c.b.plane.machine(id, 0)
	c.b.plane.mu.Unlock()
	return m.dial(ctx, c.listener.InstancePort)
}

func (c *carrier) handler() http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:        c.rewrite,
		Transport:      c,
		ModifyResponse: addNoContentType,
		ErrorHandler:   c.fail,
		ErrorLog:       discard(),
		BufferPool:     &buffers,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection := http.NewResponseController(w)
		if err := c.hold(connection, r); err != nil {
			c.b.measure("", value{ELB4XX, 1})
			http.Error(w, "the request did not come in time", http.StatusRequestTimeout)
			return
		}
		ctx := context.WithValue(r.Context(), connectionKey{}, connection)
		ctx = context.WithValue(ctx, answerKey{}, w.Header())
		proxy.ServeHTTP(w, r.WithContext(ctx))
	})
}

// connectionKey is of the client's connection in a request's context.
type connectionKey struct{}

// answerKey is of the answer's header in a request's context.
type answerKey struct{}

// addNoContentType keeps net/http from guessing the type of an answer that has none.
func addNoContentType(response *http.Response) error {
	if answer, ok := response.Request.Context().Value(answerKey{}).(http.Header); ok && response.Header["Content-Type"] == nil {
		answer["Content-Type"] = nil
	}
	return nil
}

// hold reads a body that is small before a member is taken for it.
func (c *carrier) hold(connection *http.ResponseController, r *http.Request) error {
	if r.ContentLength == 0 || r.ContentLength > heldBody {
		return nil
	}
	defer func() { _ = connection.SetReadDeadline(time.Time{}) }() // not every connection can
	held, err := io.ReadAll(io.LimitReader(&patient{r.Body, connection, c.b.idleTime()}, heldBody))
	if err != nil {
		return err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(held), r.Body), r.Body}
	return nil
}

// patient is a body that may be silent for a time.
type patient struct {
	io.Reader
	connection *http.ResponseController
	idle       time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.connection.SetReadDeadline(time.Now().Add(p.idle)) // not every connection can
	return p.Reader.Read(b)
}

// rewrite addresses the request to the members, and tells them whose it is as a Classic
// load balancer does.
func (c *carrier) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme = "http"
	p.Out.URL.RawQuery = p.In.URL.RawQuery // it is the members' to understand
	h := p.Out.Header
	// An HTTP listener drops hop-by-hop fields, so that the member sees a plain request:
	// WebSocket needs a TCP listener. httputil puts these two back.
	h.Del("Connection")
	h.Del("Upgrade")
	client, _, err := net.SplitHostPort(p.In.RemoteAddr)
	if err != nil {
		client = p.In.RemoteAddr
	}
	h["X-Forwarded-For"] = []string{strings.Join(append(slices.Clone(p.In.Header["X-Forwarded-For"]), client), ", ")}
	h["X-Forwarded-Proto"] = []string{"http"}
	h["X-Forwarded-Port"] = []string{c.port}
}

// RoundTrip sends the request to a member. One that cannot be connected to is passed
// over for another, since it has not seen the request.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	var tried []*member
	var refused error
	for {
		m, err := c.b.acquire(r.Context(), tried)
		if err != nil {
			c.b.count("")
			if errors.Is(err, errNoMember) && refused != nil {
				err = refused // there were some
			}
			return nil, err
		}
		response, err := c.send(r, m)
		if err == nil {
			return response, nil
		}
		if !isDial(err) {
			c.b.count(m.Zone)
			return nil, err
		}
		refused = err
		c.b.measure(m.Zone, value{BackendConnectionErrors, 1})
		if tried = append(tried, m); len(tried) == maxTries {
			c.b.count(m.Zone)
			return nil, err
		}
	}
}

// isDial reports whether there was no connection.
func isDial(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "dial"
}

// send sends the request to a member, which is released when its answer has been read.
func (c *carrier) send(r *http.Request, m *member) (*http.Response, error) {
	f := &flight{b: c.b, m: m, idle: c.b.idleTime()}
	ctx, cancel := context.WithCancelCause(r.Context())
	f.cancel = cancel
	f.client, _ = r.Context().Value(connectionKey{}).(*http.ResponseController)
	f.timer = time.AfterFunc(f.idle, f.expire)
	f.forget = context.AfterFunc(m.ended, func() { cancel(errCut) }) //nolint:contextcheck // the member's end, beside the request's
	// net/http would send some requests again that a member has had, which a load
	// balancer does not.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		if f.sent.Swap(true) {
			cancel(errCut)
		}
	}})
	out := r.WithContext(ctx)
	target := *r.URL
	target.Host = net.JoinHostPort(m.InstanceID, strconv.Itoa(c.listener.InstancePort))
	out.URL = &target
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = &upload{r.Body, f}
	}
	began := time.Now()
	response, err := c.transport.RoundTrip(out)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		} else if f.sent.Load() && isDial(err) {
			err = errCut
		}
		f.finish()
		return nil, err
	}
	f.beat()
	f.answers()
	c.b.count(m.Zone, value{Latency, time.Since(began).Seconds()}, value{backendClass(response.StatusCode), 1})
	f.body = response.Body
	response.Body = f
	if response.StatusCode == http.StatusSwitchingProtocols {
		_ = f.Close()
		return nil, errors.New("the member switches protocols unasked")
	}
	return response, nil
}

// backendClass is the metric that counts answers of a status. Those of less than 200 are
// not the last answer.
func backendClass(status int) Metric {
	return Backend2XX + Metric(min(max(status/100-2, 0), 3))
}

// fail answers for a request that no member has answered.
func (c *carrier) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && !errors.Is(err, errIdle) {
		panic(http.ErrAbortHandler) // the client has left
	}
	status := http.StatusGatewayTimeout // the member was silent, has closed the connection, or could not be connected to
	switch {
	case errors.Is(err, errNoMember), errors.Is(err, errSpilled):
		status = http.StatusServiceUnavailable
	case isMalformed(err):
		status = http.StatusBadGateway
	}
	c.b.measure("", value{ELB5XX, 1})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status)+": "+err.Error()+"\n")
}

// isMalformed reports whether a member has answered by what is no HTTP.
func isMalformed(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	return !errors.Is(err, errIdle) && !errors.Is(err, errCut) && !isDial(err)
}

// flight is a request that a member has, and the body of its answer.
type flight struct {
	b      *balancer
	m      *member
	idle   time.Duration
	timer  *time.Timer // ends it when nothing moves
	cancel context.CancelCauseFunc
	forget func() bool
	body   io.ReadCloser
	client *http.ResponseController // of the client's connection; nil: there is none
	ending sync.Once
	sent   atomic.Bool // there was a connection to the member, which may have the request

	mu        sync.Mutex
	answering bool // the client is sent an answer
	over      bool // what moves now belongs to another request
}

// beat notes that something moves.
func (f *flight) beat() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.over {
		f.timer.Reset(f.idle)
	}
}

// answers notes that the answer has begun.
func (f *flight) answers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answering = true
}

// expire ends the request because nothing has moved.
func (f *flight) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.cancel(errIdle)
	if f.client != nil && f.answering {
		_ = f.client.SetWriteDeadline(time.Now()) // the client may not take what it is sent
	}
}

// Read reads the answer.
func (f *flight) Read(p []byte) (int, error) {
	n, err := f.body.Read(p)
	if err != nil {
		f.finish()
	} else {
		f.beat()
	}
	return n, err
}

// Close ends the request.
func (f *flight) Close() error {
	err := f.body.Close()
	f.finish()
	return err
}

// finish gives the member back.
func (f *flight) finish() {
	f.ending.Do(func() {
		f.mu.Lock()
		f.over = true
		f.mu.Unlock()
		f.timer.Stop()
		f.forget()
		f.cancel(nil)
		f.b.release(f.m)
	})
}

// upload is the body of a request on its way. It stays open when a member cannot be
// connected to: the next one gets it.
type upload struct {
	io.Reader
	f *flight
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err == nil {
		u.f.beat()
	}
	return n, err
}

func (*upload) Close() error { return nil }

// pool keeps the buffers through which answers go.
type pool struct{ sync.Pool }

func (p *pool) Get() []byte {
	buffer, ok := p.Pool.Get().(*[]byte)
	if !ok {
		return make([]byte, copySize)
	}
	return *buffer
}

func (p *pool) Put(buffer []byte) { p.Pool.Put(&buffer) }

var buffers pool

// discard is the log of a server whose clients' faults are their own.
func discard() *log.Logger { return log.New(io.Discard, "", 0) }
