package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// instanceState is an instance of the /v1 API.
type instanceState struct {
	InstanceID, InstanceType, State, Name string
	Complete                              bool
	Unread                                []string
	Outdated                              []struct{ Kind, Reason string }
	Memberships                           []struct {
		Pool, Member       string
		Attached, Draining bool
		Health             *struct{ State, AWSState string }
		AsOf, HealthAsOf   time.Time
		LastChange         *struct{ ID, Action, Actor string }
	}
}

// instance returns an instance of the API.
func (c client) instance(id string, headers ...string) instanceState {
	c.t.Helper()
	answer := c.send(http.MethodGet, "/v1/instances/"+id, "", headers...)
	if answer.status != http.StatusOK {
		c.t.Fatalf("instance %s: %d %s", id, answer.status, answer.body)
	}
	return decoded[instanceState](c.t, answer.body)
}

// pools describes the memberships of an instance.
func (i instanceState) pools() string {
	var words []string
	for _, m := range i.Memberships {
		word := m.Pool
		if m.Attached {
			word += " attached"
		}
		if m.Draining {
			word += " draining"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func TestMembersAreAVersionedSet(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		const path = "/v1/pools/elb/default-elb/members"
		type set struct {
			Pool    string
			Members []string
		}
		first := s.get(path)
		version := first.header.Get("ETag")
		want := a.members("default-elb")
		slices.Sort(want)
		if got := decoded[set](t, first.body); first.status != http.StatusOK || got.Pool != "elb/default-elb" || !slices.Equal(got.Members, want) || len(version) != 34 {
			t.Fatalf("it is %d %v %s, want %v", first.status, first.header, first.body, want)
		}
		if pool := decoded[struct{ MembershipVersion string }](t, s.get("/v1/pools/elb/default-elb").body); `"`+pool.MembershipVersion+`"` != version {
			t.Errorf("the pool has the version %s, its members %s", pool.MembershipVersion, version)
		}
		if again := s.send(http.MethodGet, path, "", "If-None-Match: "+version); again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("the same version is %d %s", again.status, again.body)
		}
		// Health is not part of it.
		a.send(http.MethodPost, "/_emulator/health", `{"instanceId":"`+member+`","healthy":false}`)
		eventually(t, "the member fails", func() bool {
			return strings.Contains(s.send(http.MethodGet, path+"/"+member, "", noCache).body, `"OutOfService"`)
		})
		if again := s.send(http.MethodGet, path, "", "If-None-Match: "+version, noCache); again.status != http.StatusNotModified {
			t.Errorf("with another health it is %d %s", again.status, again.body)
		}
		s.attach("default-elb", spare)
		changed := s.send(http.MethodGet, path, "", "If-None-Match: "+version)
		if got := decoded[set](t, changed.body); changed.status != http.StatusOK || !slices.Contains(got.Members, spare) || !slices.IsSorted(got.Members) || changed.header.Get("ETag") == version {
			t.Errorf("after an attach it is %d %v %s", changed.status, changed.header, changed.body)
		}
		s.detach("default-elb", spare)
		if back := s.get(path); back.body != first.body || back.header.Get("ETag") != version {
			t.Errorf("the same set is %v %s, first it was %v %s", back.header, back.body, first.header, first.body)
		}
		// An external change is in a fresh read.
		a.register("default-elb", otherSpare)
		if fresh := s.send(http.MethodGet, path, "", noCache); !strings.Contains(fresh.body, otherSpare) || fresh.header.Get("Age") != "1" && fresh.header.Get("Age") != "0" {
			t.Errorf("afresh it is %v %s", fresh.header, fresh.body)
		}
	})
}

func TestInstanceShowsItsPools(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startSlow(t, "1s", "1h", at(store))
		a.do("CreateLoadBalancer", "LoadBalancerName=other-elb&Listeners.member.1.Protocol=HTTP&Listeners.member.1.LoadBalancerPort=80&Listeners.member.1.InstancePort=80&AvailabilityZones.member.1=us-east-1a")
		a.register("other-elb", slowMember)
		attached := s.attachAndWait(slowSpare, "60s").changeID(t)
		if got := s.instance(slowMember, noCache); got.pools() != "elb/other-elb attached, elb/slow-elb attached" || !got.Complete || got.State != "running" || got.InstanceID != slowMember {
			t.Errorf("afresh it is %+v", got)
		}
		got := s.instance(slowSpare)
		if got.pools() != "elb/slow-elb attached" || !got.Complete || got.Unread != nil {
			t.Fatalf("it is %+v", got)
		}
		m := got.Memberships[0]
		if m.Member != slowSpare || m.Health == nil || m.Health.State != "InService" || m.Health.AWSState != "InService" || m.AsOf.IsZero() || m.HealthAsOf.IsZero() ||
			m.LastChange == nil || m.LastChange.ID != attached || m.LastChange.Actor != user {
			t.Errorf("its membership is %+v", m)
		}
		s.detach("slow-elb", slowSpare)
		eventually(t, "it drains", func() bool { return s.instance(slowSpare).pools() == "elb/slow-elb draining" })
		if got := s.instance(slowFailing); got.pools() != "" || got.Memberships == nil || got.State != "running" {
			t.Errorf("without memberships it is %+v", got)
		}
		a.resetCalls()
		for range 100 {
			s.instance(slowMember)
		}
		if n := a.calls()["DescribeInstanceHealth"] + a.calls()["DescribeInstances"]; n > 20 {
			t.Errorf("a hundred reads cost %v", a.calls())
		}
	})
}

func TestUnknownInstanceIsNotFoundAndAFailureIsNot(t *testing.T) {
	t.Parallel()
	a, s := startWithGroups(t)
	for _, id := range []string{"i-0123abcd", "i-0123456789abcdef0", "web-1", "i-1", strings.ToUpper(member)} {
		if answer := s.get("/v1/instances/" + id); answer.status != http.StatusNotFound || decoded[problem](t, answer.body).Detail == "" {
			t.Errorf("%s is %d %s", id, answer.status, answer.body)
		}
	}
	if answer := s.get("/v1/instances/" + member + "?fresh=true"); answer.status != http.StatusBadRequest || !strings.Contains(answer.body, "query.fresh") {
		t.Errorf("an unknown parameter is %d %s", answer.status, answer.body)
	}
	a.fault(t, `{"action":"DescribeInstances","kind":"500","probability":1}`)
	if got := s.instance("i-0123abce"); got.pools() != "" || got.State != "" {
		t.Errorf("while EC2 fails it is %+v", got)
	}
	a.fault(t, `{"action":"DescribeLoadBalancers","kind":"500","probability":1}`)
	got := s.instance(member, noCache)
	if got.Complete || !slices.Equal(got.Unread, []string{"elb/default-elb", "elb/web-elb"}) || got.pools() != "elb/default-elb attached" {
		t.Errorf("a fresh read that fails is %+v", got)
	}
	if got := s.instance(member); !got.Complete || got.pools() != "elb/default-elb attached" {
		t.Errorf("from memory it is %+v", got)
	}
}

func TestFreshReadsIncludeChangesOfOtherReplicas(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, nil)
	one, two := c.replicas[0].client(), c.replicas[1].client()
	for range 5 {
		one.attach("default-elb", spare)
		if got := two.instance(spare, noCache); got.pools() != "elb/default-elb attached" || !got.Complete {
			t.Errorf("after the attach it is %+v", got)
		}
		one.detach("default-elb", spare)
		if got := two.instance(spare, noCache); strings.Contains(got.pools(), "attached") || !got.Complete {
			t.Errorf("after the detach it is %+v", got)
		}
	}
}

func TestImpossiblePoolIsNotFoundWithReason(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	a.resetCalls()
	for path, reason := range map[string]string{
		"/v1/pools/alb/web-elb":                                  "no such kind of pool",
		"/v1/pools/ELB/web-elb/members":                          "no such kind of pool",
		"/v1/pools/elb/-web":                                     "no such pool",
		"/v1/pools/elb/no-such-elb":                              "no load balancer named no-such-elb",
		"/v1/pools/elb/no-such-elb/members":                      "no load balancer named no-such-elb",
		"/v1/pools/elb/default-elb/members/web-1":                "path.member",
		"/v1/pools/elb/default-elb/members/" + member + ":8080":  "have no port",
		"/v1/pools/elb/default-elb/members/10.0.1.7:8080":        "not IP addresses",
		"/v1/pools/elb/default-elb/members/" + spare:             "not a member",
		"/v1/pools/elb":                                          "no such path",
		"/v1/load-balancers":                                     "no such path",
		"/v1/load-balancers/default-elb":                         "no such path",
		"/v1/load-balancers/default-elb/members":                 "no such path",
		"/v1/load-balancers/default-elb/members/" + member:       "no such path",
		"/v1/pools/elb/no-such-elb/members?at=2020-01-01T00:00Z": "query.at",
	} {
		want := http.StatusNotFound
		if strings.Contains(path, "?") || strings.HasSuffix(path, "web-1") || strings.HasSuffix(path, ":8080") {
			want = http.StatusBadRequest
		}
		if answer := s.get(path); answer.status != want || !strings.Contains(decoded[problem](t, answer.body).Detail, reason) {
			t.Errorf("%s is %d %s", path, answer.status, answer.body)
		}
	}
	for query, parameter := range map[string]string{
		"kind=alb": "kind", "kind=": "kind", "instance=web-1": "instance", "vpc=vpc-1": "vpc", "pool=elb/web-elb": "pool", "kind=elb&kind=elb": "kind",
	} {
		if answer := s.get("/v1/pools?" + query); answer.status != http.StatusBadRequest || !strings.Contains(decoded[problem](t, answer.body).Detail, "query."+parameter) {
			t.Errorf("%s is %d %s", query, answer.status, answer.body)
		}
	}
}

func TestStreamIsFilteredByInstance(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	one, pair := s.events("?instance="+spare, ""), s.events("?pool=elb/web-elb&member="+otherSpare, "")
	s.attach("default-elb", otherSpare)
	s.attach("web-elb", otherSpare)
	s.attach("web-elb", spare)
	if e := one.next(); e.String() != "attached web-elb "+spare || e.data.Change == nil || e.data.Change.Pool != "elb/web-elb" {
		t.Errorf("of the instance, first is %v %+v", e, e.data)
	}
	if e := pair.next(); e.String() != "attached web-elb "+otherSpare {
		t.Errorf("of the member in its pool, first is %v", e)
	}
	for query, parameter := range map[string]string{"pool=web-elb": "pool", "member=web-1": "member", "instance=" + spare + ":80": "instance", "loadBalancer=web-elb": "loadBalancer"} {
		if answer := s.send(http.MethodGet, "/v1/events?"+query, ""); answer.status != http.StatusBadRequest || !strings.Contains(answer.body, "query."+parameter) {
			t.Errorf("%s is %d %s", query, answer.status, answer.body)
		}
	}
}

func TestPoolAndInstanceCommands(t *testing.T) {
	t.Parallel()
	a, s := startWithGroups(t)
	lsapi := func(want int, arguments ...string) (stdout, stderr string) {
		t.Helper()
		status, stdout, stderr := run(t, arguments, with(s.asUser()...))
		if status != want {
			t.Errorf("lsapi %s: status %d, want %d\n%s%s", strings.Join(arguments, " "), status, want, stdout, stderr)
		}
		return stdout, stderr
	}
	if pools, _ := lsapi(0, "pool", "list", "-q"); pools != "elb/default-elb\nelb/web-elb\ntg/web-admin\ntg/web-elb\n" {
		t.Errorf("the pools are %s", pools)
	}
	if pools, _ := lsapi(0, "pool", "list", "-q", "--instance", member); pools != "elb/default-elb\n" {
		t.Errorf("the pools of %s are %s", member, pools)
	}
	for _, name := range []string{"default-elb", "elb/default-elb"} {
		for _, group := range []string{"pool", "elb"} {
			if members, _ := lsapi(0, group, "show", name, "-q"); strings.Fields(members)[0] != a.members("default-elb")[0] {
				t.Errorf("%s show %s prints %s", group, name, members)
			}
		}
	}
	s.attach("web-elb", spare)
	if history, _ := lsapi(0, "pool", "history", "elb/web-elb", "--instance", spare); !strings.Contains(history, `"pool":"elb/web-elb","member":"`+spare+`"`) {
		t.Errorf("the history is %s", history)
	}
	if shown, _ := lsapi(0, "instance", "show", spare, "-o", "table"); !strings.Contains(shown, "elb/web-elb") || !strings.Contains(shown, "attach by "+user) {
		t.Errorf("the instance is\n%s", shown)
	}
	if pools, _ := lsapi(0, "instance", "show", spare, "--fresh", "-q"); pools != "elb/web-elb\n" {
		t.Errorf("its pools are %s", pools)
	}
	lsapi(1, "instance", "show", "i-0123abcd")
	lsapi(2, "instance", "show", "web-1")
	lsapi(2, "pool", "show", "alb/web")
	if _, stderr := lsapi(1, "pool", "show", "elb/web-lb"); !strings.Contains(stderr, "did you mean elb/web-elb?") {
		t.Errorf("stderr is %s", stderr)
	}
	a.fault(t, `{"action":"DescribeLoadBalancers","kind":"500","probability":1}`)
	if pools, stderr := lsapi(4, "instance", "show", spare, "--fresh", "-q"); pools != "elb/web-elb\n" || !strings.Contains(stderr, "elb/default-elb, elb/web-elb") {
		t.Errorf("while AWS fails, stdout is %s, stderr %s", pools, stderr)
	}
}

func TestMembersAreChangedThroughV1(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		const path = "/v1/pools/elb/default-elb/members/" + spare
		type result struct{ Pool, Member, Action, Outcome, ChangeID string }
		send := func(method, query string, status int, outcome string, headers ...string) result {
			t.Helper()
			answer := s.send(method, path+query, "", headers...)
			got := decoded[result](t, answer.body)
			if answer.status != status || got.Outcome != outcome {
				t.Errorf("%s is %d %s, want %d %s", method, answer.status, answer.body, status, outcome)
			}
			return got
		}
		attached := send(http.MethodPut, "?wait=true&timeout=2m", http.StatusCreated, "applied", "X-Reason: release 7", "Idempotency-Key: one")
		if attached.Pool != "elb/default-elb" || attached.Member != spare || attached.Action != "attach" || !slices.Contains(a.members("default-elb"), spare) {
			t.Errorf("it is %+v, the members are %v", attached, a.members("default-elb"))
		}
		if c := s.change(attached.ChangeID); c.Reason != "release 7" || c.Actor != user || c.Outcome != "applied" {
			t.Errorf("on record is %+v", c)
		}
		if again := send(http.MethodPut, "?wait=true&timeout=2m", http.StatusCreated, "applied", "Idempotency-Key: one"); again != attached {
			t.Errorf("repeated it is %+v, first it was %+v", again, attached)
		}
		if again := send(http.MethodPut, "", http.StatusOK, "unchanged"); s.change(again.ChangeID).Outcome != "conflict" {
			t.Errorf("on record is %+v", s.change(again.ChangeID))
		}
		if n := a.calls()["RegisterInstancesWithLoadBalancer"]; n != 1 {
			t.Errorf("%d register calls", n)
		}
		send(http.MethodDelete, "?wait=true&timeout=5m", http.StatusOK, "applied")
		send(http.MethodDelete, "", http.StatusNotFound, "")
		if answer := s.send(http.MethodDelete, path, ""); !strings.Contains(answer.body, `"code":"member.absent"`) || answer.header.Get("X-Change-Id") == "" {
			t.Errorf("a detach of no member is %v %s", answer.header, answer.body)
		}
		if answer := s.send(http.MethodPut, "/v1/pools/elb/no-such-elb/members/"+spare, ""); answer.status != http.StatusNotFound || !strings.Contains(answer.body, `"code":"not_found"`) {
			t.Errorf("in no pool it is %d %s", answer.status, answer.body)
		}
		if answer := s.send(http.MethodPut, "/v1/pools/elb/default-elb/members/i-0dead00000000beef", ""); answer.status != http.StatusBadRequest {
			t.Errorf("of no instance it is %d %s", answer.status, answer.body)
		}
		verify(t, store)
	})
}
