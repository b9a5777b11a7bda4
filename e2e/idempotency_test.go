package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const (
	register   = "RegisterInstancesWithLoadBalancer"
	deregister = "DeregisterInstancesFromLoadBalancer"

	registerTargets   = "RegisterTargets"
	deregisterTargets = "DeregisterTargets"
)

// attachOnce attaches an instance to default-elb with an idempotency key.
func (c client) attachOnce(key, instance string) response {
	c.t.Helper()
	return c.send(http.MethodPost, "/elb/default-elb", machineID(instance), "Idempotency-Key: "+key)
}

func TestRepeatedKeyReturnsFirstOutcome(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		first := s.attachOnce("k1", spare)
		again := s.attachOnce("k1", spare)
		if first.status != http.StatusCreated || again.status != first.status || again.body != first.body || again.changeID(t) != first.changeID(t) {
			t.Errorf("first %d %s, then %d %s", first.status, first.body, again.status, again.body)
		}
		if calls := a.calls()[register]; calls != 1 || len(s.changes("")) != 1 {
			t.Errorf("AWS got %d calls, and on record is %+v", calls, s.changes(""))
		}

		conflict := s.attachOnce("k2", spare)
		s.detach("default-elb", spare)
		if again := s.attachOnce("k2", spare); conflict.status != http.StatusConflict || again.status != http.StatusConflict || again.changeID(t) != conflict.changeID(t) {
			t.Errorf("a conflict was answered with %d, then %d %s", conflict.status, again.status, again.body)
		}

		if other := s.attachOnce("k1", otherSpare); other.status != http.StatusUnprocessableEntity {
			t.Errorf("another body: %d %s", other.status, other.body)
		}
		elsewhere := s.send(http.MethodPost, "/elb/web-elb", machineID(otherSpare), "Idempotency-Key: k1")
		if elsewhere.status != http.StatusCreated {
			t.Errorf("the key on another path: %d %s", elsewhere.status, elsewhere.body)
		}
	})
}

func TestKeyIsFreeAfterRefusalBeforeIntent(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		if refused := s.attachOnce("k1", stopped); refused.status != http.StatusBadRequest {
			t.Fatalf("it is %d: %s", refused.status, refused.body)
		}
		if answer := s.attachOnce("k1", spare); answer.status != http.StatusCreated {
			t.Errorf("it is %d: %s", answer.status, answer.body)
		}
	})
}

func TestKeyOfPendingRequestReturns409WithRetryAfter(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		a.fault(t, `{"action":"`+register+`","kind":"timeout","count":1,"after":true,"delay":"2s"}`)
		first := make(chan response, 1)
		go func() {
			// An aborted request has status 0.
			answer, _ := s.try(http.MethodPost, "/elb/default-elb", machineID(spare), "Idempotency-Key: k1")
			first <- answer
		}()
		eventually(t, "AWS is called", func() bool { return a.calls()[register] == 1 })
		if open := s.attachOnce("k1", spare); open.status != http.StatusConflict || open.header.Get("Retry-After") == "" {
			t.Errorf("meanwhile it is %d, Retry-After %q: %s", open.status, open.header.Get("Retry-After"), open.body)
		}
		answer := <-first
		if again := s.attachOnce("k1", spare); answer.status != http.StatusCreated || again.status != http.StatusCreated || again.changeID(t) != answer.changeID(t) {
			t.Errorf("the first is %d %s, the last %d %s", answer.status, answer.body, again.status, again.body)
		}
		if calls := a.calls()[register]; calls != 1 {
			t.Errorf("AWS got %d calls", calls)
		}
	})
}

func TestKeyReturnsFinalOutcomeAfter504(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store), with("REQUEST_TIMEOUT=500ms"))
		a.fault(t, `{"action":"`+register+`","kind":"timeout","count":1,"after":true,"delay":"2s"}`)
		first := s.attachOnce("k1", spare)
		if first.status != http.StatusGatewayTimeout {
			t.Fatalf("it is %d: %s", first.status, first.body)
		}
		s.settled(first.changeID(t)).is(t, "applied", "")
		again := s.attachOnce("k1", spare)
		if again.status != http.StatusCreated || again.changeID(t) != first.changeID(t) || !strings.Contains(again.body, spare) {
			t.Errorf("then it is %d: %s", again.status, again.body)
		}
		if calls := a.calls()[register]; calls != 1 {
			t.Errorf("AWS got %d calls", calls)
		}
	})
}

func TestKeysSurviveRestart(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*service){
		"that was asked for": func(s *service) { s.stop() },
		"by force":           func(s *service) { s.kill() },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, store string) {
				a, s := startBoth(t, at(store))
				first := s.attachOnce("k1", spare)
				end(s)
				s = startService(t, a.base, at(store))
				again := s.attachOnce("k1", spare)
				if again.status != http.StatusCreated || again.body != first.body || again.changeID(t) != first.changeID(t) {
					t.Errorf("first %d %s, then %d %s", first.status, first.body, again.status, again.body)
				}
				if other := s.attachOnce("k1", otherSpare); other.status != http.StatusUnprocessableEntity {
					t.Errorf("another body: %d %s", other.status, other.body)
				}
				if calls := a.calls()[register]; calls != 1 {
					t.Errorf("AWS got %d calls", calls)
				}
			})
		})
	}
}
