package emulator

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"lsapi/internal/emulator/fleet"
)

func TestDemoFleetMatchesDocumentation(t *testing.T) {
	s := demo(t).State()
	if len(s.LoadBalancers) != 2 || s.LoadBalancers[0].Name != "default-elb" || len(s.LoadBalancers[0].Members) != 1 {
		t.Fatalf("load balancers %+v", s.LoadBalancers)
	}
	if m := s.LoadBalancers[0].Members[0]; m.InstanceID != demoMember || m.State != "InService" {
		t.Errorf("member of default-elb: %+v", m)
	}
}

func TestDemoFleetHasTargetGroupsThatShareInstances(t *testing.T) {
	a := demo(t)
	want := map[string][]string{
		"web-elb": {
			demoServing + "/8080 " + stateHealthy, demoFailing + "/8080 " + stateUnhealthy, demoStopped + "/8080 " + stateStopped,
			demoRegisters + "/8080 " + stateRegistering, demoScaled + "/8080 " + stateHealthy,
		},
		"web-admin": {demoServing + "/9090 " + stateHealthy, demoScaled + "/9090 " + stateHealthy},
	}
	out := must[*elasticloadbalancingv2.DescribeTargetGroupsOutput](t)(a.elbv2.DescribeTargetGroups(t.Context(), &elasticloadbalancingv2.DescribeTargetGroupsInput{}))
	if len(out.TargetGroups) != len(want) {
		t.Errorf("target groups %v", groupNames(out))
	}
	for _, g := range out.TargetGroups {
		a.wantTargets(t, *g.TargetGroupArn, nil, want[*g.TargetGroupName]...)
		if len(g.LoadBalancerArns) != 1 || !strings.Contains(g.LoadBalancerArns[0], "/app/web-alb/") {
			t.Errorf("%s is behind %v", *g.TargetGroupName, g.LoadBalancerArns)
		}
	}
	if found := must[[]string](t)(a.found(t.Context(), filterBy("tag:aws:autoscaling:groupName", "web-asg"))); !slices.Equal(found, []string{demoScaled}) {
		t.Errorf("instances of the Auto Scaling group: %v", found)
	}
}

func TestGeneratedTargetGroupsShareInstancesInPairs(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "2x1+tg:60x10")})
	s := a.State()
	if len(s.LoadBalancers) != 2 || len(s.TargetGroups) != 60 || len(s.Instances) != 2+300+fleet.Spares {
		t.Fatalf("%d load balancers, %d target groups and %d instances", len(s.LoadBalancers), len(s.TargetGroups), len(s.Instances))
	}
	balancers := map[string]int{}
	for g, group := range s.TargetGroups {
		for n, target := range group.Targets {
			if group.Name != fleet.GroupName(g+1) || target.ID != fleet.TargetID(g+1, n+1) || target.State != "healthy" || target.Port != 8080+g%2*1010 {
				t.Errorf("%s has %+v, want %s, which is healthy", group.Name, target, fleet.TargetID(g+1, n+1))
			}
		}
		balancers[strings.Join(group.LoadBalancers, " ")]++
	}
	if len(balancers) != 2 || fleet.TargetID(9, 1) != "i-10000000500000001" || fleet.TargetID(10, 1) != fleet.TargetID(9, 1) {
		t.Errorf("load balancers %v, target %s", balancers, fleet.TargetID(9, 1))
	}
}

func TestGeneratedFleetExceedsQuotas(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "tg:3001x1")})
	if got := len(a.State().TargetGroups); got != 3001 {
		t.Errorf("%d target groups, want 3001", got)
	}
	_, err := a.elbv2.CreateTargetGroup(t.Context(), creatingGroup("shop"))
	wantCode(t, err, "TooManyTargetGroups", "")
}

func TestGeneratedFleetHasPredictableNames(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "3x2")})
	s := a.State()
	if len(s.LoadBalancers) != 3 || len(s.Instances) != 6+fleet.Spares {
		t.Fatalf("%d load balancers and %d instances", len(s.LoadBalancers), len(s.Instances))
	}
	for b, lb := range s.LoadBalancers {
		for n, m := range lb.Members {
			if lb.Name != fleet.BalancerName(b+1) || m.InstanceID != fleet.MemberID(b+1, n+1) || m.State != "InService" {
				t.Errorf("%s has %+v, want %s in service", lb.Name, m, fleet.MemberID(b+1, n+1))
			}
		}
	}
	if fleet.SpareID(1) != "i-00000000000000001" || fleet.MemberID(10, 1) != "i-00000000a00000001" {
		t.Errorf("ids %s and %s are not those in the documentation", fleet.SpareID(1), fleet.MemberID(10, 1))
	}
}

func TestEmptyFleet(t *testing.T) {
	s := start(t, Options{Fleet: mustFleet(t, "empty")}).State()
	if len(s.LoadBalancers)+len(s.Instances) != 0 {
		t.Errorf("state %+v, want nothing", s)
	}
}

func TestNewReportsAllFleetProblems(t *testing.T) {
	_, err := New(Options{Fleet: fleet.Fleet{
		Instances:     []fleet.Instance{{ID: "web1"}, {ID: "web2"}},
		LoadBalancers: []fleet.LoadBalancer{{Name: "-"}},
	}})
	for _, want := range []string{"instances[0].id", "instances[1].id", "loadBalancers[0].name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestNewRejectsNegativeOptions(t *testing.T) {
	for _, o := range []Options{{Latency: -1}, {Lag: -1}, {MaxLoadBalancers: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
