package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// changed is the result of a change through /v1.
type changed struct {
	Pool, Member, Action, Outcome, ChangeID, AutoScalingGroup, Code string
}

// startWithGroups is startBoth, and the service has read the target groups.
func startWithGroups(t *testing.T, settings ...setting) (aws, *service) {
	t.Helper()
	a, s := startBoth(t, settings...)
	eventually(t, "the groups are read", func() bool {
		listed := s.get("/v1/pools?kind=tg").body
		return strings.Count(listed, `"memberCount"`) == 2 && strings.Count(listed, `"arn"`) > 2
	})
	return a, s
}

// ofGroup is a member of the demo's target groups, in an Auto Scaling group.
const ofGroup = "i-0a11ce0000000ab05"

func TestMembersOfTargetGroupsAreChangedWithTheirPorts(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startWithGroups(t, at(store))
		send := func(method, member, query string, status int) (changed, http.Header) {
			t.Helper()
			answer := s.send(method, "/v1/pools/tg/web-elb/members/"+member+query, "", "X-Reason: release 7")
			if answer.status != status {
				t.Errorf("%s %s is %d %s, want %d", method, member, answer.status, answer.body, status)
			}
			return decoded[changed](t, answer.body), answer.header
		}
		// Without a port, the group's own is meant.
		attached, _ := send(http.MethodPut, spare, "?wait=true&timeout=2m", http.StatusCreated)
		if attached.Member != spare+":8080" || attached.Pool != "tg/web-elb" || attached.Outcome != "applied" {
			t.Errorf("it is %+v", attached)
		}
		if again, _ := send(http.MethodPut, spare+":8080", "", http.StatusOK); again.Outcome != "unchanged" || again.Member != attached.Member {
			t.Errorf("again it is %+v", again)
		}
		other, _ := send(http.MethodPut, spare+":9090", "", http.StatusCreated)
		if got := s.instance(spare, noCache); got.pools() != "tg/web-elb attached, tg/web-elb attached" || got.Memberships[0].Member != spare+":8080" || got.Memberships[1].Member != other.Member {
			t.Errorf("the instance is %+v", got)
		}
		// Another port is another member.
		if wrong, _ := send(http.MethodDelete, spare+":8081", "", http.StatusNotFound); wrong.Code != "member.absent" {
			t.Errorf("with the wrong port it is %+v", wrong)
		}
		detached, header := send(http.MethodDelete, spare, "?wait=true&timeout=2m", http.StatusOK)
		if detached.Member != spare+":8080" || header.Get("Warning") != "" {
			t.Errorf("it is %+v %v", detached, header)
		}
		if got := s.instance(spare, noCache); got.pools() != "tg/web-elb attached" || got.Memberships[0].Member != spare+":9090" {
			t.Errorf("the instance is %+v", got)
		}
		if c := s.change(detached.ChangeID); c.Member != spare+":8080" || c.Reason != "release 7" || c.Outcome != "applied" {
			t.Errorf("on record is %+v", c)
		}
		if scaled, header := send(http.MethodDelete, ofGroup, "", http.StatusOK); scaled.AutoScalingGroup != "web-asg" || !strings.HasPrefix(header.Get("Warning"), `299 - "`+ofGroup+" is in the Auto Scaling group web-asg") {
			t.Errorf("of an Auto Scaling group it is %+v %v", scaled, header)
		}
		verify(t, store)
	})
}

func TestBadChangeOfTargetGroupIsRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	a.do("CreateTargetGroup", "Name=functions&TargetType=lambda")
	eventually(t, "the group is listed", func() bool { return strings.Contains(s.get("/v1/pools/tg/functions").body, `"lambda"`) })
	a.resetCalls()
	for path, want := range map[string]struct {
		status     int
		code, says string
	}{
		"tg/web-elb/members/i-x:0":               {400, "invalid", "the instance is not"},
		"tg/web-elb/members/" + spare + ":0":     {400, "invalid", "the port is not"},
		"tg/web-elb/members/" + spare + ":65536": {400, "invalid", "the port is not"},
		"tg/web-elb/members/:80":                 {400, "invalid", "the part before the port is missing"},
		"tg/web-elb/members/::1":                 {400, "invalid", "brackets"},
		"tg/web-elb/members/10.0.1.7:8080":       {400, "invalid", "members of this target group are instances"},
		"elb/web-elb/members/" + spare + ":80":   {400, "invalid", "have no port"},
		"tg/functions/members/" + spare:          {409, "pool.not_changeable", "lambda"},
		"tg/no-such-group/members/" + spare:      {404, "not_found", "no-such-group"},
		"alb/web-elb/members/" + spare:           {404, "not_found", "no such kind of pool"},
	} {
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			answer := s.send(method, "/v1/pools/"+path, "")
			got := decoded[struct{ Code, Detail string }](t, answer.body)
			if answer.status != want.status || got.Code != want.code || !strings.Contains(got.Detail, want.says) {
				t.Errorf("%s %s is %d %s", method, path, answer.status, answer.body)
			}
		}
	}
	if n := a.calls()["RegisterTargets"] + a.calls()["DeregisterTargets"]; n > 0 {
		t.Errorf("AWS was called: %v", a.calls())
	}
}

func TestTargetGroupShowsWhatRoutesToIt(t *testing.T) {
	t.Parallel()
	_, s := startWithGroups(t)
	got := decoded[struct {
		Kind, ARN, TargetType, Protocol string
		Port, MemberCount               int
		LoadBalancers                   []struct{ Name, Type string }
		Routes                          []struct {
			LoadBalancer, Protocol, Rule string
			Conditions                   []string
		}
		Members []struct {
			Member, AutoScalingGroup string
			Health                   *struct{ State, AWSState string }
		}
	}](t, s.get("/v1/pools/tg/web-admin").body)
	if got.Kind != "tg" || !strings.Contains(got.ARN, ":targetgroup/web-admin/") || got.TargetType != "instance" || got.Protocol != "HTTP" || got.Port != 9090 || got.MemberCount != 2 ||
		len(got.LoadBalancers) != 1 || got.LoadBalancers[0].Name != "web-alb" || got.LoadBalancers[0].Type != "application" {
		t.Errorf("it is %+v", got)
	}
	if len(got.Routes) != 2 || got.Routes[0].Rule != "1" || got.Routes[0].LoadBalancer != "web-alb" || !strings.Contains(got.Routes[0].Conditions[0], "/admin/*") || got.Routes[1].Rule != "2" {
		t.Errorf("the routes are %+v", got.Routes)
	}
	if len(got.Members) != 2 || got.Members[1].Member != ofGroup+":9090" || got.Members[1].AutoScalingGroup != "web-asg" || got.Members[1].Health == nil || got.Members[1].Health.State == got.Members[1].Health.AWSState {
		t.Errorf("the members are %+v", got.Members)
	}
}

// The five commands of a rolling deploy of an instance of several groups.
func TestInstanceIsTakenOutOfItsGroupsByTheCommand(t *testing.T) {
	t.Parallel()
	_, s := startWithGroups(t)
	lsapi := func(want int, arguments ...string) (stdout, stderr string) {
		t.Helper()
		status, stdout, stderr := run(t, arguments, with(s.asUser()...))
		if status != want {
			t.Errorf("lsapi %s: status %d, want %d\n%s%s", strings.Join(arguments, " "), status, want, stdout, stderr)
		}
		return stdout, stderr
	}
	if pools, _ := lsapi(0, "instance", "show", ofGroup, "-q"); pools != "tg/web-admin\ntg/web-elb\n" {
		t.Errorf("its pools are %s", pools)
	}
	for _, arguments := range [][]string{{"tg", "detach", "web-admin", ofGroup}, {"pool", "detach", "tg/web-elb", ofGroup + ":8080"}} {
		stdout, stderr := lsapi(0, append(arguments, "--wait", "--timeout", "2m", "--reason", "deploy 117")...)
		if !strings.Contains(stdout, `"outcome": "drained"`) || !strings.Contains(stderr, "is in the Auto Scaling group web-asg, which may replace it") {
			t.Errorf("%s%s", stdout, stderr)
		}
	}
	if shown, _ := lsapi(0, "instance", "show", ofGroup, "-o", "table"); !strings.Contains(shown, "It is not a member of any pool") || !strings.Contains(shown, "web-asg") {
		t.Errorf("it is\n%s", shown)
	}
	if stdout, _ := lsapi(0, "pool", "attach", "web-admin", ofGroup, "--wait", "--timeout", "2m"); !strings.Contains(stdout, `"member": "`+ofGroup+`:9090"`) {
		t.Errorf("it is %s", stdout)
	}
	if history, _ := lsapi(0, "pool", "history", "web-admin", "--instance", ofGroup, "-o", "table"); !strings.Contains(history, "deploy 117") || strings.Count(history, ofGroup+":9090") != 2 {
		t.Errorf("the history is\n%s", history)
	}
	if _, stderr := lsapi(2, "pool", "show", "web-elb"); !strings.Contains(stderr, "give elb/web-elb or tg/web-elb") {
		t.Errorf("stderr is %s", stderr)
	}
	if status, offered, _ := run(t, []string{"__complete", "pool", "detach", "tg/web-admin", ""}, with(s.asUser()...)); status != 0 || !strings.Contains(offered, ofGroup+":9090\t") {
		t.Errorf("offered are\n%s", offered)
	}
}
