package health

import (
	"fmt"
	"testing"
	"time"

	"lsapi"
)

func TestForeignReportsRemoveExpiredAbsences(t *testing.T) {
	p := New(Options{})
	b := &loop{poller: p, pool: lsapi.ELB("web"), changed: make(chan struct{}), absent: make(map[lsapi.MemberID]time.Time)}
	now := time.Now()
	for i := range 100 {
		b.adopt(lsapi.HealthReport{Pool: lsapi.ELB("web"), AsOf: now.Add(time.Duration(i) * time.Minute), Absent: []lsapi.MemberID{lsapi.InstanceMember(fmt.Sprintf("i-%d", i))}}, true)
	}
	if len(b.absent) > 3 {
		t.Errorf("it keeps %d instances", len(b.absent))
	}
}
