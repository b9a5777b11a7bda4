package dataplane

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"time"
)

// application answers the requests to an HTTP listener of an Application Load Balancer.
type application struct {
	*forwarder
	router *router
	port   int
}

func (a *application) handler() http.Handler {
	reverse := &httputil.ReverseProxy{
		Rewrite:        a.rewrite,
		Transport:      a,
		ModifyResponse: keepContentType,
		ErrorHandler:   a.fail,
		ErrorLog:       discardLog(),
		BufferPool:     &buffers,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.router.requests.Add(1)
		rule, ok := a.router.match(a.port, r)
		switch {
		case ok && rule.Fixed != nil:
			a.router.measure("", value{FixedResponseCount, 1})
			rule.Fixed.write(w)
		case ok && rule.Redirect != nil:
			a.router.measure("", value{RedirectCount, 1})
			rule.Redirect.write(w, r, a.port)
		default:
			r = r.WithContext(context.WithValue(r.Context(), groupKey{}, rule.choose()))
			reverse.ServeHTTP(w, withConnection(r, http.NewResponseController(w), w.Header()))
		}
	})
}

// groupKey is the context key of a request's target group, nil without one.
type groupKey struct{}

// rewrite adds the header fields of an Application Load Balancer.
func (a *application) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http"
	r.Out.URL.RawQuery = r.In.URL.RawQuery // httputil removes what it cannot parse
	addForwarded(r, a.port)
	if r.Out.Header.Get("X-Amzn-Trace-Id") == "" {
		r.Out.Header.Set("X-Amzn-Trace-Id", traceID())
	}
}

// traceID returns the trace of a new request: its time and 96 random bits.
func traceID() string {
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x", time.Now().Unix(), random)
}

// RoundTrip sends the request to a target. It tries no other one.
func (a *application) RoundTrip(r *http.Request) (*http.Response, error) {
	g, _ := r.Context().Value(groupKey{}).(*group)
	if g == nil {
		return nil, errNoMember
	}
	m, err := g.acquire(nil)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	response, err := a.send(r, hop{m: m, port: m.Port, idle: a.router.routes.Load().idle, release: g.release, upgrade: true})
	values := []value{{RequestCount, 1}}
	switch {
	case err == nil:
		values = append(values, value{Latency, time.Since(began).Seconds()}, value{backendClass(response.StatusCode), 1})
	case isDial(err):
		values = append(values, value{BackendConnectionErrors, 1})
	}
	a.router.measure(m.Zone, values...)
	g.measure(m.Zone, values...)
	return response, err
}

// fail answers a request that no target has answered.
func (a *application) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && !errors.Is(err, errIdle) {
		panic(http.ErrAbortHandler) // the client has disconnected
	}
	status, metric := http.StatusBadGateway, ELB502 // refused, cut or malformed
	switch {
	case errors.Is(err, errNoMember):
		status, metric = http.StatusServiceUnavailable, ELB503
	case errors.Is(err, errIdle), failureOf(err).Reason == TimedOut:
		status, metric = http.StatusGatewayTimeout, ELB504
	}
	a.router.measure("", value{ELB5XX, 1}, value{metric, 1})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status)+": "+err.Error()+"\n")
}
