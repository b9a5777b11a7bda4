package health

import (
	"fmt"
	"testing"
	"time"

	"lsapi"
)

func TestForeignReportsRemoveExpiredAbsences(t *testing.T) {
	p := New(Options{})
	b := &balancer{poller: p, name: "web", changed: make(chan struct{}), absent: make(map[string]time.Time)}
	now := time.Now()
	for i := range 100 {
		b.adopt(lsapi.HealthReport{LoadBalancer: "web", AsOf: now.Add(time.Duration(i) * time.Minute), Absent: []string{fmt.Sprintf("i-%d", i)}}, true)
	}
	if len(b.absent) > 3 {
		t.Errorf("it keeps %d instances", len(b.absent))
	}
}
