package elb

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
)

var testEpoch = time.Date(2025, time.January, 15, 9, 30, 0, 0, time.UTC)

// laggingService returns a service with the load balancer "lb".
func laggingService(lag time.Duration, seed uint64) (*Service, *loadBalancer) {
	a := account.New("us-east-1", lag, seed)
	s := New(a, ec2.New(a, ec2.Options{}), DefaultMaxLoadBalancers)
	s.Add(Settings{Name: "lb", Scheme: SchemeInternetFacing})
	return s, s.balancers["lb"]
}

func TestReadsLagAtMostAndNeverGoBack(t *testing.T) {
	const lag = 500 * time.Millisecond
	rapid.Check(t, func(rt *rapid.T) {
		s, lb := laggingService(lag, rapid.Uint64().Draw(rt, "seed"))
		now := testEpoch
		added := []time.Time{{}} // when the n-th member was added; before it there were n members
		shown := 0
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "milliseconds")) * time.Millisecond)
			if rapid.Bool().Draw(rt, "write") {
				s.attach(lb, []string{"i-00000001"}, now)
				added = append(added, now)
				continue
			}
			got := len(s.read("lb", s.account.ReadAt(now)).members)
			if got < shown {
				rt.Fatalf("a read shows %d members after one that showed %d", got, shown)
			}
			shown = got
			for n, at := range added[got+1:] {
				if now.Sub(at) > lag {
					rt.Fatalf("member %d is not visible %v after it was added", got+1+n, now.Sub(at))
				}
			}
		}
	})
}

func TestOldRevisionsAreDropped(t *testing.T) {
	s, lb := laggingService(time.Second, 0)
	for n := range 100 {
		s.attach(lb, []string{"i-00000001"}, testEpoch.Add(time.Duration(n)*500*time.Millisecond))
	}
	if got := len(lb.revisions); got > 4 {
		t.Errorf("%d revisions of a load balancer that changes twice a second, with a lag of a second", got)
	}
}

func TestHistoryDropsItsOlderHalfWhenFull(t *testing.T) {
	s, _ := laggingService(0, 0)
	for range maxHistory {
		s.record("attach", "old-elb", []string{"i-1"}, testEpoch)
	}
	s.record("detach", "new-elb", []string{"i-1"}, testEpoch)
	history := s.History()
	if len(history) != maxHistory/2+1 || history[len(history)-1].LoadBalancer != "new-elb" {
		t.Errorf("%d changes, the last %+v", len(history), history[len(history)-1])
	}
}
