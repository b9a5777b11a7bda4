package fleet

import (
	"errors"
	"fmt"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/elbv2"
)

const (
	// Spares is the number of running instances of a generated fleet outside of load
	// balancers.
	Spares = 1000

	maxGeneratedPools   = 10_000
	maxGeneratedMembers = 1_000_000

	// A generated Application Load Balancer forwards to at most so many target groups, and
	// its quota of targets leaves room to register more.
	maxGroupsPerBalancer  = 50
	maxTargetsPerBalancer = elbv2.MaxTargets / 2
)

// The ports of generated target groups: of those with odd numbers and of those with even
// ones.
const (
	OddGroupPort  = 8080
	EvenGroupPort = 9090
)

// Size is the size of a generated fleet.
type Size struct {
	LoadBalancers, Members int // Classic load balancers, and the members of each
	TargetGroups, Targets  int // target groups, and the targets of each
}

// Generate returns a fleet of Classic load balancers with members and target groups with
// targets, all in service, and Spares more instances. BalancerName, MemberID, GroupName,
// TargetID and SpareID return their names. Application Load Balancers forward to the groups
// by path. The result is deterministic.
func Generate(s Size) (Fleet, error) {
	if err := errors.Join(
		checkSize("Classic load balancers", s.LoadBalancers, "members", s.Members, elb.MaxMembers),
		checkSize("target groups", s.TargetGroups, "targets", s.Targets, elbv2.MaxTargets),
	); err != nil {
		return Fleet{}, err
	}
	fleet := Fleet{Instances: make([]Instance, 0, s.LoadBalancers*s.Members+s.TargetGroups*s.Targets/2+Spares)}
	fleet.generateBalancers(s)
	fleet.generateGroups(s)
	fleet.generateRoutes(s)
	for n := 1; n <= Spares; n++ {
		fleet.Instances = append(fleet.Instances, generated(SpareID(n), n))
	}
	return fleet, nil
}

func checkSize(nouns string, pools int, memberNouns string, members, maxMembers int) error {
	switch {
	case pools < 0 || pools > maxGeneratedPools:
		return fmt.Errorf("a fleet has 0 to %d %s, not %d", maxGeneratedPools, nouns, pools)
	case members < 0 || members > maxMembers:
		return fmt.Errorf("each of the %s has 0 to %d %s, not %d", nouns, maxMembers, memberNouns, members)
	case pools*members > maxGeneratedMembers:
		return fmt.Errorf("a fleet has at most %d %s in all, not %d", maxGeneratedMembers, memberNouns, pools*members)
	}
	return nil
}

func (f *Fleet) generateBalancers(s Size) {
	for b := 1; b <= s.LoadBalancers; b++ {
		ids := make([]string, s.Members)
		for m := range ids {
			ids[m] = MemberID(b, m+1)
			f.Instances = append(f.Instances, generated(ids[m], m))
		}
		f.LoadBalancers = append(f.LoadBalancers, LoadBalancer{Name: BalancerName(b), Members: ids})
	}
}

func (f *Fleet) generateGroups(s Size) {
	for g := 1; g <= s.TargetGroups; g++ {
		group := TargetGroup{Name: GroupName(g), Port: OddGroupPort, Targets: make([]string, s.Targets)}
		if g%2 == 0 {
			group.Port = EvenGroupPort
		}
		for n := range group.Targets {
			id := TargetID(g, n+1)
			group.Targets[n] = id
			if g%2 == 1 {
				f.Instances = append(f.Instances, generated(id, n))
			}
		}
		f.TargetGroups = append(f.TargetGroups, group)
	}
}

// generateRoutes makes the Application Load Balancers, each with a rule for each of its
// groups but the first.
func (f *Fleet) generateRoutes(s Size) {
	size := max(1, min(maxGroupsPerBalancer, maxTargetsPerBalancer/max(1, s.Targets)))
	for first := 1; first <= s.TargetGroups; first += size {
		listener := ListenerV2{Protocol: "HTTP", Port: 80, Forward: map[string]int{GroupName(first): 1}}
		for g := first + 1; g < first+size && g <= s.TargetGroups; g++ {
			listener.Rules = append(listener.Rules, Rule{Paths: []string{"/" + GroupName(g) + "/*"}, Forward: map[string]int{GroupName(g): 1}})
		}
		name := fmt.Sprintf("alb-%04d", len(f.ApplicationLoadBalancers)+1)
		f.ApplicationLoadBalancers = append(f.ApplicationLoadBalancers, LoadBalancerV2{Name: name, Listeners: []ListenerV2{listener}})
	}
}

// generated returns an instance in one of the default zones of load balancers.
func generated(id string, n int) Instance {
	return Instance{
		ID:       id,
		Zone:     account.ZoneLetters[n%2 : n%2+1],
		Launched: defaultLaunched.Add(time.Duration(n) * time.Second),
	}
}

// BalancerName returns the name of the n-th Classic load balancer of a generated fleet,
// from 1: elb-0001.
func BalancerName(n int) string { return fmt.Sprintf("elb-%04d", n) }

// MemberID returns the id of the n-th member of a generated Classic load balancer, both
// from 1: i-00000000a00000001 for the first member of the tenth.
func MemberID(balancer, n int) string { return fmt.Sprintf("i-0%08x%08x", balancer, n) }

// GroupName returns the name of the n-th target group of a generated fleet, from 1:
// tg-0001.
func GroupName(n int) string { return fmt.Sprintf("tg-%04d", n) }

// TargetID returns the instance of the n-th target of a generated target group, both from
// 1. A group of an odd number and the next one have the same instances, on different ports:
// i-10000000500000001 is the first target of the ninth and the tenth.
func TargetID(group, n int) string { return fmt.Sprintf("i-1%08x%08x", (group+1)/2, n) }

// SpareID returns the id of the n-th instance of a generated fleet outside of load
// balancers, from 1: i-00000000000000001.
func SpareID(n int) string { return MemberID(0, n) }
