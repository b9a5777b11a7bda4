package health

import (
	"fmt"
	"testing"
	"time"

	"lsapi"
)

func newDrains() *drains { return &drains{since: make(map[lsapi.PoolID]map[lsapi.MemberID]time.Time)} }

// check compares the count with what is there, and refuses empty load balancers.
func (d *drains) check(t *testing.T, want int) {
	t.Helper()
	total := 0
	for pool, instances := range d.since {
		if len(instances) == 0 {
			t.Errorf("%s has an empty entry", pool)
		}
		total += len(instances)
	}
	if total != want || d.count != want {
		t.Errorf("%d drains are known and %d counted, want %d", total, d.count, want)
	}
}

func TestDrainsCountTheirInstances(t *testing.T) {
	at := time.Now()
	d := newDrains()
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at)
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-2"), at)
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at.Add(-time.Minute)) // again, and reported late
	d.add(lsapi.ELB("api"), lsapi.InstanceMember("i-1"), at)
	d.check(t, 3)
	if got := d.of(lsapi.ELB("web"), at)[lsapi.InstanceMember("i-1")]; !got.Equal(at) {
		t.Errorf("an earlier report moved the time by %v", got.Sub(at))
	}
	d.remove(lsapi.ELB("web"), lsapi.InstanceMember("i-2"))
	d.remove(lsapi.ELB("web"), lsapi.InstanceMember("i-2"))
	d.remove(lsapi.ELB("none"), lsapi.InstanceMember("i-2"))
	d.check(t, 2)
	d.remove(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	d.check(t, 1)
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at)
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-2"), at)
	d.forget(lsapi.ELB("web"))
	d.forget(lsapi.ELB("web"))
	d.check(t, 1)
}

func TestDrainsClearOnlyOlderSigns(t *testing.T) {
	at := time.Now()
	d := newDrains()
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at)
	d.clear(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at.Add(-1))
	d.check(t, 1)
	d.clear(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at)
	d.clear(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at)
	d.check(t, 0)
}

func TestDrainsExpireAfterTheLongestDrain(t *testing.T) {
	at := time.Now()
	d := newDrains()
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at)
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-2"), at.Add(time.Second))
	d.add(lsapi.ELB("api"), lsapi.InstanceMember("i-1"), at)
	if got := d.of(lsapi.ELB("web"), at.Add(maxDrain)); len(got) != 2 {
		t.Errorf("at the longest drain's end there are %d", len(got))
	}
	if got := d.of(lsapi.ELB("web"), at.Add(maxDrain+1)); len(got) != 1 {
		t.Errorf("after the longest drain there are %d", len(got))
	}
	d.sweep(at.Add(maxDrain + 1))
	d.check(t, 1)
}

func TestDrainsAreBoundedAndDropExpired(t *testing.T) {
	old, now := time.Now().Add(-maxDrain-time.Second), time.Now()
	d := newDrains()
	for i := range maxDrains {
		at := now
		if i < 2 {
			at = old
		}
		d.add(lsapi.ELB("web"), lsapi.InstanceMember(fmt.Sprint("i-", i)), at)
	}
	d.check(t, maxDrains)
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-0"), now) // one that is remembered needs no room
	d.check(t, maxDrains)
	d.add(lsapi.ELB("api"), lsapi.InstanceMember("i-1"), now) // in the place of the expired one
	d.check(t, maxDrains)
	d.add(lsapi.ELB("api"), lsapi.InstanceMember("i-2"), now)
	d.check(t, maxDrains)
	if d.since[lsapi.ELB("api")][lsapi.InstanceMember("i-1")].IsZero() || !d.since[lsapi.ELB("api")][lsapi.InstanceMember("i-2")].IsZero() {
		t.Errorf("there are %v", d.since[lsapi.ELB("api")])
	}
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-0"), now.Add(time.Second))
	if got := d.since[lsapi.ELB("web")][lsapi.InstanceMember("i-0")]; !got.Equal(now.Add(time.Second)) {
		t.Error("a full memory does not renew what it has")
	}
}

func TestDrainsFindLoadBalancersOfAnInstance(t *testing.T) {
	at := time.Now()
	d := newDrains()
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), at)
	d.add(lsapi.ELB("web"), lsapi.InstanceMember("i-2"), at)
	d.add(lsapi.ELB("api"), lsapi.InstanceMember("i-1"), at.Add(-maxDrain-time.Second))
	if got := d.withInstance("i-1", at); len(got) != 1 || got[0] != (lsapi.DrainingMember{Pool: lsapi.ELB("web"), ID: lsapi.InstanceMember("i-1")}) {
		t.Errorf("it may drain in %v, want web alone: the other has expired", got)
	}
	if got := d.withInstance("i-3", at); got != nil {
		t.Errorf("an unknown one may drain in %v", got)
	}
}
