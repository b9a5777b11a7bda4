// Package client is a client of lsapi's HTTP API.
//
// A Client lists pools, their members and the pools of an instance, attaches and detaches
// one member or many, waits until a member serves or is drained, undoes changes, reads the
// record of changes, and streams events.
// Its errors are of two kinds: an *Error is a response of the service, and an error that
// wraps ErrUnreachable means that there was no response.
package client

import (
	"bytes"
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

	"lsapi"
)

// Options configure a Client.
type Options struct {
	// URL is the address of the service, such as "http://127.0.0.1:8000". Its path, if
	// any, precedes those of the API.
	URL string
	// User and Password are the credentials. Without a user none are sent.
	User, Password string
	// UserAgent names the calling program in the service's log. Empty is Go's default.
	UserAgent string
	// Transport sends the requests. Nil is one that uses the proxy of the environment.
	Transport http.RoundTripper
}

// Client calls one service as one user. It is safe for concurrent use.
type Client struct {
	base           *url.URL
	user, password string
	agent          string
	http           *http.Client
	limits         limits
}

// New returns a Client without sending a request. It fails if the URL is invalid.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(o.URL, "/"))
	if err != nil || base.Hostname() == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("not an http or https URL, such as http://127.0.0.1:8000")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the URL must not contain a user, a query or a fragment")
	}
	transport := o.Transport
	if transport == nil {
		transport = newTransport()
	}
	return &Client{
		base: base, user: o.User, password: o.Password, agent: o.UserAgent,
		http: &http.Client{
			Transport: transport,
			// The API has no redirects: the target would not be lsapi.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		limits: defaultLimits(),
	}, nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: maxIdleConnections,
		IdleConnTimeout:     maxWait,
		ForceAttemptHTTP2:   true,
	}
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

type request struct {
	method string
	path   []string // segments, unescaped
	query  url.Values
	header http.Header
	body   []byte // JSON; nil is none
	// created is whether 201 is a success, beside 200.
	created bool
	// bulk is whether a response with CodeBulkFailed has results too.
	bulk bool
	// matches reports whether the decoded response is one to this request.
	matches func() bool
}

// get reads a value of the /v1 API.
func (c *Client) get(ctx context.Context, into any, matches func() bool, query url.Values, path ...string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query, matches: matches}, into)
	return err
}

// do sends a request and decodes the JSON of a successful response, or of a bulk that
// failed in part. It returns the response's header, if there was one. A response that does
// not match the request counts as another server's.
func (c *Client) do(ctx context.Context, q request, into any) (http.Header, error) {
	response, err := c.send(ctx, q)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, err)
	case len(text) > maxResponse:
		return nil, c.notLsapi("a response of more than %d bytes", maxResponse)
	case response.StatusCode >= 300:
		failed := newError(response, text)
		if q.bulk && failed.Code == lsapi.CodeBulkFailed {
			if err := c.decode(response, text, q, into); err != nil {
				return response.Header, err
			}
		}
		return response.Header, failed
	case response.StatusCode != http.StatusOK && (!q.created || response.StatusCode != http.StatusCreated):
		return nil, c.notLsapi("%s, which is no response to the request", response.Status)
	}
	if err := c.decode(response, text, q, into); err != nil {
		return nil, err
	}
	return response.Header, nil
}

// decode decodes the text of a response to a request.
func (c *Client) decode(response *http.Response, text []byte, q request, into any) error {
	if !isJSON(response.Header) {
		return c.notLsapi("%s without JSON", response.Status)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return c.notLsapi("JSON of another kind: %w", err)
	}
	if !q.matches() {
		return c.notLsapi("%s with a response to another request", response.Status)
	}
	return nil
}

// send sends a request. The caller closes the body of the response.
func (c *Client) send(ctx context.Context, q request) (*http.Response, error) {
	target := c.base.JoinPath(escaped(q.path)...)
	target.RawQuery = q.query.Encode()
	r, err := http.NewRequestWithContext(ctx, q.method, target.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	if q.header != nil {
		r.Header = q.header.Clone()
	}
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" {
		r.SetBasicAuth(c.user, c.password)
	}
	if c.agent != "" {
		r.Header.Set("User-Agent", c.agent)
	}
	// net/http retries some requests by itself: an earlier attempt may have had a
	// connection although the last one had none.
	var connected atomic.Bool
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	response, err := c.http.Do(r)
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

// isProblem reports whether a response is an error of the /v1 API.
func isProblem(h http.Header) bool { return contentType(h) == "application/problem+json" }

func contentType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// notLsapi returns the error of a response that lsapi would not send.
func (c *Client) notLsapi(format string, args ...any) error {
	return fmt.Errorf("%w: the server at %s is not lsapi: %w", ErrUnreachable, c.base, fmt.Errorf(format, args...))
}

// unreachable returns the error of a request without a response, without the request's
// URL. When ctx was canceled, it is the context's error.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if sending, ok := errors.AsType[*url.Error](err); ok {
		err = sending.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no response in time")
	}
	return fmt.Errorf("%w at %s: %w", ErrUnreachable, c.base, err)
}
