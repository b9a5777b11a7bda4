package e2e

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// These tests cover defects of the original service that are visible from outside. The
// contract tests cover some of them, too.

func TestDefectSessionTokenAndRegionWereIgnored(t *testing.T) {
	t.Parallel()
	var asked atomic.Pointer[http.Header]
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(&r.Header)
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(stub.Close)
	s := startService(t, stub.URL, with("AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SESSION_TOKEN=session-7", "AWS_REGION=eu-west-1"))
	s.get("/elb/default-elb")
	header := asked.Load()
	if header == nil {
		t.Fatal("AWS was not called")
	}
	if got := header.Get("X-Amz-Security-Token"); got != "session-7" {
		t.Errorf("the session token is %q", got)
	}
	if got := header.Get("Authorization"); !regexp.MustCompile(`Credential=AKIATEST/\d{8}/eu-west-1/`).MatchString(got) {
		t.Errorf("it is signed by %s", got)
	}
}

func TestDefectEachInstanceNeededItsOwnCall(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--fleet", "1x50")
	s := startService(t, a.base)
	s.get("/elb/elb-0001")
	if calls := a.calls(); calls["DescribeInstances"] > 2 {
		t.Errorf("a list of 50 costs %v", calls)
	}
}

func TestDefectEveryAWSErrorBecame404(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"throttle", "denied", "500", "reset"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t)
			a.fault(t, `{"action":"DescribeLoadBalancers","kind":"`+kind+`","probability":1}`)
			if answer := s.on(t).get("/elb/default-elb"); answer.status < 500 {
				t.Errorf("it is %d: %s", answer.status, answer.body)
			}
		})
	}
}

func TestDefectTerminatedInstanceWasNullAndBlockedItsLoadBalancer(t *testing.T) {
	t.Parallel()
	const vanished = "i-0aaaaaaaaaaaaaaa1"
	a := startAWS(t, "--fleet", fleetFile(t, `
loadBalancers: [{name: old-elb, members: [`+vanished+`, `+member+`]}]
instances:
  - {id: `+vanished+`, state: gone}
  - {id: `+member+`, type: t2.micro, launched: 2019-10-01T18:54:00Z}
  - {id: `+spare+`}
`))
	s := startService(t, a.base)
	unknown := `{"instanceId":"` + vanished + `","instanceType":"unknown","launchDate":"unknown"}`
	if got := strings.TrimSpace(s.get("/elb/old-elb").body); got != `{"message":[`+unknown+`,`+memberInfo+`]}` {
		t.Errorf("the list is %s", got)
	}
	if answer := s.attach("old-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("the attach of another is %d: %s", answer.status, answer.body)
	}
	if answer := s.detach("old-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("the detach of another is %d: %s", answer.status, answer.body)
	}
	if answer := s.detach("old-elb", vanished); answer.status != http.StatusCreated || strings.TrimSpace(answer.body) != `{"message":`+unknown+`}` {
		t.Errorf("its own detach is %d: %s", answer.status, answer.body)
	}
	if members := a.members("old-elb"); !slices.Equal(members, []string{member}) {
		t.Errorf("the members are %v", members)
	}
}

func TestDefectLaunchDatesHadNoSeconds(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	list := decoded[struct{ Message []struct{ LaunchDate string } }](t, s.get("/elb/web-elb").body)
	for _, machine := range list.Message {
		if !regexp.MustCompile(`^2024-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(machine.LaunchDate) {
			t.Errorf("it was launched %q", machine.LaunchDate)
		}
	}
	if len(list.Message) != 4 {
		t.Errorf("there are %d members", len(list.Message))
	}
}

func TestDefectConcurrentAttachesBothReturned201(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--latency", "100ms") // between check and change
	s := startService(t, a.base)
	answers := s.atOnce(t, "default-elb", slices.Repeat([]attempt{{method: http.MethodPost, instance: spare}}, 2))
	if counts := statuses(answers); counts[201] != 1 || counts[409] != 1 {
		t.Errorf("%v", counts)
	}
}

func TestDefectMissingLoadBalancerWasReportedAsInstance(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, answer := range []response{s.attach("no-such-elb", spare), s.detach("no-such-elb", member)} {
		if text := answer.errorText(t, "message"); answer.status != http.StatusNotFound || !strings.Contains(text, "no-such-elb") {
			t.Errorf("%d %s", answer.status, text)
		}
	}
}

func TestDefectFailedLookupReturnedSuccessWithNull(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	a.fault(t, `{"action":"DescribeInstances","kind":"500","probability":1}`)
	for _, answer := range []response{s.attach("default-elb", spare), s.detach("default-elb", member)} {
		if answer.status < 500 || strings.Contains(answer.body, "null") {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	}
	if members := a.members("default-elb"); !slices.Equal(members, []string{member}) {
		t.Errorf("the members have changed to %v", members)
	}
}

func TestDefectMissingHeaderWas500AndBareTokenWasAccepted(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, authorization := range []string{"", apiToken(), "Bearer " + apiToken(), "x " + apiToken()} {
		answer := s.send(http.MethodGet, "/elb/default-elb", "", "Authorization: "+authorization)
		if answer.status != http.StatusUnauthorized || answer.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %d, %v", authorization, answer.status, answer.header)
		}
	}
	if answer := s.anonymous().get("/elb/default-elb"); answer.status != http.StatusUnauthorized {
		t.Errorf("without the header: %d", answer.status)
	}
}

func TestDefectMissingTokenWasDetectedByFirstRequest(t *testing.T) {
	t.Parallel()
	status, _, stderr := run(t, []string{"serve", "--listen", "127.0.0.1:0"})
	if status != 2 || !strings.Contains(stderr, "API_TOKEN") || !strings.Contains(stderr, "base64") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestDefectNonObjectBodyWas500(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, body := range []string{"{", "[]", "null", "\xff\xfe", `"x"`, ""} {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			if answer := s.send(method, "/elb/default-elb", body); answer.status != http.StatusBadRequest {
				t.Errorf("%s %q: %d %s", method, body, answer.status, answer.body)
			}
		}
	}
}

func TestDefectOneBlockingCallStalledAllRequests(t *testing.T) {
	t.Parallel()
	const latency, clients = "1s", 12
	a := startAWS(t, "--latency", latency)
	s := startService(t, a.base)
	var lists sync.WaitGroup
	for range clients {
		lists.Go(func() {
			if answer, err := s.try(http.MethodGet, "/elb/default-elb", ""); err != nil || answer.status != http.StatusOK {
				t.Errorf("%d %v", answer.status, err)
			}
		})
	}
	eventually(t, "AWS is called", func() bool { return len(a.calls()) > 0 })
	if answer := s.anonymous().get("/healthcheck"); answer.status != http.StatusOK {
		t.Errorf("the health check is %d", answer.status)
	}
	if stderr := s.stderr.String(); strings.Contains(stderr, `"path":"/elb/default-elb"`) {
		t.Error("a list was answered before the health check: it shows nothing")
	}
	lists.Wait()
	// In sequence they would take 12 × 2 calls × 1 s.
	for _, line := range accessLines(t, s, "/elb/default-elb") {
		if line.Duration > 10 {
			t.Errorf("a list took %v s", line.Duration)
		}
	}
}

func TestDefectDetachReturned200(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	if answer := s.detach("default-elb", member); answer.status != http.StatusCreated {
		t.Errorf("%d %s", answer.status, answer.body)
	}
}

func TestDefectErrorsHadTwoFormatsAndSomeWereNotJSON(t *testing.T) {
	for _, envelope := range envelopes {
		t.Run(envelope, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t, with("RESPONSE_ENVELOPE="+envelope))
			c := s.on(t)
			answers := map[int]response{
				400: c.send("POST", "/elb/default-elb", "{"),
				401: c.anonymous().get("/elb/default-elb"),
				404: c.get("/nowhere"),
				405: c.send("PUT", "/elb/default-elb", ""),
				409: c.attach("default-elb", member),
				413: c.send("POST", "/elb/default-elb", strings.Repeat(" ", bodyLimit+1)),
			}
			a.fault(t, `{"action":"*","kind":"denied","probability":1}`)
			answers[502] = c.attach("web-elb", spare)
			for status, answer := range answers {
				if answer.status != status {
					t.Errorf("it is %d, want %d", answer.status, status)
				}
				if text := answer.errorText(t, envelope); strings.Contains(text, "Unknown error") {
					t.Errorf("%d: %s", status, text)
				}
			}
		})
	}
}

func TestDefectDebugModeWasAlwaysOn(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	s.get("/elb/default-elb")
	s.attach("default-elb", spare)
	if strings.Contains(s.stderr.String(), `"level":"DEBUG"`) {
		t.Errorf("it debugs:\n%s", s.stderr)
	}
}

func TestDefectEveryHealthProbeWasLogged(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	s.anonymous().get("/healthcheck")
	s.anonymous().get("/nowhere")
	s.waitFor(s.stderr, `"path":"/nowhere"`)
	if strings.Contains(s.stderr.String(), "/healthcheck") {
		t.Errorf("a probe is logged:\n%s", s.stderr)
	}
}
