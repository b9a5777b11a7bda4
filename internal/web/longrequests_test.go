package web_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"lsapi"
	"lsapi/internal/events"
	"lsapi/internal/web"
	v1 "lsapi/internal/web/v1"
)

// named accepts any user without a check.
type named struct{}

func (named) Authenticate(_ context.Context, value, _ string) (lsapi.Actor, error) {
	user, _, _ := (&http.Request{Header: http.Header{"Authorization": {value}}}).BasicAuth()
	return lsapi.Actor{Name: user}, nil
}

func (named) Revalidate(string) error { return nil }

// net/http detects that a client leaves only after its body is read.
func TestWaitRefusesBody(t *testing.T) {
	w := newWaitable()
	got := record(w.handler, "GET", "/v1/pools/elb/default-elb/members/"+running+"?wait=drained&timeout=1h", "body")
	if got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "no body") {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
}

func TestLongRequestsAreBoundedPerUser(t *testing.T) {
	hub := events.New(events.Options{Record: newStory(), Encode: v1.EncodeEvent})
	var waiting atomic.Int64
	w := newWaitable()
	w.fleet.await = func(ctx context.Context, _ lsapi.PoolID, _ lsapi.MemberID, _ lsapi.WaitCondition) (lsapi.MemberDetail, error) {
		waiting.Add(1)
		defer waiting.Add(-1)
		<-ctx.Done()
		return lsapi.MemberDetail{}, &lsapi.Error{Code: lsapi.CodeWaitTimeout}
	}
	server := serve(t, handlerOf(web.Options{
		Membership: w.members, Authenticator: named{}, Record: w.record, Fleet: w.fleet, Events: hub, Exists: exists,
		MaxLongRequests: 8,
	}))
	const wait, events = "/v1/pools/elb/default-elb/members/" + running + "?wait=drained&timeout=1h", "/v1/events"
	type answered struct {
		status     int
		retryAfter string
		body       string // of a refusal
	}
	ask := func(ctx context.Context, user, method, path, body string) answered {
		r, err := http.NewRequestWithContext(ctx, method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return answered{}
		}
		r.SetBasicAuth(user, "secret")
		answer, err := server.Client().Transport.RoundTrip(r)
		if err != nil {
			return answered{} // the test is over
		}
		t.Cleanup(func() { answer.Body.Close() })
		got := answered{status: answer.StatusCode, retryAfter: answer.Header.Get("Retry-After")}
		if got.status == http.StatusServiceUnavailable {
			got.body = read(t, answer).body
		}
		return got
	}
	refused := func(user, why string) {
		t.Helper()
		for _, q := range []struct{ method, path, body string }{
			{"GET", events, ""}, {"GET", wait, ""}, {"POST", "/elb/default-elb?wait=true", machineID(spare)},
		} {
			answer := ask(t.Context(), user, q.method, q.path, q.body)
			if answer.status != http.StatusServiceUnavailable || !strings.Contains(answer.body, why) || answer.retryAfter == "" {
				t.Errorf("%s %s of %s is %+v", q.method, q.path, user, answer)
			}
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for range 3 {
		go ask(ctx, "alice", "GET", wait, "")
		if answer := ask(ctx, "alice", "GET", events, ""); answer.status != http.StatusOK {
			t.Fatalf("a stream is %d", answer.status)
		}
	}
	awaitCondition(t, func() bool { return waiting.Load() == 3 })
	refused("alice", "of this user")
	for range 2 {
		if answer := ask(ctx, "bob", "GET", events, ""); answer.status != http.StatusOK {
			t.Fatalf("a stream of another is %d", answer.status)
		}
	}
	refused("carol", "too many requests wait or watch")
	if len(w.members.requests) > 0 {
		t.Error("a change was made that was refused")
	}
	if answer := ask(t.Context(), "alice", "GET", "/elb/default-elb", ""); answer.status != http.StatusOK {
		t.Errorf("meanwhile a list is %d", answer.status)
	}
	leave()
	awaitCondition(t, func() bool { return waiting.Load() == 0 && hub.Stats().Streams == 0 })
	if answer := ask(t.Context(), "alice", "HEAD", events, ""); answer.status != http.StatusOK {
		t.Errorf("when they have left, a stream is %d", answer.status)
	}
	if err := hub.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
