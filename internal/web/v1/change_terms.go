package v1

import (
	"strings"
	"time"

	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

// ChangeTerms are the parameters of all writes. It is exported for huma, which skips other
// embedded structs.
type ChangeTerms struct {
	DryRun       string `query:"dryRun" enum:"true,false" doc:"Answer what the request would do and what would refuse it. Nothing is sent to AWS, nothing is recorded. Idempotency-Key, wait and Prefer have no effect"`
	MinInService int    `query:"minInService" minimum:"1" doc:"A guard of the request's own, beside those of the pool: detaches that would leave fewer members in service are refused, with the code guard.min_in_service. X-Override-Guard does not override it"`
	Wait         string `query:"wait" enum:"true,false" doc:"Answer when the changes have their effect: attached members are in service, detached ones are drained. With Accept: text/event-stream the answer is a stream of server-sent events: progress with each state of a member, and then result or problem. Else load balancers and proxies on the way must keep a silent connection open for the timeout"`
	Timeout      string `query:"timeout" default:"60s" doc:"The longest wait: a duration above 0 and at most 1h, such as 90s or 5m. Without wait=true, any value but the default is an error"`
	IfMatch      string `header:"If-Match" doc:"Make the changes only if the members are one of these sets: the ETag of a list of members, several with commas between them, or * for any. They are compared when the request is decided, on a fresh read. A weak tag never matches"`
	Override     string `header:"X-Override-Guard" doc:"Make the changes even if guards of the pool refuse them: why, for the record, 1 to 256 characters as in X-Reason. It takes the right to override"`
	Prefer       string `header:"Prefer" doc:"With respond-async, a request with wait=true is answered 202 once the changes were made, in place of the wait. It precedes Accept: text/event-stream"`
	Reason       string `header:"X-Reason" doc:"Why, for the record: at most 256 characters. Text beyond ASCII is UTF-8, or encoded by RFC 8187"`
	Key          string `header:"Idempotency-Key" doc:"A key of 1 to 128 visible ASCII characters. The request is carried out once: the same request with the same key gets the outcome of the first one for 24 hours. A refusal by a guard, or a failure that certainly changed nothing, frees the key"`
}

// writing is a request for changes that was read.
type writing struct {
	change.Terms
	// async answers in place of the wait, and progress, if it is not nil, reports the wait.
	async    bool
	progress *progress
}

// readTerms returns the terms of a request, and adds what is wrong with them.
func (a *API) readTerms(x *exchange.Exchange, q *ChangeTerms, wrong *[]apiv1.Detail) *writing {
	w := &writing{}
	headers, mistakes := change.ReadHeaders(x)
	for _, m := range mistakes {
		*wrong = append(*wrong, apiv1.Detail{Location: "header." + m.Header, Message: afterName(m.Text, m.Header)})
	}
	ifMatch, err := x.IfMatch()
	if err != nil {
		*wrong = append(*wrong, apiv1.Detail{Location: "header.If-Match", Message: afterName(exchange.Coded(err).Message, "If-Match")})
	}
	timeout, mistake := exchange.ParseTimeout(q.Timeout, q.Wait == "true", "wait=true")
	if mistake != "" {
		*wrong = append(*wrong, apiv1.Detail{Location: "query.timeout", Message: mistake})
	}
	w.Terms = change.Terms{Headers: headers, IfMatch: ifMatch, MinInService: q.MinInService, DryRun: q.DryRun == "true"}
	if !w.DryRun {
		a.readWait(x, w, timeout)
	}
	return w
}

// readWait sets how the request waits, if it does.
func (a *API) readWait(x *exchange.Exchange, w *writing, timeout time.Duration) {
	switch {
	case timeout == 0:
	case exchange.PrefersAsync(x.Request.Header):
		w.async = true
	case exchange.Prefers(x.Request.Header["Accept"], exchange.TypeEvents, exchange.TypeJSON):
		w.progress = newProgress(x, a.LongRequests)
		w.Wait = change.Wait{Timeout: timeout, Progress: w.progress}
	default:
		w.Wait = change.Wait{Timeout: timeout}
	}
}

// afterName returns a text about a header without its name, which the location has.
func afterName(text, header string) string { return strings.TrimPrefix(text, header+" ") }

// refuseBody adds a mistake if a request has a body that takes none. net/http detects that a
// client leaves only after the body.
func refuseBody(x *exchange.Exchange, wrong *[]apiv1.Detail) {
	if x.Request.ContentLength != 0 {
		*wrong = append(*wrong, apiv1.Detail{Location: "body", Message: "the request takes no body; a reason is in the header X-Reason"})
	}
}
