package emulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// Spares is how many running instances of a generated fleet are in no load
	// balancer, for tests to attach.
	Spares = 1000

	maxGeneratedBalancers = 10_000
	maxGeneratedInstances = 1_000_000
)

// Generate returns a fleet of load balancers with so many members each, all
// running and in service, and Spares more instances. BalancerName, MemberID and
// SpareID name them. Every call returns the same.
func Generate(balancers, members int) (Fleet, error) {
	if balancers < 0 || balancers > maxGeneratedBalancers {
		return Fleet{}, fmt.Errorf("a fleet has 0 to %d load balancers, not %d", maxGeneratedBalancers, balancers)
	}
	if members < 0 || members > maxMembers {
		return Fleet{}, fmt.Errorf("a load balancer has 0 to %d members, not %d", maxMembers, members)
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

// generated is an instance in one of the zones that load balancers serve.
func generated(id string, n int) Instance {
	return Instance{
		ID:       id,
		Zone:     zoneLetters[n%2 : n%2+1],
		Launched: longAgo.Add(time.Duration(n) * time.Second),
	}
}

// BalancerName is the name of the n-th load balancer of a generated fleet,
// counted from 1: elb-0001.
func BalancerName(n int) string { return fmt.Sprintf("elb-%04d", n) }

// MemberID is the id of the n-th member of a generated load balancer, both
// counted from 1: the load balancer's number and its own in hexadecimal, as in
// i-00000000a00000001.
func MemberID(balancer, n int) string { return fmt.Sprintf("i-0%08x%08x", balancer, n) }

// SpareID is the id of the n-th instance of a generated fleet that is in no load
// balancer, counted from 1: i-00000000000000001.
func SpareID(n int) string { return MemberID(0, n) }

// parseSize reads "100x20".
func parseSize(spec string) (balancers, members int, ok bool) {
	before, after, found := strings.Cut(spec, "x")
	balancers, beforeErr := strconv.Atoi(before)
	members, afterErr := strconv.Atoi(after)
	return balancers, members, found && beforeErr == nil && afterErr == nil
}
