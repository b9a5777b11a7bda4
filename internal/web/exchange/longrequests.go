package exchange

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

const (
	// defaultWait is the timeout of a wait: silent connections through proxies commonly
	// last that long. The documents of both APIs declare it as 60s.
	defaultWait = time.Minute
	// maxWait is AWS's longest draining timeout. parseWait's message names it.
	maxWait = time.Hour
	// answerTime is added to a wait for the last lookup and the transfer of the response.
	answerTime = 30 * time.Second
	// revalidateEvery is how often the credentials of a wait are checked.
	revalidateEvery = 15 * time.Second
)

// ParseTimeout returns the timeout of a request that waits, a minute for an empty text, and 0
// of one that does not; or what is wrong with the text. asks is how a request asks for a wait.
func ParseTimeout(text string, waits bool, asks string) (timeout time.Duration, wrong string) {
	timeout, wrong = parseWait(text)
	switch {
	case wrong == "" && !waits && timeout != defaultWait:
		return 0, "only with " + asks + "; without it, the only value is the default, 60s"
	case !waits:
		return 0, wrong
	}
	return timeout, wrong
}

func parseWait(text string) (timeout time.Duration, wrong string) {
	if text == "" {
		return defaultWait, ""
	}
	timeout, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, "expected a duration such as 90s or 5m"
	case timeout <= 0:
		return 0, "expected a duration above 0"
	case timeout > maxWait:
		return 0, "expected at most 1h"
	}
	return timeout, ""
}

// LongRequests bounds the requests that wait or stream, because each holds a connection.
type LongRequests struct {
	stopping   context.Context //nolint:containedctx // it is not a request's
	revalidate func(authorization string) error
	admitted   *Shares
}

// NewLongRequests returns bounds of limit requests in all, and three quarters of that for
// one user. Waits end when stopping ends, or when revalidate returns an error.
func NewLongRequests(stopping context.Context, limit int, revalidate func(authorization string) error) *LongRequests {
	return &LongRequests{
		stopping: stopping, revalidate: revalidate, admitted: NewShares(limit, "requests", "wait or watch"),
	}
}

// Stopping reports whether the service is stopping.
func (l *LongRequests) Stopping() bool { return l.stopping.Err() != nil }

// StreamSession is an admitted request that waits or streams. It holds no Exchange, whose
// buffers would be most of the memory of a stream.
type StreamSession struct {
	// Leave must be called when the request has ended.
	Leave func()
	// Revalidate returns CodeUnauthenticated if the credentials have been revoked.
	Revalidate func() error
	// Log names the request and its user.
	Log *slog.Logger

	stopping context.Context //nolint:containedctx // it is not a request's
}

// OnStop calls f when the service stops, unless cancel is called before.
func (l *LongRequests) OnStop(f func()) (cancel func() bool) { return context.AfterFunc(l.stopping, f) }

// Admit counts a request. CodeThrottled: there are too many.
func (l *LongRequests) Admit(x *Exchange) (*StreamSession, error) {
	user := x.Actor.Name
	if err := l.admitted.Take(user, 1); err != nil {
		return nil, err
	}
	authorization := x.Request.Header.Get("Authorization")
	return &StreamSession{
		Leave:      sync.OnceFunc(func() { l.admitted.Return(user, 1) }),
		Revalidate: func() error { return l.revalidate(authorization) },
		Log:        x.settings.Log.With("request_id", x.ID, "user", user),
		stopping:   l.stopping,
	}, nil
}

// Wait calls wait with a context that ends when the client leaves, the timeout passes,
// the service stops, or the credentials are revoked. Revoked credentials are
// CodeUnauthenticated, whatever wait returns. It extends the connection's write deadline,
// which is for short requests; the read deadline ends with the body.
func (s *StreamSession) Wait(x *Exchange, timeout time.Duration, wait func(context.Context) error) error {
	_ = http.NewResponseController(x).SetWriteDeadline(time.Now().Add(timeout + answerTime)) // optional
	bounded, cancel := context.WithTimeout(x.Context(), timeout)
	defer cancel()
	ctx, end := context.WithCancelCause(bounded)
	defer end(nil)
	defer context.AfterFunc(s.stopping, cancel)()
	go background.Every(ctx, revalidateEvery, func() {
		if err := s.Revalidate(); err != nil {
			end(err)
		}
	})
	err := wait(ctx)
	if revoked := context.Cause(ctx); lsapi.ErrorCode(revoked) == lsapi.CodeUnauthenticated {
		return revoked
	}
	return err
}
