package client_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
)

func memberIn(state string) *apiv1.Member {
	return &apiv1.Member{InstanceID: instance, Member: true, Health: &apiv1.Health{State: state}}
}

func TestAWaitGoesOnInTurnsUntilItIsSo(t *testing.T) {
	notYet := problem(http.StatusRequestTimeout, "not yet", memberIn("OutOfService"))
	s := serve(t, []http.HandlerFunc{notYet, notYet, says(http.StatusOK, memberIn("InService"))}...)
	member, err := s.ask(t).Await(t.Context(), "web-elb", instance, lsapi.WaitInService, client.AwaitOptions{Timeout: patience})
	if err != nil || member.Health == nil || member.Health.State != "InService" || len(s.asked) != 3 {
		t.Errorf("%+v, %v after %d turns", member, err, len(s.asked))
	}
	for _, r := range s.asked {
		if r.URL.Path != "/v1/load-balancers/web-elb/members/"+instance || r.FormValue("wait") != "inService" || r.FormValue("timeout") != "100ms" {
			t.Errorf("asked %s", r.URL)
		}
	}
}

// The client's own round is hastened in tests: these are of one that is not.
func TestNoTurnTakesLongerThanAProxyAllows(t *testing.T) {
	s := serve(t, problem(http.StatusRequestTimeout, "not yet", memberIn("OutOfService")), says(http.StatusOK, memberIn("InService")))
	c, err := client.New(client.Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Await(t.Context(), "web-elb", instance, lsapi.WaitInService, client.AwaitOptions{Timeout: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for i, r := range s.asked {
		if got := r.FormValue("timeout"); got != "50s" {
			t.Errorf("turn %d waits for %s", i, got)
		}
	}
}

// Somebody who looks is told meanwhile, by questions beside the wait: the turns of that
// must not be shorter than what the service takes to find out.
func TestProgressIsAskedForBesideTheWait(t *testing.T) {
	told := make(chan string, 8)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("wait") == "" {
			says(http.StatusOK, memberIn("OutOfService"))(w, r)
			return
		}
		<-told
		says(http.StatusOK, memberIn("InService"))(w, r)
	})
	c, err := client.New(client.Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	member, err := c.Await(t.Context(), "web-elb", instance, lsapi.WaitInService, client.AwaitOptions{
		Timeout: time.Hour, Progress: func(m apiv1.Member) { told <- m.Health.State },
	})
	if err != nil || member.Health == nil || member.Health.State != "InService" {
		t.Errorf("%+v, %v", member, err)
	}
	for _, r := range s.asked {
		if got := r.FormValue("timeout"); r.FormValue("wait") != "" && got != "50s" {
			t.Errorf("a turn waits for %s", got)
		}
	}
}

// An outage counts from its begin, not from the last answer: a turn alone takes as long
// as an outage may.
func TestAWaitBearsAnOutageAfterALongTurn(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(300 * time.Millisecond)
		cut(w, r)
	}, says(http.StatusOK, memberIn("InService")))
	c := s.ask(t)
	c.Hasten(100*time.Millisecond, patience)
	if _, err := c.Await(t.Context(), "web-elb", instance, lsapi.WaitInService, client.AwaitOptions{Timeout: time.Hour}); err != nil {
		t.Error(err)
	}
}

func TestAWaitWhoseTimeIsUpTellsWhatIsLastKnown(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Error(err)
		}
		round, err := time.ParseDuration(query.Get("timeout"))
		if err != nil || round <= 0 {
			t.Errorf("it waits for %s, %v", query.Get("timeout"), err)
		}
		<-time.After(round)
		problem(http.StatusRequestTimeout, "not yet", memberIn("OutOfService"))(w, r)
	})
	member, err := s.ask(t).Await(t.Context(), "web-elb", instance, lsapi.WaitInService, client.AwaitOptions{Timeout: 250 * time.Millisecond})
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Code != lsapi.CodeWaitTimeout || e.Status != 408 || e.Member == nil || e.Member.Health.State != "OutOfService" || e.Message != instance+" is not in service yet" {
		t.Errorf("got %v", err)
	}
	if member.Health == nil || member.Health.State != "OutOfService" {
		t.Errorf("got %+v", member)
	}
}

func TestAWaitEndsWhenItCannotComeAbout(t *testing.T) {
	for status, code := range map[int]lsapi.Code{404: lsapi.CodeNotFound, 409: lsapi.CodeConflict, 401: lsapi.CodeUnauthenticated, 400: lsapi.CodeInvalid} {
		s := serve(t, problem(status, "no", nil))
		if _, err := s.ask(t).Await(t.Context(), "web-elb", instance, lsapi.WaitInService, client.AwaitOptions{Timeout: patience}); client.ErrorCode(err) != code || len(s.requests()) != 1 {
			t.Errorf("%d: %v after %d requests", status, err, len(s.requests()))
		}
	}
}

func TestAWaitOutlastsARestartOfTheService(t *testing.T) {
	s := serve(t, []http.HandlerFunc{
		says(http.StatusRequestTimeout, "a proxy's"), cut, problem(http.StatusServiceUnavailable, "stopping", nil), problem(http.StatusGatewayTimeout, "late", nil), cut,
		says(http.StatusOK, &apiv1.Member{InstanceID: instance}),
	}...)
	if _, err := s.ask(t).Await(t.Context(), "web-elb", instance, lsapi.WaitDrained, client.AwaitOptions{Timeout: patience}); err != nil {
		t.Error(err)
	}
	s = serve(t, problem(http.StatusRequestTimeout, "not yet", memberIn("InService")), cut)
	c := s.ask(t)
	c.Hasten(50*time.Millisecond, patience)
	if member, err := c.Await(t.Context(), "web-elb", instance, lsapi.WaitDrained, client.AwaitOptions{Timeout: time.Hour}); !errors.Is(err, client.ErrUnreachable) || !member.Member {
		t.Errorf("of a service that stays away: %+v, %v", member, err)
	}
	c.Hasten(time.Hour, patience)
	if _, err := c.Await(t.Context(), "web-elb", instance, lsapi.WaitDrained, client.AwaitOptions{Timeout: 50 * time.Millisecond}); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("of one that is away when the time is up: %v", err)
	}
}

// A proxy may drop the query, or answer from a cache.
func TestAwaitRefusesMemberThatIsNotInTheAwaitedState(t *testing.T) {
	draining := &apiv1.Member{InstanceID: instance, Draining: true}
	for name, test := range map[string]struct {
		wish   lsapi.WaitCondition
		member *apiv1.Member
		ok     bool
	}{
		"in service":                    {lsapi.WaitInService, memberIn("InService"), true},
		"out of service":                {lsapi.WaitInService, memberIn("OutOfService"), false},
		"without health":                {lsapi.WaitInService, &apiv1.Member{InstanceID: instance, Member: true}, false},
		"in service, not a member":      {lsapi.WaitInService, &apiv1.Member{InstanceID: instance, Health: &apiv1.Health{State: "InService"}}, false},
		"drained":                       {lsapi.WaitDrained, &apiv1.Member{InstanceID: instance}, true},
		"draining, awaited as drained":  {lsapi.WaitDrained, draining, false},
		"a member, awaited as drained":  {lsapi.WaitDrained, memberIn("InService"), false},
		"draining, awaited as detached": {lsapi.WaitAbsent, draining, true},
		"a member, awaited as detached": {lsapi.WaitAbsent, memberIn("InService"), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, says(http.StatusOK, test.member)).ask(t)
			c.Hasten(10*time.Millisecond, patience)
			_, err := c.Await(t.Context(), "web-elb", instance, test.wish, client.AwaitOptions{Timeout: 50 * time.Millisecond})
			if (err == nil) != test.ok || !test.ok && !errors.Is(err, client.ErrUnreachable) {
				t.Errorf("got %v", err)
			}
		})
	}
}
