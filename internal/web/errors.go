package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"lsapi"
	"lsapi/api/status"
	v1 "lsapi/internal/web/v1"
)

func errNoSuchPath() error { return lsapi.Errorf(lsapi.CodeNotFound, "there is no such path") }

// notAllowed is the error of a method that a path does not take.
type notAllowed struct{ allow string } // the methods that it takes

func (e *notAllowed) Error() string {
	return "the method is not allowed here; allowed are " + e.allow
}

// internalText is all that a client learns of a defect.
const internalText = "the service failed"

// answer is how a code is answered.
type answer struct {
	text   string // for an error that has no message of its own
	secret bool   // whatever its message is, the client gets the text
}

// answers are the texts of the codes. Their statuses are those of api/status.
var answers = map[lsapi.Code]answer{
	lsapi.CodeInvalid:         {text: "the request is invalid"},
	lsapi.CodeUnauthenticated: {text: "credentials are missing or wrong"},
	lsapi.CodeDenied:          {text: "the request is not allowed"},
	lsapi.CodeForbidden:       {text: "AWS could not be asked, or refused it", secret: true},
	lsapi.CodeNotFound:        {text: "there is no such load balancer"},
	lsapi.CodeConflict:        {text: "the membership already is as asked"},
	lsapi.CodeInProgress:      {text: "the same request is in progress"},
	lsapi.CodeTooLarge:        {text: "the body is too large"},
	lsapi.CodeKeyReused:       {text: "the idempotency key is that of another request"},
	lsapi.CodeThrottled:       {text: "too much at once; nothing was changed"},
	lsapi.CodeUnavailable:     {text: "the service cannot answer for now; nothing was changed"},
	lsapi.CodeUpstream:        {text: "AWS failed or could not be reached"},
	lsapi.CodeGone:            {text: "it has been removed"},
	lsapi.CodeWaitTimeout:     {text: "the time is up"},
	lsapi.CodeWaitFailed:      {text: "the change was made, and the wait for its effect failed"},
	lsapi.CodeTimeout:         {text: "the deadline passed"},
	lsapi.CodeInternal:        {text: internalText, secret: true},
}

// fail answers with an error. It is the only place that does.
func (s *server) fail(x *exchange, err error) {
	if x.status != 0 { // the response has begun, so it was its writing that failed
		s.undelivered(x, err)
		return
	}
	if e, ok := errors.AsType[*notAllowed](err); ok {
		x.Header().Set("Allow", e.allow)
		s.write(x, lsapi.CodeMethodNotAllowed, e.Error(), nil)
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
	switch err.Code {
	case lsapi.CodeUnauthenticated:
		x.Header().Set("WWW-Authenticate", `Basic realm="lsapi"`)
	case lsapi.CodeThrottled, lsapi.CodeUnavailable, lsapi.CodeInProgress:
		x.Header().Set("Retry-After", retryAfter(err.RetryAfter))
	}
	// Whoever does not wait gets an answer all the same: a client that has only
	// closed its own side of the connection still reads, and must not take the
	// silence for a success.
	x.gone = x.context().Err() != nil
	s.logProblem(x, err)
	s.write(x, err.Code, text, err)
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
	if !x.gone {
		x.status = status.Of(e.Code)
	}
	s.logProblem(x, e)
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
func (s *server) logProblem(x *exchange, err *lsapi.Error) {
	answered, guess := status.Of(err.Code), err.Code == lsapi.CodeThrottled && x.actor.Name == ""
	if answered < 500 || err.Code == lsapi.CodeWaitFailed || x.routine || guess || x.gone && err.Code == lsapi.CodeTimeout {
		return
	}
	level := slog.LevelWarn
	if err.Code == lsapi.CodeForbidden || answered == http.StatusInternalServerError {
		level = slog.LevelError // it stays until somebody acts
	}
	s.log.LogAttrs(x.context(), level, "request failed",
		slog.String("request_id", x.id),
		slog.Int("status", answered),
		slog.String("reason", err.Reason),
		slog.Any("err", err))
}

// write answers with the text of an error. A response like this one is true only
// now: nobody may keep it. The cause may be nil.
func (s *server) write(x *exchange, code lsapi.Code, text string, cause error) {
	x.Header().Set("Cache-Control", "no-store")
	x.Header().Set(status.Header, string(status.Public(code)))
	contentType, value := "application/json", s.envelope.failure(text)
	if s.speaksProblems(x) {
		contentType, value = v1.ContentType, v1.NewProblem(code, text, cause)
	}
	body, err := encode(value)
	if err == nil {
		err = x.send(status.Of(code), contentType, body)
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
