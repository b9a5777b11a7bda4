package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// AwaitOptions bound a wait and report its progress.
type AwaitOptions struct {
	// Timeout bounds the wait; it must be positive.
	Timeout time.Duration
	// Progress, if set, is called every few seconds with the current state, from
	// another goroutine. Await returns after its last call has returned.
	Progress func(apiv1.Member)
}

// Await waits until a member meets a condition, and returns its state then. Each
// request waits for less than a minute, whatever the timeout. Outages of the service of
// up to a minute do not end the wait.
//
// Errors: CodeWaitTimeout with the last known state; CodeNotFound when it is not a member
// or the pool does not exist; CodeConflict when the instance is terminated.
func (c *Client) Await(ctx context.Context, pool lsapi.PoolID, id lsapi.MemberID, condition lsapi.WaitCondition, o AwaitOptions) (apiv1.Member, error) {
	w := &wait{client: c, path: memberPath(pool, id), id: id, condition: condition, deadline: time.Now().Add(o.Timeout)}
	if o.Progress != nil {
		defer c.reportProgress(ctx, pool, id, o.Progress)()
	}
	for {
		member, err := w.request(ctx)
		if err == nil {
			return member, nil
		}
		if e, ok := errors.AsType[*Error](err); ok && e.Code == lsapi.CodeWaitTimeout {
			w.outage = outage{}
			if e.Member != nil {
				w.member = e.Member
			}
		} else if failed := c.retry(ctx, &w.outage, err); failed != nil {
			return w.last(), failed
		}
		if !time.Now().Before(w.deadline) {
			return w.last(), w.timedOut(err)
		}
	}
}

// wait is one call of Await.
type wait struct {
	client    *Client
	path      []string
	id        lsapi.MemberID
	condition lsapi.WaitCondition
	deadline  time.Time
	outage    outage
	member    *apiv1.Member // last known state
}

// request sends one request, which waits.
func (w *wait) request(ctx context.Context) (apiv1.Member, error) {
	timeout := max(min(w.client.limits.wait, time.Until(w.deadline)), minWait).Round(time.Millisecond)
	ctx, cancel := context.WithTimeout(ctx, timeout+waitGrace)
	defer cancel()
	var member apiv1.Member
	query := url.Values{"wait": {string(w.condition)}, "timeout": {timeout.String()}}
	matches := func() bool { return isMember(member.Member, w.id) && w.isMet(&member) }
	_, err := w.client.do(ctx, request{method: http.MethodGet, path: w.path, query: query, matches: matches}, &member)
	return member, err
}

// isMet reports whether a member meets the condition. A proxy that drops the query gets
// the current state in response.
func (w *wait) isMet(m *apiv1.Member) bool {
	if w.condition == lsapi.WaitInService {
		return m.Attached && !m.Draining && m.Health != nil && m.Health.State == string(lsapi.InService)
	}
	return !m.Attached && (w.condition == lsapi.WaitAbsent || !m.Draining)
}

// reportProgress reads a member every few seconds and reports it, until stop is
// called. Its requests run beside the wait, so that the wait's own can be long.
func (c *Client) reportProgress(ctx context.Context, pool lsapi.PoolID, id lsapi.MemberID, progress func(apiv1.Member)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var reporting sync.WaitGroup
	reporting.Go(func() {
		for tick := time.NewTicker(progressInterval); ; {
			if member, err := c.Member(ctx, pool, id); err == nil {
				progress(member)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	})
	return func() { cancel(); reporting.Wait() }
}

func (w *wait) last() apiv1.Member {
	if w.member == nil {
		return apiv1.Member{}
	}
	return *w.member
}

// timedOut returns the error of a wait after its deadline, given that of its last
// request.
func (w *wait) timedOut(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != lsapi.CodeWaitTimeout {
		return fmt.Errorf("the wait timed out, and its last request failed: %w", err)
	}
	return &Error{
		Status: e.Status, Code: e.Code, RequestID: e.RequestID, Member: w.member,
		Message: fmt.Sprintf("%s is not %s yet", w.id, conditionTexts[w.condition]),
	}
}

var conditionTexts = map[lsapi.WaitCondition]string{
	lsapi.WaitInService: "in service",
	lsapi.WaitDrained:   "drained",
	lsapi.WaitAbsent:    "detached",
}
