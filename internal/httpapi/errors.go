package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"lsapi"
	v1 "lsapi/internal/httpapi/v1"
)

// refusal is an answer for which only HTTP has a word.
type refusal struct {
	status  int
	message string
	allow   string // the methods that are, when the status is 405
}

func (r *refusal) Error() string { return r.message }

var errNoSuchPath = &refusal{status: http.StatusNotFound, message: "there is no such path"}

// internalText is all that a client learns of a defect.
const internalText = "the service failed"

// answer is how a code is answered.
type answer struct {
	status int
	text   string // for an error that has no message of its own
	secret bool   // whatever its message is, the client gets the text
}

// answers is the one table of codes and statuses.
var answers = map[lsapi.Code]answer{
	lsapi.CodeInvalid:         {status: http.StatusBadRequest, text: "the request is invalid"},
	lsapi.CodeUnauthenticated: {status: http.StatusUnauthorized, text: "credentials are missing or wrong"},
	lsapi.CodeForbidden:       {status: http.StatusBadGateway, text: "AWS could not be asked", secret: true},
	lsapi.CodeNotFound:        {status: http.StatusNotFound, text: "there is no such load balancer"},
	lsapi.CodeConflict:        {status: http.StatusConflict, text: "the membership already is as asked"},
	lsapi.CodeKeyReused:       {status: http.StatusUnprocessableEntity, text: "the idempotency key is that of another request"},
	lsapi.CodeThrottled:       {status: http.StatusServiceUnavailable, text: "too much at once; nothing was changed"},
	lsapi.CodeUnavailable:     {status: http.StatusServiceUnavailable, text: "the service cannot answer for now; nothing was changed"},
	lsapi.CodeUpstream:        {status: http.StatusBadGateway, text: "AWS failed or could not be reached"},
	lsapi.CodeGone:            {status: http.StatusGone, text: "it has been removed"},
	lsapi.CodeNotYet:          {status: http.StatusRequestTimeout, text: "the time is up"},
	lsapi.CodeTimeout:         {status: http.StatusGatewayTimeout, text: "the deadline passed"},
	lsapi.CodeInternal:        {status: http.StatusInternalServerError, text: internalText, secret: true},
}

// fail answers with an error. It is the only place that does.
func (s *server) fail(x *exchange, err error) {
	if x.status != 0 { // the response has begun, so it was its writing that failed
		s.undelivered(x, err)
		return
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		if r.allow != "" {
			x.Header().Set("Allow", r.allow)
		}
		s.write(x, r.status, r.message, nil)
		return
	}
	s.failCoded(x, coded(err))
}

func (s *server) failCoded(x *exchange, err *lsapi.Error) {
	a := answerTo(err)
	text := err.Message
	if text == "" || a.secret {
		text = a.text
	}
	switch {
	case a.status == http.StatusUnauthorized:
		x.Header().Set("WWW-Authenticate", `Basic realm="lsapi"`)
	case a.status == http.StatusServiceUnavailable,
		a.status == http.StatusConflict && err.RetryAfter > 0: // of a request that is still open
		x.Header().Set("Retry-After", retryAfter(err.RetryAfter))
	}
	// Whoever does not wait gets an answer all the same: a client that has only
	// closed its own side of the connection still reads, and must not take the
	// silence for a success.
	x.gone = x.context().Err() != nil
	s.logProblem(x, a.status, err)
	s.write(x, a.status, text, err)
}

// answerTo looks the answer to an error up.
func answerTo(err *lsapi.Error) answer {
	if a, known := answers[err.Code]; known {
		return a
	}
	return answers[lsapi.CodeInternal]
}

// abort cuts a response off that has begun and cannot be finished: the client
// sees a broken connection, never a response that is short and looks whole. The
// log and the metrics have the status that the response would have had if the
// error had come in time; a client that has left is no error.
func (s *server) abort(x *exchange, err error) {
	e := coded(err)
	x.gone = x.context().Err() != nil
	status := answerTo(e).status
	if !x.gone {
		x.status = status
	}
	s.logProblem(x, status, e)
	panic(http.ErrAbortHandler)
}

// coded returns the coded error in err's chain. A context's error that nobody
// has put a code on means what CodeTimeout does.
func coded(err error) *lsapi.Error {
	e := lsapi.AsError(err)
	if e.Code == lsapi.CodeInternal && (errors.Is(e, context.DeadlineExceeded) || errors.Is(e, context.Canceled)) {
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: e}
	}
	return e
}

// retryAfter is the advice in whole seconds, at least one.
func retryAfter(advice time.Duration) string {
	return strconv.FormatInt(max(1, wholeSeconds(advice)), 10)
}

// logProblem tells those who run the service what the client does not learn.
// Requests that are the client's own fault, those that it gave up, probes, and
// guesses at passwords that were slowed down are in the access log alone: nobody
// without credentials makes the log grow twice as fast.
func (s *server) logProblem(x *exchange, status int, err *lsapi.Error) {
	guess := err.Code == lsapi.CodeThrottled && x.actor.Name == ""
	if status < 500 || x.routine || guess || x.gone && err.Code == lsapi.CodeTimeout {
		return
	}
	level := slog.LevelWarn
	if err.Code == lsapi.CodeForbidden || status == http.StatusInternalServerError {
		level = slog.LevelError // it stays until somebody acts
	}
	s.log.LogAttrs(x.context(), level, "request failed",
		slog.String("request_id", x.id),
		slog.Int("status", status),
		slog.String("reason", err.Reason),
		slog.Any("err", err))
}

// write answers with the text of an error. A response like this one is true only
// now: nobody may keep it. The cause may be nil.
func (s *server) write(x *exchange, status int, text string, cause error) {
	x.Header().Set("Cache-Control", "no-store")
	contentType, value := "application/json", s.envelope.failure(text)
	if s.speaksProblems(x) {
		contentType, value = v1.ContentType, v1.NewProblem(status, text, cause)
	}
	body, err := encode(value)
	if err == nil {
		err = x.send(status, contentType, body)
	}
	if err != nil {
		s.undelivered(x, err)
	}
}

// undelivered notes that a response could not be written: the client is gone.
func (s *server) undelivered(x *exchange, err error) {
	x.gone = true
	s.log.LogAttrs(x.context(), slog.LevelDebug, "response not delivered",
		slog.String("request_id", x.id), slog.Any("err", err))
}
