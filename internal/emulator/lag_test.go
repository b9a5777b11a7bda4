package emulator

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"pgregory.net/rapid"
)

func TestLaggingReadsTrailWritesByAtMostTheLagAndNeverRunBackwards(t *testing.T) {
	const lag = 500 * time.Millisecond
	rapid.Check(t, func(rt *rapid.T) {
		clock := NewManualClock(longAgo.AddDate(1, 0, 0))
		e, err := New(Options{Fleet: fleet(t, "1x0"), Lag: lag, Clock: clock, Seed: rapid.Uint64().Draw(rt, "seed")})
		if err != nil {
			rt.Fatal(err)
		}
		made := []time.Time{{}} // when the n-th member was added; before it the list had n members
		shown := 0
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			clock.Advance(time.Duration(rapid.IntRange(0, 200).Draw(rt, "milliseconds")) * time.Millisecond)
			if rapid.Bool().Draw(rt, "write") {
				joinDirectly(e, "elb-0001", SpareID(len(made)))
				made = append(made, clock.Now())
				continue
			}
			got := membersRead(e, "elb-0001")
			if got < shown {
				rt.Fatalf("a read shows %d members after one that showed %d", got, shown)
			}
			shown = got
			visible := made[:got+1]
			for n, at := range made[len(visible):] {
				if clock.Now().Sub(at) > lag {
					rt.Fatalf("member %d is not visible %v after it was added", len(visible)+n, clock.Now().Sub(at))
				}
			}
		}
	})
}

func joinDirectly(e *Emulator, name, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.world.join(e.world.balancers[name], []string{id}, e.clock.Now())
}

// membersRead returns how many members a reading shows.
func membersRead(e *Emulator, name string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.world.seen(name, e.world.read(e.clock.Now())).members)
}

func TestSomeLaggingReadsDoTrail(t *testing.T) {
	a := start(t, Options{Fleet: fleet(t, "20x1"), Lag: time.Second, Seed: 7})
	stale := 0
	for n := range 20 {
		name := BalancerName(n + 1)
		must[[]string](t)(a.register(t.Context(), name, SpareID(1)))
		a.clock.Advance(100 * time.Millisecond)
		if !slices.Contains(must[[]string](t)(a.described(t.Context(), name)), SpareID(1)) {
			stale++
		}
	}
	if stale == 0 || stale == 20 {
		t.Errorf("%d of 20 reads were stale, want some", stale)
	}
}

func TestChangesAreDecidedOnTheTrueStateWhateverReadsShow(t *testing.T) {
	a := start(t, Options{Fleet: fleet(t, "demo"), Lag: time.Hour})
	must[[]string](t)(a.deregister(t.Context(), "default-elb", demoMember))
	if list := must[[]string](t)(a.deregister(t.Context(), "default-elb", demoMember)); len(list) != 0 {
		t.Errorf("the second deregister answered %v, want none left", list)
	}
}

func TestHistoryThatNoReadCanShowIsForgotten(t *testing.T) {
	a := start(t, Options{Fleet: fleet(t, "1x0"), Lag: time.Second})
	for n := range 100 {
		joinDirectly(a.Emulator, "elb-0001", SpareID(n+1))
		a.clock.Advance(500 * time.Millisecond)
	}
	if got := len(a.world.balancers["elb-0001"].revisions); got > 4 {
		t.Errorf("%d revisions are kept of a load balancer that changes twice a second, with a lag of a second", got)
	}
}

func TestInstancesLagToo(t *testing.T) {
	a := start(t, Options{Fleet: fleet(t, "demo"), Lag: time.Hour, Seed: 3})
	must[*ec2.RunInstancesOutput](t)(a.ec2.RunInstances(t.Context(), run(1)))
	before := len(must[*ec2.DescribeInstancesOutput](t)(a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})).Reservations)
	a.clock.Advance(time.Hour)
	after := len(must[*ec2.DescribeInstancesOutput](t)(a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})).Reservations)
	if before != 10 || after != 10 { // the terminated one is forgotten as the new one comes in sight
		t.Errorf("%d instances at once and %d an hour later, want the new one only then", before, after)
	}
}
