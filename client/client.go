// Package client asks an lsapi service over HTTP, in the vocabulary of its API.
//
// A Client is for all that the service answers: which load balancers there are and
// who their members are, attaching and detaching, waiting until a member serves or
// is drained, and watching what happens. Its errors are of two kinds: *Error is what
// the service says, and one that is ErrUnreachable says that it has not answered.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Options are what a Client is made of.
type Options struct {
	// URL is where the service is, such as "http://127.0.0.1:8000". A path is put
	// before those of the API.
	URL string
	// User and Password are who asks. Without a user no credentials are sent.
	User, Password string
	// UserAgent names the program that asks, for the service's log. Empty is Go's.
	UserAgent string
	// Transport sends the requests. Nil is one that heeds the proxy that the
	// environment names.
	Transport http.RoundTripper
}

// Client asks one service as one user. It may be used by many at once.
type Client struct {
	base           *url.URL
	user, password string
	agent          string
	http           *http.Client
	round          time.Duration // how long one request of a wait waits
	outage         time.Duration // maxOutage, but for tests
	settling       time.Duration // maxSettling, but for tests
	pause          time.Duration // firstPause, but for tests
	silence        time.Duration // maxSilence, but for tests
}

// New returns a Client. It asks nothing yet; an error is one of the URL.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(o.URL, "/"))
	if err != nil || base.Hostname() == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("not an http or https URL, such as http://127.0.0.1:8000")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the URL has a user, a query or a fragment in it")
	}
	transport := o.Transport
	if transport == nil {
		transport = newTransport()
	}
	return &Client{
		base: base, user: o.User, password: o.Password, agent: o.UserAgent,
		http: &http.Client{
			Transport: transport,
			// The API redirects nobody: where it would lead is not lsapi.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		round: waitRound, outage: maxOutage, settling: maxSettling, pause: firstPause, silence: maxSilence,
	}, nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     waitRound,
		ForceAttemptHTTP2:   true,
	}
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is one request.
type call struct {
	method string
	path   []string // its segments, unescaped
	query  url.Values
	header http.Header
	body   any // nil is none
	// success is the status of a good answer: 0 is 200.
	success int
	// fits reports whether the decoded answer is one to this request.
	fits func() bool
}

// get asks for a value of the /v1 API, of which fits reports whether it is the one.
func (c *Client) get(ctx context.Context, into any, fits func() bool, query url.Values, path ...string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := c.ask(ctx, call{method: http.MethodGet, path: path, query: query, fits: fits}, into)
	return err
}

// ask sends a request and decodes the JSON of a good answer. It returns the
// answer's header, if there was one. An answer that does not fit the request is no
// answer of lsapi.
func (c *Client) ask(ctx context.Context, q call, into any) (http.Header, error) {
	response, err := c.send(ctx, q)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, err)
	case len(text) > maxAnswer:
		return nil, c.stranger("an answer of more than %d bytes", maxAnswer)
	case response.StatusCode >= 300:
		return response.Header, newError(response, text)
	case response.StatusCode != cmp.Or(q.success, http.StatusOK):
		return nil, c.stranger("%s in place of %d", response.Status, cmp.Or(q.success, http.StatusOK))
	case !isJSON(response.Header):
		return nil, c.stranger("%s and no JSON", response.Status)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return nil, c.stranger("JSON of another kind: %w", err)
	}
	if !q.fits() {
		return nil, c.stranger("%s with an answer to another request", response.Status)
	}
	return response.Header, nil
}

// send sends a request. Whoever gets a response closes its body.
func (c *Client) send(ctx context.Context, q call) (*http.Response, error) {
	var body io.Reader = http.NoBody
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	target := c.base.JoinPath(escaped(q.path)...)
	target.RawQuery = q.query.Encode()
	request, err := http.NewRequestWithContext(ctx, q.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	if q.header != nil {
		request.Header = q.header.Clone()
	}
	if q.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" {
		request.SetBasicAuth(c.user, c.password)
	}
	if c.agent != "" {
		request.Header.Set("User-Agent", c.agent)
	}
	// net/http sends some requests again by itself: that the last attempt was refused a
	// connection does not say that none had one.
	var connected atomic.Bool
	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	response, err := c.http.Do(request)
	if err == nil {
		return response, nil
	}
	err = c.unreachable(ctx, err)
	if operation, ok := errors.AsType[*net.OpError](err); ok && operation.Op == "dial" && !connected.Load() {
		err = notSent{err}
	}
	return nil, err
}

func escaped(segments []string) []string {
	out := make([]string, len(segments))
	for i, s := range segments {
		out[i] = url.PathEscape(s)
	}
	return out
}

func isJSON(h http.Header) bool { return contentType(h) == "application/json" || isProblem(h) }

// isProblem reports whether an error is one of the /v1 API.
func isProblem(h http.Header) bool { return contentType(h) == "application/problem+json" }

func contentType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// pauseFor waits as the service has advised, or for longer each time without
// advice. It returns the error of a context that ends first.
func (c *Client) pauseFor(ctx context.Context, attempt int, advice time.Duration) error {
	wait := min(max(advice, c.pause<<min(attempt, 6)), maxPause)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stranger is the error of an answer that lsapi would not give.
func (c *Client) stranger(format string, args ...any) error {
	return fmt.Errorf("%w: what answers at %s is not lsapi: %w", ErrUnreachable, c.base, fmt.Errorf(format, args...))
}
