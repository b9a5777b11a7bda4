package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// Every attempt takes effect without a response: only reading the membership shows the
// outcome.
func TestAppliedChangeWithoutResponseIsInferred(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]string{
		"500":     `"kind":"500","probability":1`,
		"reset":   `"kind":"reset","probability":1`,
		"timeout": `"kind":"timeout","probability":1`,
	} {
		for action, send := range map[string]func(*service) response{
			register:   func(s *service) response { return s.attach("default-elb", spare) },
			deregister: func(s *service) response { return s.detach("default-elb", member) },
		} {
			t.Run(name+" of "+action, func(t *testing.T) {
				everywhere(t, func(t *testing.T, store string) {
					a, s := startBoth(t, at(store))
					a.fault(t, `{"action":"`+action+`","after":true,`+fault+`}`)
					answer := send(s)
					if answer.status != http.StatusCreated {
						t.Errorf("it is %d: %s", answer.status, answer.body)
					}
					s.change(answer.changeID(t)).is(t, "applied", "inferred")
					if r := s.membersAt("elb/default-elb", time.Now()); !slices.Equal(r.ids(), a.members("default-elb")) {
						t.Errorf("the record has %v, AWS %v", r.ids(), a.members("default-elb"))
					}
					verify(t, store)
				})
			})
		}
	}
}

// AWS loses the call. The failure is certain after the call's deadline and the lag of
// AWS's reads, some twenty seconds.
func TestLostChangeFailsAndIsNotRetried(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store), with("REQUEST_TIMEOUT=2s"))
		a.fault(t, `{"action":"`+register+`","kind":"timeout","count":1}`)
		answer := s.send(http.MethodPost, "/elb/default-elb", machineID(spare), "Idempotency-Key: k1")
		if answer.status != http.StatusGatewayTimeout {
			t.Errorf("it is %d: %s", answer.status, answer.body)
		}
		// After the call's timeout other instances can be attached, but this one stays
		// unchanged.
		eventually(t, "another is attached", func() bool {
			status := s.attach("default-elb", otherSpare).status
			return status == http.StatusCreated || status == http.StatusConflict // the change took longer than its caller waited
		})
		calls := a.calls()[register]
		if held := s.attach("default-elb", spare); held.status != http.StatusGatewayTimeout {
			t.Errorf("the same again is %d: %s", held.status, held.body)
		}
		s.settled(answer.changeID(t)).is(t, "failed", "inferred")
		if slices.Contains(a.members("default-elb"), spare) || a.calls()[register] != calls {
			t.Errorf("AWS was called %v, and has %v", a.calls(), a.members("default-elb"))
		}
		// A change without effect frees its key.
		if again := s.attachOnce("k1", spare); again.status != http.StatusCreated || again.changeID(t) == answer.changeID(t) {
			t.Errorf("under its key it is %d: %s", again.status, again.body)
		}
		verify(t, store)
	})
}
