package cli

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"time"

	"lsapi"
	"lsapi/api/status"
)

// maxBody bounds the read of a response.
const maxBody = 8 << 20

// response is the response to a plain request.
type response struct {
	status          string     // such as "404 Not Found"
	code            lsapi.Code // empty for 200
	header          http.Header
	body            []byte
	tls             *tls.ConnectionState
	sent, responded time.Time
}

// fetch requests a URL without following redirects.
func fetch(ctx context.Context, transport http.RoundTripper, timeout time.Duration, target string) (*response, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	if user := request.URL.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	got := &response{sent: time.Now()}
	reply, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	got.responded = time.Now()
	got.status, got.header, got.tls = reply.Status, reply.Header, reply.TLS
	if reply.StatusCode != http.StatusOK {
		got.code = status.Code(reply.StatusCode, reply.Header.Get(status.Header))
	}
	got.body, err = io.ReadAll(io.LimitReader(reply.Body, maxBody))
	return got, err
}
