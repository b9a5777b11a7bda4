package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// unanswered sends an attach of spare to default-elb that gets no response from AWS, and
// returns its change once AWS has been called.
func unanswered(t *testing.T, a aws, s *service, fault string) change {
	t.Helper()
	a.fault(t, `{"action":"`+register+`","kind":"timeout","count":1,`+fault+`}`)
	before := a.calls()[register]
	go func() {
		// The connection is lost with the service.
		_, _ = s.try(http.MethodPost, "/elb/default-elb", machineID(spare), "Idempotency-Key: k1")
	}()
	eventually(t, "AWS is called", func() bool { return a.calls()[register] > before })
	open := s.changes("outcome=open")
	if len(open) != 1 {
		t.Fatalf("AWS was called, but open on record is %+v", open)
	}
	return open[0]
}

func TestAppliedChangeIsInferredAfterCrash(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		c := unanswered(t, a, s, `"after":true`)
		s.kill()
		s = startService(t, a.base, at(store))
		s.settled(c.ID).is(t, "applied", "inferred")
		if again := s.attachOnce("k1", spare); again.status != http.StatusCreated || again.changeID(t) != c.ID {
			t.Errorf("a retry returns %d %s", again.status, again.body)
		}
		if outside := s.membersAt("elb/default-elb", time.Now()); !slices.Contains(outside.ids(), spare) || a.calls()[register] != 1 {
			t.Errorf("AWS was called %v, the members are %v", a.calls(), outside)
		}
		verify(t, store)
	})
}

// settledAfter is the time after which a call's effect must show: two call timeouts and
// the overlay window, as in internal/membership.
const settledAfter = 30 * time.Second

// A call of a crashed process may still be in flight until its deadline has passed.
func TestLostChangeFailsAfterCrashOnceItsCallExpired(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		before := checkpointAfter(t, s, store)
		c := unanswered(t, a, s, `"delay":"1h"`)
		s.kill()
		s = startService(t, a.base, at(store))

		// Meanwhile other changes succeed, and the instance stays unchanged.
		if other := s.attach("default-elb", spareOfOld); other.status != http.StatusCreated {
			t.Errorf("another is %d: %s", other.status, other.body)
		}
		if again := s.attachOnce("k1", spare); again.status != http.StatusConflict || again.header.Get("Retry-After") == "" {
			t.Errorf("a retry returns %d %s", again.status, again.body)
		}
		c = s.settledWithin(c.ID, settledAfter+testTimeout)
		c.is(t, "failed", "inferred")
		if took := c.CompletedAt.Sub(c.IntendedAt); took < settledAfter || took > settledAfter+testTimeout {
			t.Errorf("it was settled after %v", took)
		}
		if calls := a.calls()[register]; calls != 3 || slices.Contains(a.members("default-elb"), spare) {
			t.Errorf("AWS got %d calls, and has %v", calls, a.members("default-elb"))
		}
		if outside := s.changes("actor=" + user + "&outcome=open"); len(outside) != 0 {
			t.Errorf("still open is %+v", outside)
		}
		verify(t, store, before)
	})
}

// checkpointAfter makes a change and takes a checkpoint.
func checkpointAfter(t *testing.T, s *service, store string) (file string) {
	t.Helper()
	if answer := s.attach("web-elb", otherSpare); answer.status != http.StatusCreated {
		t.Fatalf("it is %d: %s", answer.status, answer.body)
	}
	return checkpoint(t, store)
}

func TestFreshListAfterCrashShowsAcknowledgedChanges(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a := startAWS(t, "--lag", "3s")
		s := startService(t, a.base, at(store))
		if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
			t.Fatalf("it is %d: %s", answer.status, answer.body)
		}
		s.kill()
		s = startService(t, a.base, at(store))
		if list := s.send(http.MethodGet, "/elb/default-elb", "", "Cache-Control: no-cache"); !slices.Contains(list.ids(t), spare) {
			t.Errorf("AWS's reads lag, and a fresh list is %s", list.body)
		}
		if again := s.attach("default-elb", spare); again.status != http.StatusConflict {
			t.Errorf("AWS's reads lag, and the same attach is %d: %s", again.status, again.body)
		}
	})
}
