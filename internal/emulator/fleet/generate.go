package fleet

import (
	"fmt"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/elb"
)

const (
	// Spares is the number of running instances of a generated fleet outside of load
	// balancers.
	Spares = 1000

	maxGeneratedBalancers = 10_000
	maxGeneratedInstances = 1_000_000
)

// Generate returns a fleet of load balancers with members, all in service, and Spares
// more instances. BalancerName, MemberID and SpareID return their names. The result is
// deterministic.
func Generate(balancers, members int) (Fleet, error) {
	if balancers < 0 || balancers > maxGeneratedBalancers {
		return Fleet{}, fmt.Errorf("a fleet has 0 to %d load balancers, not %d", maxGeneratedBalancers, balancers)
	}
	if members < 0 || members > elb.MaxMembers {
		return Fleet{}, fmt.Errorf("a load balancer has 0 to %d members, not %d", elb.MaxMembers, members)
	}
	if balancers*members > maxGeneratedInstances {
		return Fleet{}, fmt.Errorf("a fleet has at most %d members in all, not %d", maxGeneratedInstances, balancers*members)
	}
	fleet := Fleet{
		LoadBalancers: make([]LoadBalancer, 0, balancers),
		Instances:     make([]Instance, 0, balancers*members+Spares),
	}
	for b := 1; b <= balancers; b++ {
		ids := make([]string, members)
		for m := range ids {
			ids[m] = MemberID(b, m+1)
			fleet.Instances = append(fleet.Instances, generated(ids[m], m))
		}
		fleet.LoadBalancers = append(fleet.LoadBalancers, LoadBalancer{Name: BalancerName(b), Members: ids})
	}
	for n := 1; n <= Spares; n++ {
		fleet.Instances = append(fleet.Instances, generated(SpareID(n), n))
	}
	return fleet, nil
}

// generated returns an instance in one of the default zones of load balancers.
func generated(id string, n int) Instance {
	return Instance{
		ID:       id,
		Zone:     account.ZoneLetters[n%2 : n%2+1],
		Launched: defaultLaunched.Add(time.Duration(n) * time.Second),
	}
}

// BalancerName returns the name of the n-th load balancer of a generated fleet, from 1:
// elb-0001.
func BalancerName(n int) string { return fmt.Sprintf("elb-%04d", n) }

// MemberID returns the id of the n-th member of a generated load balancer, both from 1:
// i-00000000a00000001 for the first member of the tenth.
func MemberID(balancer, n int) string { return fmt.Sprintf("i-0%08x%08x", balancer, n) }

// SpareID returns the id of the n-th instance of a generated fleet outside of load
// balancers, from 1: i-00000000000000001.
func SpareID(n int) string { return MemberID(0, n) }
