package web

import (
	"context"
	"net/http"
	"time"

	"lsapi"
)

// readyTimeout bounds the question whether the service is ready, below the
// intervals at which it is asked.
const readyTimeout = 2 * time.Second

// up says that the service is. It asks nobody, so that nothing can delay it.
func (s *server) up(x *exchange) error {
	x.Header().Set("Cache-Control", "no-store")
	return x.sendJSON(http.StatusOK, s.envelope.value("ok"))
}

// ready says whether the service can do all that it is for, or else what is
// missing.
func (s *server) isReady(x *exchange) error {
	ctx, cancel := context.WithTimeout(x.context(), readyTimeout)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		return notReady(coded(err))
	}
	return s.up(x)
}

// notReady returns the error of a service that is not ready, whatever keeps it from
// that: the answer is 503, which every prober understands.
func notReady(err *lsapi.Error) error {
	text := err.Message
	if a := answerTo(err); text == "" || a.secret {
		text = a.text
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: text, RetryAfter: err.RetryAfter, Err: err}
}
