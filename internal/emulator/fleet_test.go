package emulator

import (
	"strings"
	"testing"

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
