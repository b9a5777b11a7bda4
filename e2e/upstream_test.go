package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The operations, each with a valid request.
var operations = []struct{ name, method, body string }{
	{"list", http.MethodGet, ""},
	{"attach", http.MethodPost, machineID(spare)},
	{"detach", http.MethodDelete, machineID(member)},
}

func TestAWSFailureIsAServerError(t *testing.T) {
	for name, test := range map[string]struct {
		fault  string
		status int
	}{
		"AWS throttles":                     {`{"action":"*","kind":"throttle","probability":1}`, 503},
		"AWS refuses lsapi":                 {`{"action":"*","kind":"denied","probability":1}`, 502},
		"AWS refuses lsapi to look up":      {`{"action":"DescribeInstances","kind":"denied","probability":1}`, 502},
		"AWS fails":                         {`{"action":"*","kind":"500","probability":1}`, 502},
		"AWS fails to look instances up":    {`{"action":"DescribeInstances","kind":"500","probability":1}`, 502},
		"AWS cuts the connection":           {`{"action":"*","kind":"reset","probability":1}`, 502},
		"AWS does not answer":               {`{"action":"*","kind":"timeout","probability":1,"delay":"2s"}`, 504},
		"AWS throttles the lookup":          {`{"action":"DescribeInstances","kind":"throttle","probability":1}`, 503},
		"AWS does not answer to the lookup": {`{"action":"DescribeInstances","kind":"timeout","probability":1,"delay":"2s"}`, 504},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAWS(t)
			s := startService(t, a.base, with(deadlineFor(test.status)))
			before := a.members("default-elb")
			a.fault(t, test.fault)
			for _, operation := range operations {
				answer := s.send(operation.method, "/elb/default-elb", operation.body)
				if answer.status != test.status {
					t.Errorf("%s is %d, want %d", operation.name, answer.status, test.status)
				}
				answer.errorText(t, "message")
				if seconds, err := strconv.Atoi(answer.header.Get("Retry-After")); test.status == 503 && (err != nil || seconds < 1) {
					t.Errorf("%s has Retry-After %q", operation.name, answer.header.Get("Retry-After"))
				}
			}
			if after := a.members("default-elb"); !slices.Equal(after, before) {
				t.Errorf("the members have changed to %v", after)
			}
		})
	}
}

// deadlineFor is short for a request that should time out, and long for any other.
func deadlineFor(status int) string {
	if status == http.StatusGatewayTimeout {
		return "REQUEST_TIMEOUT=500ms"
	}
	return "REQUEST_TIMEOUT=30s"
}

func TestRefusedChangeHasNoEffect(t *testing.T) {
	for name, test := range map[string]struct {
		kind   string
		status int
	}{
		"throttled": {"throttle", 503},
		"denied":    {"denied", 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t)
			for _, action := range []string{"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer"} {
				a.fault(t, `{"action":"`+action+`","kind":"`+test.kind+`","probability":1}`)
			}
			attached, detached := s.attach("default-elb", spare), s.detach("default-elb", member)
			if attached.status != test.status || detached.status != test.status {
				t.Errorf("attach is %d, detach %d, want %d", attached.status, detached.status, test.status)
			}
			if members := a.members("default-elb"); !slices.Equal(members, []string{member}) {
				t.Errorf("the members have changed to %v", members)
			}
		})
	}
}

func TestDeniedPermissionIsLoggedAndHiddenFromClient(t *testing.T) {
	for action, send := range map[string]func(client) response{
		"DescribeLoadBalancers":               func(c client) response { return c.get("/elb/default-elb") },
		"DescribeInstances":                   func(c client) response { return c.get("/elb/default-elb") },
		"RegisterInstancesWithLoadBalancer":   func(c client) response { return c.attach("default-elb", spare) },
		"DeregisterInstancesFromLoadBalancer": func(c client) response { return c.detach("default-elb", member) },
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t)
			a.fault(t, `{"action":"`+action+`","kind":"denied","probability":1}`)
			answer := send(s.on(t))
			if answer.status != http.StatusBadGateway {
				t.Errorf("it is %d", answer.status)
			}
			for _, internal := range []string{action, "arn:", "ccess", "uthoriz", "denied", "ermission", "AWS_", a.base} {
				if strings.Contains(answer.body, internal) {
					t.Errorf("the client learns %q: %s", internal, answer.body)
				}
			}
			id := answer.header.Get("X-Request-Id")
			s.waitFor(s.stderr, `(?m)^.*(`+action+`.*`+id+`|`+id+`.*`+action+`).*$`)
		})
	}
}

func TestUnreachableAWSIsBadGateway(t *testing.T) {
	t.Parallel()
	s := startService(t, "http://127.0.0.1:1")
	for _, operation := range operations {
		answer := s.send(operation.method, "/elb/default-elb", operation.body)
		if answer.status != http.StatusBadGateway {
			t.Errorf("%s is %d: %s", operation.name, answer.status, answer.body)
		}
		if strings.Contains(answer.errorText(t, "message"), "127.0.0.1") {
			t.Errorf("the response names the AWS endpoint: %s", answer.body)
		}
	}
}

func TestInvalidAWSResponseIsBadGateway(t *testing.T) {
	t.Parallel()
	nonsense := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>not found</html>", http.StatusNotFound)
	}))
	t.Cleanup(nonsense.Close)
	s := startService(t, nonsense.URL)
	for _, operation := range operations {
		if answer := s.send(operation.method, "/elb/default-elb", operation.body); answer.status != http.StatusBadGateway {
			t.Errorf("%s is %d: %s", operation.name, answer.status, answer.body)
		}
	}
}

// callTimeout is the timeout of a call to AWS, whatever the deadline of its request.
const callTimeout = 10 * time.Second

func TestDeadlineHoldsWhenAWSIsSlow(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	s := startService(t, a.base, with("REQUEST_TIMEOUT=500ms"))
	a.fault(t, `{"action":"*","kind":"timeout","probability":1,"delay":"5m"}`)
	for _, operation := range operations {
		began := time.Now()
		answer := s.send(operation.method, "/elb/default-elb", operation.body)
		if took := time.Since(began); answer.status != http.StatusGatewayTimeout || took < 500*time.Millisecond || took > callTimeout {
			t.Errorf("%s is %d after %v", operation.name, answer.status, took)
		}
	}
}

func TestOutcomeIsRecordedAfter504(t *testing.T) {
	for name, test := range map[string]struct {
		action, instance string
		send             func(client) response
	}{
		"attach": {"RegisterInstancesWithLoadBalancer", spare, func(c client) response { return c.attach("default-elb", spare) }},
		"detach": {"DeregisterInstancesFromLoadBalancer", member, func(c client) response { return c.detach("default-elb", member) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAWS(t)
			s := startService(t, a.base, with("REQUEST_TIMEOUT=1s"))
			a.fault(t, `{"action":"`+test.action+`","kind":"timeout","count":1,"after":true,"delay":"2s"}`)
			answer := test.send(s.on(t))
			if answer.status != http.StatusGatewayTimeout {
				t.Fatalf("it is %d: %s", answer.status, answer.body)
			}
			s.waitFor(s.stderr, `"outcome":"applied","action":"`+name+`","pool":"default/elb/default-elb","member":"`+test.instance+
				`".*"request_id":"`+answer.header.Get("X-Request-Id")+`"`)
		})
	}
}

func TestAttachWith500AfterEffectReturns201(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	a.fault(t, `{"action":"RegisterInstancesWithLoadBalancer","kind":"500","after":true,"probability":1}`)
	if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("it is %d: %s", answer.status, answer.body)
	}
	if members := a.members("default-elb"); !slices.Contains(members, spare) {
		t.Errorf("the members are %v", members)
	}
}

// Only a read after AWS's lag shows the outcome, which takes longer than this client and
// this stop wait.
func TestLostResponseIsNeverGuessed(t *testing.T) {
	for _, kind := range []string{"500", "reset"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := startAWS(t)
			s := startService(t, a.base, with("REQUEST_TIMEOUT=1s", "SHUTDOWN_TIMEOUT=100ms"))
			a.fault(t, `{"action":"RegisterInstancesWithLoadBalancer","kind":"`+kind+`","probability":1}`)
			if answer := s.on(t).attach("default-elb", spare); answer.status != http.StatusGatewayTimeout && answer.status != http.StatusBadGateway {
				t.Errorf("it is %d: %s", answer.status, answer.body)
			}
			if members := a.members("default-elb"); slices.Contains(members, spare) {
				t.Errorf("the members are %v", members)
			}
			if status := s.stop(); status != 1 {
				t.Errorf("the stop, which leaves a change open, has status %d", status)
			}
			if !strings.Contains(s.stderr.String(), `"outcome":"unknown","action":"attach"`) {
				t.Error("the log does not say that the outcome is unknown")
			}
		})
	}
}

func TestHangingCallDelaysNoOtherRequest(t *testing.T) {
	for name, action := range map[string]string{"list": "DescribeLoadBalancers", "attach": "RegisterInstancesWithLoadBalancer"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t)
			a.fault(t, `{"action":"`+action+`","kind":"timeout","count":1,"delay":"8s"}`)
			held := make(chan response, 1)
			go func() {
				method, body := http.MethodGet, ""
				if name == "attach" {
					method, body = http.MethodPost, machineID(spare)
				}
				// An aborted request has status 0.
				answer, _ := s.on(t).try(method, "/elb/default-elb", body)
				held <- answer
			}()
			eventually(t, "the call is held", func() bool { return a.on(t).get("/_emulator/calls").body != "{}\n" && a.faults(t) == 0 })
			for _, answer := range []response{
				s.on(t).anonymous().get("/healthcheck"),
				s.on(t).get("/elb/web-elb"),
				s.on(t).attach("web-elb", otherSpare),
				s.on(t).detach("web-elb", otherSpare),
			} {
				if answer.status >= 400 {
					t.Errorf("%d %s", answer.status, answer.body)
				}
			}
			select {
			case answer := <-held:
				// Only one of the reads that can supply a list is held.
				if name != "list" || answer.status != http.StatusOK {
					t.Errorf("it was answered with %d while it should have been held", answer.status)
				}
			default:
				<-held
			}
		})
	}
}

// faults returns the number of active faults.
func (a aws) faults(t *testing.T) int {
	t.Helper()
	return len(decoded[[]any](t, a.on(t).get("/_emulator/faults").body))
}

func TestReadCostsOneLookupPer200Members(t *testing.T) {
	for _, test := range []struct{ members, lookups int }{{1, 1}, {200, 1}, {201, 2}, {500, 3}} {
		t.Run(strconv.Itoa(test.members), func(t *testing.T) {
			t.Parallel()
			a := startAWS(t, "--fleet", "1x"+strconv.Itoa(test.members))
			s := startService(t, a.base)
			if got := len(s.get("/elb/elb-0001").ids(t)); got != test.members {
				t.Errorf("it lists %d members", got)
			}
			calls := a.calls()
			reads, lookups := calls["DescribeLoadBalancers"], calls["DescribeInstances"]
			if reads < 1 || lookups < 1 || lookups > reads*test.lookups || len(calls) > 3 { // the third lists target groups
				t.Errorf("it cost %v", calls)
			}
		})
	}
}
