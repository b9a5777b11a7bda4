package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
)

func memberIn(state string) *apiv1.Member {
	return &apiv1.Member{Member: instance, Attached: true, Health: &apiv1.Health{State: state}}
}

func TestAwaitRepeatsRequestUntilConditionIsMet(t *testing.T) {
	notYet := problem(http.StatusRequestTimeout, "not yet", memberIn("OutOfService"))
	s := serve(t, []http.HandlerFunc{notYet, notYet, respond(http.StatusOK, memberIn("InService"))}...)
	member, err := s.client(t).Await(t.Context(), webELB, webMember, lsapi.WaitInService, client.AwaitOptions{Timeout: testTimeout})
	if err != nil || member.Health == nil || member.Health.State != "InService" || len(s.received) != 3 {
		t.Errorf("%+v, %v after %d requests", member, err, len(s.received))
	}
	for _, r := range s.received {
		if r.URL.Path != "/v1/pools/elb/web-elb/members/"+instance || r.FormValue("wait") != "inService" || r.FormValue("timeout") != "100ms" {
			t.Errorf("received %s", r.URL)
		}
	}
}

// With the default limits.
func TestAwaitRequestIsShorterThanProxyTimeouts(t *testing.T) {
	s := serve(t, problem(http.StatusRequestTimeout, "not yet", memberIn("OutOfService")), respond(http.StatusOK, memberIn("InService")))
	c, err := client.New(client.Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Await(t.Context(), webELB, webMember, lsapi.WaitInService, client.AwaitOptions{Timeout: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for i, r := range s.received {
		if got := r.FormValue("timeout"); got != "50s" {
			t.Errorf("request %d waits for %s", i, got)
		}
	}
}

// Progress must not shorten the requests of the wait.
func TestProgressIsReadBesideTheWait(t *testing.T) {
	reported := make(chan string, 8)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("wait") == "" {
			respond(http.StatusOK, memberIn("OutOfService"))(w, r)
			return
		}
		<-reported
		respond(http.StatusOK, memberIn("InService"))(w, r)
	})
	c, err := client.New(client.Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	member, err := c.Await(t.Context(), webELB, webMember, lsapi.WaitInService, client.AwaitOptions{
		Timeout: time.Hour, Progress: func(m apiv1.Member) { reported <- m.Health.State },
	})
	if err != nil || member.Health == nil || member.Health.State != "InService" {
		t.Errorf("%+v, %v", member, err)
	}
	for _, r := range s.received {
		if got := r.FormValue("timeout"); r.FormValue("wait") != "" && got != "50s" {
			t.Errorf("a request waits for %s", got)
		}
	}
}

// An outage starts at its first failure, which may come at the end of a long request.
func TestAwaitRetriesAfterLongRequestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := client.New(client.Options{URL: "http://127.0.0.1", Transport: &transport{responses: []func() (*http.Response, error){
			func() (*http.Response, error) {
				time.Sleep(64 * time.Second) // longer than an outage may last
				return nil, io.ErrUnexpectedEOF
			},
			recorded(respond(http.StatusOK, memberIn("InService"))), //nolint:bodyclose // the client closes it
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Await(t.Context(), webELB, webMember, lsapi.WaitInService, client.AwaitOptions{Timeout: time.Hour}); err != nil {
			t.Error(err)
		}
	})
}

func TestTimedOutAwaitReturnsLastKnownState(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Error(err)
		}
		timeout, err := time.ParseDuration(query.Get("timeout"))
		if err != nil || timeout <= 0 {
			t.Errorf("timeout=%s, %v", query.Get("timeout"), err)
		}
		<-time.After(timeout)
		problem(http.StatusRequestTimeout, "not yet", memberIn("OutOfService"))(w, r)
	})
	member, err := s.client(t).Await(t.Context(), webELB, webMember, lsapi.WaitInService, client.AwaitOptions{Timeout: 250 * time.Millisecond})
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Code != lsapi.CodeWaitTimeout || e.Status != 408 || e.Member == nil || e.Member.Health.State != "OutOfService" || e.Message != instance+" is not in service yet" {
		t.Errorf("got %v", err)
	}
	if member.Health == nil || member.Health.State != "OutOfService" {
		t.Errorf("got %+v", member)
	}
}

func TestAwaitEndsWhenConditionIsImpossible(t *testing.T) {
	for status, code := range map[int]lsapi.Code{404: lsapi.CodeNotFound, 409: lsapi.CodeConflict, 401: lsapi.CodeUnauthenticated, 400: lsapi.CodeInvalid} {
		s := serve(t, problem(status, "no", nil))
		if _, err := s.client(t).Await(t.Context(), webELB, webMember, lsapi.WaitInService, client.AwaitOptions{Timeout: testTimeout}); client.ErrorCode(err) != code || len(s.requests()) != 1 {
			t.Errorf("%d: %v after %d requests", status, err, len(s.requests()))
		}
	}
}

func TestAwaitSurvivesRestartOfTheService(t *testing.T) {
	s := serve(t, []http.HandlerFunc{
		respond(http.StatusRequestTimeout, "a proxy's"), abort, problem(http.StatusServiceUnavailable, "stopping", nil), problem(http.StatusGatewayTimeout, "late", nil), abort,
		respond(http.StatusOK, &apiv1.Member{Member: instance}),
	}...)
	if _, err := s.client(t).Await(t.Context(), webELB, webMember, lsapi.WaitDrained, client.AwaitOptions{Timeout: testTimeout}); err != nil {
		t.Error(err)
	}
	s = serve(t, problem(http.StatusRequestTimeout, "not yet", memberIn("InService")), abort)
	c := s.client(t)
	c.Shorten(50*time.Millisecond, testTimeout)
	if member, err := c.Await(t.Context(), webELB, webMember, lsapi.WaitDrained, client.AwaitOptions{Timeout: time.Hour}); !errors.Is(err, client.ErrUnreachable) || !member.Attached {
		t.Errorf("with a service that stays away: %+v, %v", member, err)
	}
	c.Shorten(time.Hour, testTimeout)
	if _, err := c.Await(t.Context(), webELB, webMember, lsapi.WaitDrained, client.AwaitOptions{Timeout: 50 * time.Millisecond}); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("with a service that is away at the timeout: %v", err)
	}
}

// A proxy may drop the query, or respond from a cache.
func TestAwaitRefusesMemberThatIsNotInTheAwaitedState(t *testing.T) {
	draining := &apiv1.Member{Member: instance, Draining: true}
	for name, test := range map[string]struct {
		condition lsapi.WaitCondition
		member    *apiv1.Member
		ok        bool
	}{
		"in service":                    {lsapi.WaitInService, memberIn("InService"), true},
		"out of service":                {lsapi.WaitInService, memberIn("OutOfService"), false},
		"without health":                {lsapi.WaitInService, &apiv1.Member{Member: instance, Attached: true}, false},
		"in service, not a member":      {lsapi.WaitInService, &apiv1.Member{Member: instance, Health: &apiv1.Health{State: "InService"}}, false},
		"drained":                       {lsapi.WaitDrained, &apiv1.Member{Member: instance}, true},
		"draining, awaited as drained":  {lsapi.WaitDrained, draining, false},
		"a member, awaited as drained":  {lsapi.WaitDrained, memberIn("InService"), false},
		"draining, awaited as detached": {lsapi.WaitAbsent, draining, true},
		"a member, awaited as detached": {lsapi.WaitAbsent, memberIn("InService"), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, respond(http.StatusOK, test.member)).client(t)
			c.Shorten(10*time.Millisecond, testTimeout)
			_, err := c.Await(t.Context(), webELB, webMember, test.condition, client.AwaitOptions{Timeout: 50 * time.Millisecond})
			if (err == nil) != test.ok || !test.ok && !errors.Is(err, client.ErrUnreachable) {
				t.Errorf("got %v", err)
			}
		})
	}
}
