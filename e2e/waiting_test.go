package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// problem is an error of the /v1 API.
type problem struct {
	Status int
	Title  string
	Detail string
	Member *memberState
	Errors []struct{ Location string }
}

// memberState is a member of the /v1 API.
type memberState struct {
	Member, InstanceID, State, Zone, PrivateAddress, Name string
	Attached, Draining                                    bool
	Health                                                *struct {
		State, AWSState, Reason, Description string
		Since                                time.Time
	}
	Since      time.Time
	LastChange *struct{ ID, Action, Actor, Reason, Outcome string }
}

// await waits for a condition of a member through the API.
func (c client) await(loadBalancer, instance, condition, timeout string) response {
	return c.get("/v1/pools/elb/" + loadBalancer + "/members/" + instance + "?wait=" + condition + "&timeout=" + timeout)
}

// attachAndWait attaches an instance to slow-elb and waits until it serves.
func (c client) attachAndWait(instance, timeout string, headers ...string) response {
	return c.send(http.MethodPost, "/elb/slow-elb?wait=true&timeout="+timeout, machineID(instance), headers...)
}

// detachAndWait detaches it and waits until it is drained.
func (c client) detachAndWait(instance, timeout string) response {
	return c.send(http.MethodDelete, "/elb/slow-elb?wait=true&timeout="+timeout, machineID(instance))
}

// slowFleet is a load balancer whose members register and drain slowly.
const slowFleet = `
registrationDelay: %s
loadBalancers:
  - name: slow-elb
    draining: {timeout: 60s, lasts: %s}
    members: [i-0aaa0000000000001]
instances:
  - {id: i-0aaa0000000000001}
  - {id: i-0aaa0000000000002}
  - {id: i-0aaa0000000000003, healthy: false}
`

const (
	slowMember  = "i-0aaa0000000000001"
	slowSpare   = "i-0aaa0000000000002"
	slowFailing = "i-0aaa0000000000003" // fails its health checks
)

// startSlow starts an emulator with slowFleet, and a service that uses it.
func startSlow(t *testing.T, registers, drains string, settings ...setting) (aws, *service) {
	t.Helper()
	a := startAWS(t, "--fleet", fleetFile(t, fmt.Sprintf(slowFleet, registers, drains)))
	return a, startService(t, a.base, settings...)
}

// healthOf returns the state and the description of an instance in slow-elb from AWS.
func (a aws) healthOf(instance string) string {
	a.client.t.Helper()
	text := a.ask("DescribeInstanceHealth", "LoadBalancerName=slow-elb&Instances.member.1.InstanceId="+instance)
	return element(text, "State") + " " + element(text, "Description")
}

// element returns the text of the first XML element of a name.
func element(text, name string) string {
	_, rest, _ := strings.Cut(text, "<"+name+">")
	found, _, _ := strings.Cut(rest, "</"+name+">")
	return found
}

func TestAttachWithWaitReturnsOnceInService(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startSlow(t, "3s", "1s", at(store))
		answer := s.attachAndWait(slowSpare, "60s")
		if answer.status != http.StatusCreated {
			t.Fatalf("it is %d: %s", answer.status, answer.body)
		}
		if got := a.healthOf(slowSpare); got != "InService N/A" {
			t.Errorf("it responded while AWS has %s", got)
		}
		s.change(answer.changeID(t)).is(t, "applied", "")
		again := s.await("slow-elb", slowSpare, "inService", "60s")
		if m := decoded[memberState](t, again.body); again.status != http.StatusOK || !m.Attached || m.Health == nil || m.Health.State != "InService" ||
			m.LastChange == nil || m.LastChange.Action != "attach" || m.LastChange.Actor != user {
			t.Errorf("a wait for a met condition is %d: %s", again.status, again.body)
		}
	})
}

func TestDetachWithWaitReturnsOnceDrained(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startSlow(t, "1s", "3s", at(store))
		answer := s.detachAndWait(slowMember, "60s")
		if answer.status != http.StatusCreated {
			t.Fatalf("it is %d: %s", answer.status, answer.body)
		}
		if got := a.healthOf(slowMember); !strings.Contains(got, "not currently registered") {
			t.Errorf("it responded while AWS has %s", got)
		}
		for _, condition := range []string{"drained", "absent"} {
			if again := s.await("slow-elb", slowMember, condition, "60s"); again.status != http.StatusOK {
				t.Errorf("waiting for %s is %d: %s", condition, again.status, again.body)
			}
		}
	})
}

func TestTimedOutWaitReturnsStateAndKeepsChange(t *testing.T) {
	t.Parallel()
	a, s := startSlow(t, "1s", "1h")
	late := s.attachAndWait(slowFailing, "2s")
	if late.status != http.StatusGatewayTimeout || !strings.Contains(late.body, "stands") {
		t.Errorf("an attach that does not come into service is %d: %s", late.status, late.body)
	}
	s.change(late.changeID(t)).is(t, "applied", "")
	eventually(t, "it fails its health checks", func() bool {
		return strings.Contains(a.healthOf(slowFailing), "UnhealthyThreshold")
	})
	waited := s.await("slow-elb", slowFailing, "inService", "10s")
	p := decoded[problem](t, waited.body)
	if waited.status != http.StatusRequestTimeout || p.Status != http.StatusRequestTimeout || p.Member == nil || p.Member.Health == nil ||
		p.Member.Health.State != "OutOfService" || !strings.Contains(p.Member.Health.Description, "UnhealthyThreshold") {
		t.Errorf("the wait is %d: %s", waited.status, waited.body)
	}
	if got := waited.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("it is %s", got)
	}
	draining := s.detachAndWait(slowMember, "3s")
	if draining.status != http.StatusGatewayTimeout {
		t.Errorf("a detach that drains for ever is %d: %s", draining.status, draining.body)
	}
	s.change(draining.changeID(t)).is(t, "applied", "")
	gone := s.await("slow-elb", slowMember, "absent", "30s")
	if m := decoded[memberState](t, gone.body); gone.status != http.StatusOK || m.Attached || !m.Draining {
		t.Errorf("it is no member, and draining; absent is %d: %s", gone.status, gone.body)
	}
}

func TestWaitEndsWhenConditionIsImpossible(t *testing.T) {
	for name, test := range map[string]struct {
		condition string
		act       func(aws)
		status    int
	}{
		"terminated":                {"inService", func(a aws) { a.do("TerminateInstances", "InstanceId.1="+slowFailing) }, http.StatusConflict},
		"detached":                  {"inService", func(a aws) { a.deregister("slow-elb", slowFailing) }, http.StatusNotFound},
		"its load balancer deleted": {"inService", func(a aws) { a.do("DeleteLoadBalancer", "LoadBalancerName=slow-elb") }, http.StatusNotFound},
		"the same while it drains":  {"drained", func(a aws) { a.do("DeleteLoadBalancer", "LoadBalancerName=slow-elb") }, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := startSlow(t, "1s", "1h")
			s.attach("slow-elb", slowFailing)
			if test.condition == "drained" {
				s.detach("slow-elb", slowFailing)
			}
			answered := make(chan response, 1)
			go func() {
				answer, err := s.try(http.MethodGet, "/v1/pools/elb/slow-elb/members/"+slowFailing+"?wait="+test.condition+"&timeout=10m", "")
				if err != nil {
					t.Error(err)
				}
				answered <- answer
			}()
			eventually(t, "it is waited for", func() bool { return a.calls()["DescribeInstanceHealth"] > 0 })
			test.act(a)
			select {
			case answer := <-answered:
				if answer.status != test.status {
					t.Errorf("it is %d: %s", answer.status, answer.body)
				}
			case <-time.After(testTimeout):
				t.Error("the wait goes on")
			}
		})
	}
}

func TestWaitForNonMember(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for condition, status := range map[string]int{"inService": http.StatusNotFound, "absent": http.StatusOK, "drained": http.StatusOK} {
		if answer := s.await("default-elb", spare, condition, "10m"); answer.status != status {
			t.Errorf("%s is %d: %s", condition, answer.status, answer.body)
		}
	}
	if answer := s.await("no-such-elb", spare, "inService", "10m"); answer.status != http.StatusNotFound {
		t.Errorf("in a load balancer that does not exist it is %d: %s", answer.status, answer.body)
	}
}

func TestInvalidWaitNamesTheParameter(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for query, parameter := range map[string]string{
		"wait=served":                 "wait",
		"wait=":                       "wait",
		"wait=inService&timeout=60":   "timeout",
		"wait=inService&timeout=soon": "timeout",
		"wait=inService&timeout=-1s":  "timeout",
		"wait=inService&timeout=0s":   "timeout",
		"wait=inService&timeout=48h":  "timeout",
		"timeout=61s":                 "timeout",
		"wait=inService&tiemout=60s":  "tiemout",
	} {
		answer := s.get("/v1/pools/elb/default-elb/members/" + member + "?" + query)
		p := decoded[problem](t, answer.body)
		if answer.status != http.StatusBadRequest || !strings.Contains(p.Detail, "query."+parameter) {
			t.Errorf("%s is %d: %s", query, answer.status, answer.body)
		}
	}
	for query, parameter := range map[string]string{
		"wait=perhaps":            "wait",
		"wait=true&timeout=60":    "timeout",
		"wait=true&timeout=1000h": "timeout",
		"timeout=61s":             "timeout",
	} {
		answer := s.send(http.MethodPost, "/elb/default-elb?"+query, machineID(spare))
		if answer.status != http.StatusBadRequest || !strings.Contains(answer.body, parameter) {
			t.Errorf("%s is %d: %s", query, answer.status, answer.body)
		}
	}
	if len(s.changes("")) > 0 {
		t.Error("a change was made all the same")
	}
}

// All waiters share one poll, by the emulator's count of calls.
func TestThousandWaitersShareOnePoll(t *testing.T) {
	t.Parallel()
	const waiters = 1000
	a, s := startSlow(t, "1s", "1s")
	s.attach("slow-elb", slowFailing)
	a.resetCalls()
	began := time.Now()
	var done sync.WaitGroup
	statuses := make(chan int, waiters)
	for range waiters {
		done.Go(func() {
			answer, err := s.try(http.MethodGet, "/v1/pools/elb/slow-elb/members/"+slowFailing+"?wait=inService&timeout=15s", "")
			if err != nil {
				t.Error(err)
			}
			statuses <- answer.status
		})
	}
	done.Wait()
	polls, others := 0, 0
	for action, calls := range a.calls() {
		switch action {
		case "DescribeInstanceHealth":
			polls = calls
		case "DescribeLoadBalancers", "DescribeTargetGroups", "DescribeInstances":
		default:
			others += calls
		}
	}
	// One waiter costs one poll at once, and one per interval of two seconds.
	if most := 2 + int(time.Since(began)/(2*time.Second)); polls > most || polls == 0 || others > 4 { // attributes and history of the waiters, and a sweep of two target groups
		t.Errorf("AWS got %d calls for health, where one waiter costs at most %d, and %d others", polls, most, others)
	}
	for range waiters {
		if status := <-statuses; status != http.StatusRequestTimeout {
			t.Fatalf("a waiter got %d", status)
		}
	}
}

func TestWaitersOnSeveralReplicasShareOnePoll(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, []string{"--fleet", fleetFile(t, fmt.Sprintf(slowFleet, "1s", "1s"))})
	c.replicas[0].client().attach("slow-elb", slowFailing)
	c.aws.resetCalls()
	began := time.Now()
	var done sync.WaitGroup
	for i := range 30 {
		waiter := c.replicas[i%3].client()
		done.Go(func() {
			answer, err := waiter.try(http.MethodGet, "/v1/pools/elb/slow-elb/members/"+slowFailing+"?wait=inService&timeout=15s", "")
			if err != nil || answer.status != http.StatusRequestTimeout || !strings.Contains(answer.body, "UnhealthyThreshold") {
				t.Errorf("a waiter got %d %s, %v", answer.status, answer.body, err)
			}
		})
	}
	done.Wait()
	if polls, most := c.aws.calls()["DescribeInstanceHealth"], 2+int(time.Since(began)/(2*time.Second)); polls > most || polls == 0 {
		t.Errorf("AWS got %d calls, where one waiter costs at most %d", polls, most)
	}
}

func TestStreamDeliversHealthPolledByOtherReplica(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, []string{"--fleet", fleetFile(t, fmt.Sprintf(slowFleet, "5s", "5s"))})
	var done sync.WaitGroup
	c.replicas[0].client().attach("slow-elb", slowSpare)
	for _, r := range c.replicas {
		done.Go(func() {
			answer, err := r.client().try(http.MethodGet, "/v1/pools/elb/slow-elb/members/"+slowSpare+"?wait=inService&timeout=5m", "")
			if err != nil || answer.status != http.StatusOK {
				t.Errorf("it is %d %s, %v", answer.status, answer.body, err)
			}
		})
	}
	done.Wait()
	c.replicas[1].client().detach("slow-elb", slowSpare)
	for _, r := range c.replicas {
		done.Go(func() {
			answer, err := r.client().try(http.MethodGet, "/v1/pools/elb/slow-elb/members/"+slowSpare+"?wait=drained&timeout=5m", "")
			if err != nil || answer.status != http.StatusOK {
				t.Errorf("it is %d %s, %v", answer.status, answer.body, err)
			}
		})
	}
	done.Wait()
	verify(t, c.store)
}

func TestStopEndsWaits(t *testing.T) {
	t.Parallel()
	a, s := startSlow(t, "1h", "1s")
	answered := make(chan response, 1)
	go func() {
		answer, err := s.try(http.MethodPost, "/elb/slow-elb?wait=true&timeout=10m", machineID(slowSpare))
		if err != nil {
			t.Error(err)
		}
		answered <- answer
	}()
	eventually(t, "it is waited for", func() bool { return a.calls()["DescribeInstanceHealth"] > 0 })
	if status := s.stop(); status != 0 {
		t.Errorf("it stops with %d", status)
	}
	answer := <-answered
	if answer.status != http.StatusGatewayTimeout && answer.status != http.StatusServiceUnavailable || answer.header.Get("X-Change-Id") == "" {
		t.Errorf("the waiter got %d: %s", answer.status, answer.body)
	}
}

func TestWaitContinuesDuringThrottling(t *testing.T) {
	t.Parallel()
	a, s := startSlow(t, "3s", "1s")
	a.fault(t, `{"action":"DescribeInstanceHealth","kind":"throttle","count":8}`)
	if answer := s.attachAndWait(slowSpare, "2m"); answer.status != http.StatusCreated {
		t.Errorf("it is %d: %s", answer.status, answer.body)
	}
}

func TestRepeatedKeyWaitsAgain(t *testing.T) {
	t.Parallel()
	a, s := startSlow(t, "4s", "1s")
	first := s.attachAndWait(slowSpare, "500ms", "Idempotency-Key: once")
	second := s.attachAndWait(slowSpare, "60s", "Idempotency-Key: once")
	if first.status != http.StatusGatewayTimeout || second.status != http.StatusCreated || first.changeID(t) != second.changeID(t) {
		t.Errorf("first %d: %s\nthen %d: %s", first.status, first.body, second.status, second.body)
	}
	if got := a.healthOf(slowSpare); got != "InService N/A" {
		t.Errorf("it responded while AWS has %s", got)
	}
	if calls := a.calls()["RegisterInstancesWithLoadBalancer"]; calls != 1 {
		t.Errorf("it was attached %d times", calls)
	}
}

func TestPoolShowsLastChangeAndObservedState(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startWithGroups(t, at(store))
		s.send(http.MethodPost, "/elb/web-elb", machineID(spare), "X-Reason: release 7")
		type pool struct {
			Pool, Kind, Name, Scope, DNSName, Scheme, VPCID string
			Zones                                           []string
			Listeners                                       []struct{ Port, InstancePort int }
			Tags                                            map[string]string
			MemberCount                                     int
			Health                                          *struct{ InService, OutOfService, Unknown, Draining int }
			AsOf                                            time.Time
			Attributes                                      *struct {
				Draining               bool
				DrainingTimeoutSeconds int
			}
			HealthCheck *struct{ Target string }
			Members     []memberState
		}
		b := decoded[pool](t, s.get("/v1/pools/elb/web-elb").body)
		if b.Pool != "elb/web-elb" || b.Kind != "elb" || b.Name != "web-elb" || b.Scope != "default" || !strings.HasPrefix(b.VPCID, "vpc-") || b.DNSName == "" || b.Scheme != "internet-facing" || len(b.Zones) != 2 || len(b.Listeners) != 1 || b.Tags["team"] != "web" ||
			b.MemberCount != 5 || b.AsOf.IsZero() || b.Attributes == nil || b.Attributes.DrainingTimeoutSeconds != 60 || b.HealthCheck == nil || b.HealthCheck.Target != "HTTP:8080/" {
			t.Errorf("it is shown as %+v", b)
		}
		states := make(map[string]string)
		for _, m := range b.Members {
			if m.Health != nil {
				states[m.Member] = m.Health.State
			}
			if m.Member == spare && (m.LastChange == nil || m.LastChange.Reason != "release 7" || m.LastChange.Actor != user || m.Name != "spare-1" || m.Since.IsZero()) {
				t.Errorf("the new member is %+v", m)
			}
		}
		if states["i-0a11ce0000000ab01"] != "InService" || states["i-0a11ce0000000ab02"] != "OutOfService" || states["i-0a11ce0000000ab04"] != "OutOfService" {
			t.Errorf("they are %v", states)
		}
		type page struct {
			Pools      []pool
			NextCursor string
		}
		names := func(query string) (names []string) {
			for _, b := range decoded[page](t, s.get("/v1/pools"+query).body).Pools {
				names = append(names, b.Pool)
			}
			return names
		}
		for query, want := range map[string][]string{
			"":                     {"elb/default-elb", "elb/web-elb", "tg/web-admin", "tg/web-elb"},
			"?name=web*":           {"elb/web-elb", "tg/web-admin", "tg/web-elb"},
			"?name=*-elb":          {"elb/default-elb", "elb/web-elb", "tg/web-elb"},
			"?name=d":              nil,
			"?tag=team=web":        {"elb/web-elb", "tg/web-admin", "tg/web-elb"},
			"?tag=team":            {"elb/default-elb", "elb/web-elb", "tg/web-admin", "tg/web-elb"},
			"?health=OutOfService": {"elb/web-elb", "tg/web-elb"},
			"?kind=elb":            {"elb/default-elb", "elb/web-elb"},
			"?kind=tg":             {"tg/web-admin", "tg/web-elb"},
			"?instance=" + spare:   {"elb/web-elb"},
			"?instance=" + member:  {"elb/default-elb"},
			"?instance=i-0123abcd": nil,
			"?vpc=" + b.VPCID:      {"elb/default-elb", "elb/web-elb", "tg/web-admin", "tg/web-elb"},
			"?vpc=vpc-0123abcd":    nil,
		} {
			if got := names(query); !slices.Equal(got, want) {
				t.Errorf("%s lists %v, want %v", query, got, want)
			}
		}
		first := decoded[page](t, s.get("/v1/pools?limit=1").body)
		second := decoded[page](t, s.get("/v1/pools?limit=3&cursor="+first.NextCursor).body)
		if len(first.Pools) != 1 || len(second.Pools) != 3 || second.Pools[0].Pool != "elb/web-elb" || second.NextCursor != "" {
			t.Errorf("in pages: %+v, %+v", first, second)
		}
		listed := decoded[page](t, s.get("/v1/pools?kind=elb&name=web-elb").body).Pools[0]
		if listed.Health == nil || listed.Health.InService < 1 || listed.Health.OutOfService < 3 {
			t.Errorf("it is listed as %+v", listed)
		}
	})
}
