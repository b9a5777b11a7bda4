package emulator

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"lsapi/internal/emulator/fleet"
)

func TestSomeReadsLag(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "20x1"), Lag: time.Second, Seed: 7})
	stale := 0
	for n := range 20 {
		name := fleet.BalancerName(n + 1)
		must[[]string](t)(a.register(t.Context(), name, fleet.SpareID(1)))
		a.clock.Advance(100 * time.Millisecond)
		if !slices.Contains(must[[]string](t)(a.described(t.Context(), name)), fleet.SpareID(1)) {
			stale++
		}
	}
	if stale == 0 || stale == 20 {
		t.Errorf("%d of 20 reads were stale, want some", stale)
	}
}

func TestChangesApplyToActualState(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Lag: time.Hour})
	must[[]string](t)(a.deregister(t.Context(), "default-elb", demoMember))
	if list := must[[]string](t)(a.deregister(t.Context(), "default-elb", demoMember)); len(list) != 0 {
		t.Errorf("the second deregister answered %v, want none left", list)
	}
}

func TestInstanceReadsLag(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Lag: time.Hour, Seed: 3})
	must[*ec2.RunInstancesOutput](t)(a.ec2.RunInstances(t.Context(), run(1)))
	before := len(must[*ec2.DescribeInstancesOutput](t)(a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})).Reservations)
	a.clock.Advance(time.Hour)
	after := len(must[*ec2.DescribeInstancesOutput](t)(a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})).Reservations)
	if before != 11 || after != 11 { // the terminated one is forgotten as the new one comes in sight
		t.Errorf("%d instances at once and %d an hour later, want the new one only then", before, after)
	}
}
