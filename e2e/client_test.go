package e2e

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// client sends requests to one server.
type client struct {
	t             *testing.T
	base          string // URL without a path
	authorization string // header; empty for none
}

// response is a completely read response.
type response struct {
	status int
	header http.Header
	body   string
}

// anonymous returns the client without credentials.
func (c client) anonymous() client {
	c.authorization = ""
	return c
}

func (c client) get(path string) response { return c.send(http.MethodGet, path, "") }

// send sends a request that must get a response. Headers are "Name: value".
func (c client) send(method, path, body string, headers ...string) response {
	c.t.Helper()
	answer, err := c.try(method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// try sends a request on a connection of its own and follows no redirect. It may be
// called from any goroutine.
func (c client) try(method, path, body string, headers ...string) (response, error) {
	return c.tryIn(c.t.Context(), method, path, body, headers...)
}

// tryIn is try with a context.
func (c client) tryIn(ctx context.Context, method, path, body string, headers ...string) (response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return response{}, err
	}
	if c.authorization != "" {
		request.Header.Set("Authorization", c.authorization)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return response{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return response{answer.StatusCode, answer.Header, string(text)}, err
}
