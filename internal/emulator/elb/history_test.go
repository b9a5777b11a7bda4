package elb

import (
	"testing"
	"time"
)

func TestHistoryDropsItsOlderHalfWhenFull(t *testing.T) {
	s, at := &Service{}, time.Date(2025, time.January, 15, 9, 30, 0, 0, time.UTC)
	for range maxHistory {
		s.record("attach", "old-elb", []string{"i-1"}, at)
	}
	s.record("detach", "new-elb", []string{"i-1"}, at)
	history := s.History()
	if len(history) != maxHistory/2+1 || history[len(history)-1].LoadBalancer != "new-elb" {
		t.Errorf("%d changes, the last %+v", len(history), history[len(history)-1])
	}
}
