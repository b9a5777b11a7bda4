package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// notReady asserts that the service is not ready, for a reason.
func (s *service) notReady(t *testing.T, says string) {
	t.Helper()
	if answer := s.on(t).get("/readyz"); answer.status != http.StatusServiceUnavailable || !strings.Contains(answer.body, says) {
		t.Errorf("readiness is %d %s, want 503 and %q", answer.status, answer.body, says)
	}
	if ready := s.metric(t, "lsapi_ready", `check="aws"`); ready != 0 {
		t.Errorf("lsapi_ready is %v", ready)
	}
}

func (s *service) becomesReady(t *testing.T) {
	t.Helper()
	eventually(t, "it is ready", func() bool { return s.on(t).get("/readyz").status == http.StatusOK })
	if ready := s.metric(t, "lsapi_ready", `check="aws"`); ready != 1 {
		t.Errorf("lsapi_ready is %v", ready)
	}
}

func TestDeniedReadsMakeServiceNotReady(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	s.becomesReady(t)
	a.fault(t, `{"action":"*","kind":"denied","probability":1}`)
	if answer := s.get(defaultList); answer.status != http.StatusBadGateway {
		t.Errorf("a list is %d %s", answer.status, answer.body)
	}
	s.notReady(t, "credentials or permissions to list load balancers")
	a.clearFaults(t)
	s.becomesReady(t) // without a reader
}

func TestDeniedChangeMakesServiceNotReady(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	a.fault(t, `{"action":"RegisterInstancesWithLoadBalancer","kind":"denied","probability":1}`)
	if answer := s.attach("default-elb", spare); answer.status != http.StatusBadGateway {
		t.Errorf("a change is %d %s", answer.status, answer.body)
	}
	s.notReady(t, "credentials or permissions to change load balancers")
	a.clearFaults(t)
	if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("a change is %d %s", answer.status, answer.body)
	}
	s.becomesReady(t)
}

func TestMissingAWSCredentialsAreLoggedAtStart(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	s := startService(t, a.base, with("AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="))
	s.waitFor(s.stderr, `"level":"ERROR","msg":"no AWS credentials found","error":"`)
	s.notReady(t, "credentials")
	if calls := a.calls(); len(calls) != 0 {
		t.Errorf("AWS was called %v", calls)
	}
}
