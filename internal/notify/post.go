package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// poster sends notifications over HTTP. It uses no proxy of the environment, which would
// resolve names in its place. It has no http.Client, which would follow redirects, and show
// URLs in errors.
type poster struct {
	transport *http.Transport
	timeout   time.Duration
	encoder   encoder
	userAgent string
}

func newPoster(o Options) *poster {
	dialer := &net.Dialer{Timeout: o.Timeout, Control: control(o.Allow), Resolver: o.Resolver}
	return &poster{
		transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1,
			TLSHandshakeTimeout: o.Timeout, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		timeout: o.Timeout, encoder: encoder{o.Source, o.Change}, userAgent: "lsapi/" + o.Version,
	}
}

// statusError is a status that is no success.
type statusError struct {
	status     int
	retryAfter time.Duration // 0: not given
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("the receiver returned %d %s", e.status, http.StatusText(e.status))
	if e.status/100 == 3 {
		text += "; redirects are not followed"
	}
	return text
}

// isGone reports whether a receiver wants no more notifications.
func isGone(err error) bool {
	status, ok := errors.AsType[*statusError](err)
	return ok && status.status == http.StatusGone
}

// retryAfter returns the pause that a receiver has asked for, at most maxBackoff.
func retryAfter(err error) time.Duration {
	if status, ok := errors.AsType[*statusError](err); ok {
		return min(status.retryAfter, maxBackoff)
	}
	return 0
}

// post makes one attempt. Its errors contain no path and no query of the URL.
func (p *poster) post(ctx context.Context, r *Receiver, n *notification) error {
	body, contentType, err := p.encoder.encode(n, r.Format)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL is invalid")
	}
	now := time.Now()
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", p.userAgent)
	request.Header.Set("Webhook-Id", n.id)
	request.Header.Set("Webhook-Timestamp", timestamp(now))
	if len(r.Secrets) > 0 {
		request.Header.Set("Webhook-Signature", signature(r.Secrets, n.id, now, body))
	}
	response, err := p.transport.RoundTrip(request)
	if err != nil {
		return err //nolint:wrapcheck // net/http's own
	}
	_ = response.Body.Close() // unread: the status is the answer
	if response.StatusCode/100 == 2 {
		return nil
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // a date counts as none
	return &statusError{response.StatusCode, time.Duration(max(0, seconds)) * time.Second}
}

func (p *poster) close() { p.transport.CloseIdleConnections() }
