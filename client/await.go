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

// AwaitOptions say how long to wait and whom to tell.
type AwaitOptions struct {
	// Timeout is how long at most; it must be positive.
	Timeout time.Duration
	// Progress is told every few seconds what the instance is, by another goroutine, for
	// which Await waits. Nil is nobody.
	Progress func(apiv1.Member)
}

// Await waits until an instance is what is wished of it, and returns what it then
// is. It asks in turns of less than a minute, whatever the timeout, and goes on
// when the service is away for a while.
//
// Errors: CodeWaitTimeout with what is last known, when the time is up; CodeNotFound when
// it cannot come about because the instance is no member or its load balancer is
// gone; CodeConflict because it is terminated.
func (c *Client) Await(ctx context.Context, loadBalancer, instanceID string, wish lsapi.WaitCondition, o AwaitOptions) (apiv1.Member, error) {
	w := &wait{
		client: c, path: memberPath(loadBalancer, instanceID), instanceID: instanceID, wish: wish, until: time.Now().Add(o.Timeout),
	}
	if o.Progress != nil {
		defer c.tell(ctx, loadBalancer, instanceID, o.Progress)()
	}
	for {
		member, err := w.turn(ctx)
		switch {
		case err == nil:
			return member, nil
		case ErrorCode(err) == lsapi.CodeWaitTimeout:
			w.note(err)
		case !passing(err) || w.failures > 0 && time.Since(w.failed) > c.outage:
			return w.last(), err
		default:
			if w.failures++; w.failures == 1 {
				w.failed = time.Now()
			}
			if stopped := c.pauseFor(ctx, w.failures, advice(err)); stopped != nil {
				return w.last(), stopped
			}
		}
		if !time.Now().Before(w.until) {
			return w.last(), w.timedOut(err, instanceID)
		}
	}
}

// wait is a wait that is under way.
type wait struct {
	client     *Client
	path       []string
	instanceID string
	wish       lsapi.WaitCondition
	until      time.Time
	failures   int           // since the service last answered
	failed     time.Time     // when it first did not since then
	member     *apiv1.Member // the last that is known
}

// turn waits by one request.
func (w *wait) turn(ctx context.Context) (apiv1.Member, error) {
	round := max(min(w.client.round, time.Until(w.until)), minRound).Round(time.Millisecond)
	ctx, cancel := context.WithTimeout(ctx, round+roundGrace)
	defer cancel()
	var member apiv1.Member
	query := url.Values{"wait": {string(w.wish)}, "timeout": {round.String()}}
	fits := func() bool { return member.InstanceID == w.instanceID && w.shows(&member) }
	_, err := w.client.ask(ctx, call{method: http.MethodGet, path: w.path, query: query, fits: fits}, &member)
	return member, err
}

// shows reports whether a member is what is waited for. Something in front of the
// service that drops the query of a request gets the member as it is now.
func (w *wait) shows(m *apiv1.Member) bool {
	if w.wish == lsapi.WaitInService {
		return m.Member && !m.Draining && m.Health != nil && m.Health.State == string(lsapi.InService)
	}
	return !m.Member && (w.wish == lsapi.WaitAbsent || !m.Draining)
}

// note takes in that it is not yet so.
func (w *wait) note(err error) {
	w.failures = 0
	if e, ok := errors.AsType[*Error](err); ok && e.Member != nil {
		w.member = e.Member
	}
}

// tell tells what an instance is, now and then, until it is stopped. It asks beside
// the wait, whose turns must be longer than the service takes to find out.
func (c *Client) tell(ctx context.Context, loadBalancer, instanceID string, progress func(apiv1.Member)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() {
		for tick := time.NewTicker(progressEvery); ; {
			if member, err := c.Member(ctx, loadBalancer, instanceID); err == nil {
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
	return func() { cancel(); telling.Wait() }
}

func (w *wait) last() apiv1.Member {
	if w.member == nil {
		return apiv1.Member{}
	}
	return *w.member
}

// timedOut is the error of a wait whose time is up. One during which the service
// was away at the end says so.
func (w *wait) timedOut(err error, instanceID string) error {
	if ErrorCode(err) != lsapi.CodeWaitTimeout {
		return fmt.Errorf("the time to wait is up, and at its end %w", err)
	}
	e := &Error{
		Status: http.StatusRequestTimeout, Code: lsapi.CodeWaitTimeout, Member: w.member,
		Message: fmt.Sprintf("%s is not %s yet", instanceID, wishes[w.wish]),
	}
	if told, ok := errors.AsType[*Error](err); ok {
		e.RequestID = told.RequestID
	}
	return e
}

// wishes are what is waited for, in words.
var wishes = map[lsapi.WaitCondition]string{
	lsapi.WaitInService: "in service",
	lsapi.WaitDrained:   "drained",
	lsapi.WaitAbsent:    "detached",
}
