package exchange

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"lsapi"
	"lsapi/api/status"
)

// internalText is the text of a defect for the client.
const internalText = "the service failed"

// texts are for errors without a message.
var texts = map[lsapi.Code]string{
	lsapi.CodeInvalid:          "the request is invalid",
	lsapi.CodeUnauthenticated:  "credentials are missing or wrong",
	lsapi.CodeDenied:           "the request is not allowed",
	lsapi.CodeForbidden:        "AWS could not be asked, or refused it",
	lsapi.CodeNotFound:         "there is no such load balancer",
	lsapi.CodeMethodNotAllowed: "the method is not allowed here",
	lsapi.CodeConflict:         "the membership already is as asked",
	lsapi.CodeNotMember:        "there is no such member",
	lsapi.CodeNotChangeable:    "the members of this pool cannot be changed",
	lsapi.CodeInProgress:       "the same request is in progress",
	lsapi.CodeBulkFailed:       "some members were not changed",
	lsapi.CodeBulkSkipped:      "it was not changed, because another member was refused",
	lsapi.CodePrecondition:     "the members are not those of the If-Match version",
	lsapi.CodeSuperseded:       "later changes came after it",
	lsapi.CodeNotUndoable:      "there is nothing to undo",
	lsapi.CodeMinInService:     "too few members would be in service",
	lsapi.CodeMinPerZone:       "too few members would be in service in a zone",
	lsapi.CodeMaxOut:           "too many members would be out at once",
	lsapi.CodeKeepLast:         "no member would be in service",
	lsapi.CodeFreeze:           "the pool is frozen",
	lsapi.CodeHealthUnknown:    "the health of the members cannot be read, and a guard needs it; nothing was changed",
	lsapi.CodeTagsUnknown:      "the tags of the pool cannot be read, and its guards depend on them; nothing was changed",
	lsapi.CodeTooLarge:         "the body is too large",
	lsapi.CodeKeyReused:        "the idempotency key is that of another request",
	lsapi.CodeThrottled:        "too much at once; nothing was changed",
	lsapi.CodeUnavailable:      "the service cannot answer for now; nothing was changed",
	lsapi.CodeUpstream:         "AWS failed or could not be reached",
	lsapi.CodeGone:             "it has been removed",
	lsapi.CodeWaitTimeout:      "the time is up",
	lsapi.CodeWaitFailed:       "the change was made, and the wait for its effect failed",
	lsapi.CodeTimeout:          "the deadline passed",
	lsapi.CodeInternal:         internalText,
}

// Text returns what the client may read of an error: its message, unless that is
// missing or internal.
func Text(err *lsapi.Error) string {
	text, known := texts[err.Code]
	if !known {
		return internalText
	}
	if err.Message == "" || err.Code == lsapi.CodeForbidden || err.Code == lsapi.CodeInternal {
		return text
	}
	return err.Message
}

// Coded returns the coded error in err's chain. A context's error without a code is
// CodeTimeout.
func Coded(err error) *lsapi.Error {
	e := lsapi.AsError(err)
	if e.Code == lsapi.CodeInternal && (errors.Is(e, context.DeadlineExceeded) || errors.Is(e, context.Canceled)) {
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: e}
	}
	return e
}

// fail answers with an error.
func (x *Exchange) fail(err error) {
	if x.status != 0 { // the response has begun: writing it failed
		x.undelivered(err)
		return
	}
	e := Coded(err)
	switch e.Code {
	case lsapi.CodeUnauthenticated:
		x.Header().Set("WWW-Authenticate", `Basic realm="lsapi"`)
	case lsapi.CodeThrottled, lsapi.CodeUnavailable, lsapi.CodeInProgress, lsapi.CodeHealthUnknown, lsapi.CodeTagsUnknown:
		x.Header().Set("Retry-After", strconv.FormatInt(max(1, wholeSeconds(e.RetryAfter)), 10))
	}
	// A client that has left gets an answer too: it may have closed only its own side of
	// the connection, and must not take silence for success.
	x.gone = x.Context().Err() != nil
	x.abandoned = x.gone && e.Code == lsapi.CodeTimeout
	x.LogFailure(e)
	x.writeError(e.Code, Text(e), e)
}

// writeError is the only writer of errors. Caches must not keep them. The cause may be
// nil.
func (x *Exchange) writeError(code lsapi.Code, text string, cause error) {
	x.Header().Set("Cache-Control", "no-store")
	x.Header().Set(status.Header, string(status.Public(code)))
	contentType, body := x.settings.FormatError(x.Request.URL.Path, code, text, cause)
	if err := x.sendAs(status.Of(code), contentType, body); err != nil {
		x.undelivered(err)
	}
}

// Abort cuts off a response that cannot be finished, so that the client does not take it
// for complete. The log and the metrics have the error's status. It does not return.
func (x *Exchange) Abort(err error) {
	e := Coded(err)
	x.gone = x.Context().Err() != nil
	if !x.gone {
		x.status = int32(status.Of(e.Code)) //nolint:gosec // three digits
	}
	x.LogFailure(e)
	panic(http.ErrAbortHandler)
}

// LogFailure logs a failure of the service or of AWS. Other errors are in the access log
// alone: those of the client, requests that it gave up, probes, and throttled guesses at
// passwords, so that unauthenticated requests log one line each.
func (x *Exchange) LogFailure(err *lsapi.Error) {
	answered, guess := status.Of(err.Code), err.Code == lsapi.CodeThrottled && x.Actor.Name == ""
	if answered < 500 || err.Code == lsapi.CodeWaitFailed || x.Routine || guess || x.gone && err.Code == lsapi.CodeTimeout {
		return
	}
	level := slog.LevelWarn
	if err.Code == lsapi.CodeForbidden || status.Public(err.Code) == lsapi.CodeInternal {
		level = slog.LevelError // does not pass by itself
	}
	x.settings.Log.LogAttrs(x.Context(), level, "request failed",
		slog.String("request_id", x.ID),
		slog.Int("status", answered),
		slog.String("reason", err.Reason),
		slog.Any("err", err))
}

// undelivered logs that the client left before the response was written.
func (x *Exchange) undelivered(err error) {
	x.gone = true
	x.settings.Log.LogAttrs(x.Context(), slog.LevelDebug, "response not delivered",
		slog.String("request_id", x.ID), slog.Any("err", err))
}

// wholeSeconds rounds up, and a negative duration to 0.
func wholeSeconds(d time.Duration) int64 {
	return int64((max(0, d) + time.Second - 1) / time.Second)
}
