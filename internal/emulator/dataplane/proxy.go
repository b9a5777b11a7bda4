package dataplane

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"time"
)

// proxy forwards the requests of an HTTP listener of a Classic load balancer to members.
type proxy struct {
	*forwarder
	pool     *pool
	listener Listener
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
		reverse.ServeHTTP(w, withConnection(r, connection, w.Header()))
	})
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
	addForwarded(r, p.listener.Port)
}

// RoundTrip sends the request to a member. It tries another one only if the connection
// is refused, because then the member has not received the request.
func (p *proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	var tried []*member
	var refused error
	sticky := p.pool.session(p.listener.Port, r)
	for {
		m, err := p.pool.acquireBound(r.Context(), sticky.bound, tried)
		if err != nil {
			p.pool.count("")
			if errors.Is(err, errNoMember) && refused != nil {
				err = refused
			}
			return nil, err
		}
		began := time.Now()
		response, err := p.send(r, hop{m: m, port: p.listener.InstancePort, idle: p.pool.idleTimeout(), release: p.pool.release})
		if err == nil {
			sticky.bind(p.pool, m, response)
			p.pool.count(m.Zone, value{Latency, time.Since(began).Seconds()}, value{backendClass(response.StatusCode), 1})
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
