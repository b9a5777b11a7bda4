package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clockedAWS is an AWS whose clock is ahead of this machine's.
type clockedAWS struct {
	*httptest.Server
	ahead atomic.Int64 // a duration
}

func startClockedAWS(t *testing.T, behind string) *clockedAWS {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	c := &clockedAWS{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(time.Duration(c.ahead.Load())).UTC().Format(http.TimeFormat))
		return nil
	}
	c.Server = httptest.NewServer(proxy)
	t.Cleanup(c.Close)
	return c
}

const noCache = "Cache-Control: no-cache"

func TestChangesAreRejectedWhileClockDiffersFromAWS(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	clocked := startClockedAWS(t, a.base)
	clocked.ahead.Store(int64(time.Hour))
	s := startService(t, clocked.URL)
	for range 2 { // the first detects the offset
		answer := s.send(http.MethodPost, defaultList, machineID(spare), "Idempotency-Key: one")
		if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" || !strings.Contains(answer.body, "clock") {
			t.Fatalf("a change is %d %s", answer.status, answer.body)
		}
	}
	if calls := a.calls()[register]; calls != 0 || len(s.changes("")) != 0 {
		t.Errorf("AWS got %d calls, and %v is on record", calls, s.changes(""))
	}
	if answer := s.get(defaultList); answer.status != http.StatusOK {
		t.Errorf("a list is %d %s", answer.status, answer.body)
	}
	if answer := s.get("/readyz"); answer.status != http.StatusServiceUnavailable || !strings.Contains(answer.body, "clock") {
		t.Errorf("readiness is %d %s", answer.status, answer.body)
	}
	if offset := s.metric(t, "lsapi_clock_offset_seconds", `source="aws"`); offset > -3595 || offset < -3605 {
		t.Errorf("the offset is %v", offset)
	}
	if ready := s.metric(t, "lsapi_ready", `check="clock"`); ready != 0 {
		t.Errorf("lsapi_ready is %v", ready)
	}
	s.waitFor(s.stderr, `"level":"ERROR","msg":"this machine's clock is wrong`)

	clocked.ahead.Store(0)
	s.send(http.MethodGet, defaultList, "", noCache)
	if answer := s.send(http.MethodPost, defaultList, machineID(spare), "Idempotency-Key: one"); answer.status != http.StatusCreated {
		t.Errorf("once the clock is right: %d %s", answer.status, answer.body)
	}
	if answer := s.get("/readyz"); answer.status != http.StatusOK {
		t.Errorf("readiness is %d %s", answer.status, answer.body)
	}
}

func TestCorrectedClockIsDetectedWithoutRequest(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	clocked := startClockedAWS(t, a.base)
	s := startService(t, clocked.URL)
	clocked.ahead.Store(int64(-time.Hour))
	s.send(http.MethodGet, defaultList, "", noCache)
	if answer := s.get("/readyz"); answer.status != http.StatusServiceUnavailable {
		t.Errorf("readiness is %d %s", answer.status, answer.body)
	}
	clocked.ahead.Store(0)
	eventually(t, "it is ready", func() bool { return s.get("/readyz").status == http.StatusOK })
}

func TestSmallClockOffsetOnlyWarns(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	clocked := startClockedAWS(t, a.base)
	clocked.ahead.Store(int64(3 * time.Second))
	s := startService(t, clocked.URL)
	if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("a change is %d %s", answer.status, answer.body)
	}
	s.waitFor(s.stderr, `"level":"WARN","msg":"this machine's clock differs`)
}
