package account

import (
	"testing"
	"time"
)

func TestHistoryDropsItsOlderHalfWhenFull(t *testing.T) {
	a, at := New("us-east-1", 0, 0), time.Date(2025, time.January, 15, 9, 30, 0, 0, time.UTC)
	for range maxHistory {
		a.Record(MembershipChange{At: at, Action: "attach", LoadBalancer: "old-elb", InstanceID: "i-1"})
	}
	a.Record(MembershipChange{At: at, Action: "detach", LoadBalancer: "new-elb", InstanceID: "i-1"})
	history := a.History()
	if len(history) != maxHistory/2+1 || history[len(history)-1].LoadBalancer != "new-elb" {
		t.Errorf("%d changes, the last %+v", len(history), history[len(history)-1])
	}
}
