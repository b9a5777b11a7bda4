package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExternalChangeIsOnRecordWithInterval(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		s.attach("default-elb", spare)
		s.send("GET", "/elb/default-elb", "", "Cache-Control: no-cache")
		before := time.Now()
		a.deregister("default-elb", member)
		after := time.Now()
		var outside []change
		eventually(t, "it is detected", func() bool {
			s.send("GET", "/elb/default-elb", "", "Cache-Control: no-cache")
			outside = s.changes("pool=elb/default-elb&instance=" + member)
			return len(outside) > 0
		})
		c := outside[0]
		c.is(t, "applied", "observed")
		if len(outside) != 1 || c.Source != "external" || c.Action != "detach" || c.Actor != "" || c.RequestID != "" {
			t.Errorf("on record is %+v", outside)
		}
		if c.NotBefore.IsZero() || c.NotBefore.After(before) || c.IntendedAt.Before(after.Truncate(time.Millisecond)) {
			t.Errorf("it happened from %v to %v, but is recorded from %v to %v", before, after, c.NotBefore, c.IntendedAt)
		}

		for moment, test := range map[string]struct {
			at                time.Time
			member, uncertain bool
		}{
			"before the last listing": {c.NotBefore.Add(-time.Millisecond), true, false},
			"in the interval":         {c.NotBefore, true, true},
			"once it was detected":    {time.Now(), false, false},
		} {
			r := s.membersAt("elb/default-elb", test.at)
			if slices.Contains(r.ids(), member) != test.member || !slices.Contains(r.ids(), spare) || (len(r.Uncertain) > 0) != test.uncertain {
				t.Errorf("%s: %+v", moment, r)
			}
		}
		verify(t, store)
	})
}

func TestMembersAtReturnsMembersOfThatTime(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		first := s.change(s.attach("default-elb", spare).changeID(t))
		second := s.change(s.detach("default-elb", member).changeID(t))
		for _, test := range []struct {
			change  change
			members []string
		}{{first, []string{member, spare}}, {second, []string{spare}}} {
			if r := s.membersAt("elb/default-elb", test.change.CompletedAt); !slices.Equal(r.ids(), test.members) {
				t.Errorf("after the %s: %+v", test.change.Action, r)
			}
		}
		if r := s.membersAt("elb/default-elb", first.CompletedAt.Add(-time.Millisecond)); !slices.Equal(r.ids(), []string{member}) {
			t.Errorf("before the attach: %+v", r)
		}
		for _, m := range s.membersAt("elb/default-elb", time.Now()).Members {
			if m.ChangeID != first.ID || m.Source != "lsapi" {
				t.Errorf("the change that made it a member is missing: %+v", m)
			}
		}
		if answer := s.get("/v1/pools/elb/default-elb/members?at=2020-01-01T00:00:00Z"); answer.status != 404 {
			t.Errorf("before the record began: %d %s", answer.status, answer.body)
		}
	})
}

// For 10 s after its own change lsapi ignores possibly stale reads of AWS. An external
// change in that time must not be lost.
func TestExternalChangeSoonAfterOwnChangeIsOnRecord(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		s.attach("default-elb", spare)
		s.send("GET", "/elb/default-elb", "", "Cache-Control: no-cache")
		before := time.Now()
		a.deregister("default-elb", spare)
		after := time.Now()
		var outside []change
		eventually(t, "it is on record", func() bool {
			s.send("GET", "/elb/default-elb", "", "Cache-Control: no-cache")
			outside = slices.DeleteFunc(s.changes("pool=elb/default-elb&instance="+spare), func(c change) bool { return c.Source != "external" })
			return len(outside) > 0
		})
		c := outside[0]
		if len(outside) != 1 || c.Action != "detach" {
			t.Errorf("on record is %+v", outside)
		}
		if c.NotBefore.After(before) || c.IntendedAt.Before(after.Truncate(time.Millisecond)) {
			t.Errorf("it happened from %v to %v, but is recorded from %v to %v", before, after, c.NotBefore, c.IntendedAt)
		}
		verify(t, store)
	})
}

func TestRecreatedLoadBalancerHasNoOldMembers(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		a.do("CreateLoadBalancer", anewELB)
		eventually(t, "it is there", func() bool { return s.attach("anew", spare).status == 201 })
		a.do("DeleteLoadBalancer", "LoadBalancerName=anew")
		eventually(t, "it is gone", func() bool { return s.get("/elb/anew").status == 404 })
		a.do("CreateLoadBalancer", anewELB)
		eventually(t, "it is there again", func() bool { return s.get("/elb/anew").status == 200 })
		if answer := s.send("GET", "/elb/anew", "", "Cache-Control: no-cache"); strings.Contains(answer.body, spare) {
			t.Errorf("the new one lists %s", answer.body)
		}
		if answer := s.attach("anew", spare); answer.status != 201 {
			t.Errorf("the attach to the new one is %d: %s", answer.status, answer.body)
		}
		verify(t, store)
	})
}

func TestLoadBalancerDeletedDuringDowntimeIsOnRecord(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		a.do("CreateLoadBalancer", anewELB)
		eventually(t, "it is there", func() bool { return s.attach("anew", spare).status == 201 })
		s.stop()
		a.do("DeleteLoadBalancer", "LoadBalancerName=anew")
		s = startService(t, a.base, at(store))
		eventually(t, "its member is off the record", func() bool {
			s.get("/elb/default-elb")
			return slices.ContainsFunc(s.changes("pool=elb/anew"), func(c change) bool {
				return c.Source == "external" && c.Action == "detach"
			})
		})
		verify(t, store)
	})
}

func TestRecreatedLoadBalancerHasNoOldMembersOnAnotherReplica(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, nil)
	one, other := c.replicas[0].service, c.replicas[1].service
	c.aws.do("CreateLoadBalancer", anewELB)
	eventually(t, "it is there", func() bool { return one.attach("anew", spare).status == 201 })
	fresh := func(s *service) response { return s.send("GET", "/elb/anew", "", "Cache-Control: no-cache") }
	if list := fresh(other); !slices.Contains(list.ids(t), spare) {
		t.Errorf("the other replica lists %s", list.body)
	}
	c.aws.do("DeleteLoadBalancer", "LoadBalancerName=anew")
	if list := fresh(one); list.status != 404 {
		t.Errorf("the deleted one is %d: %s", list.status, list.body)
	}
	c.aws.do("CreateLoadBalancer", anewELB)
	outside := func() []change {
		return slices.DeleteFunc(one.changes("pool=elb/anew"), func(c change) bool { return c.Source != "external" })
	}
	eventually(t, "its member is off the record", func() bool { return len(outside()) > 0 })
	if list := fresh(other); list.status != 200 || slices.Contains(list.ids(t), spare) {
		t.Errorf("the other replica lists %d: %s", list.status, list.body)
	}
	if answer := other.attach("anew", spare); answer.status != 201 {
		t.Errorf("the attach to the new one is %d: %s", answer.status, answer.body)
	}
	if answer := one.detach("anew", spare); answer.status != 201 {
		t.Errorf("the detach from the new one is %d: %s", answer.status, answer.body)
	}
	if list := fresh(other); slices.Contains(list.ids(t), spare) {
		t.Errorf("the other replica then lists %s", list.body)
	}
	if found := outside(); len(found) != 1 {
		t.Errorf("outside changes: %+v", found)
	}
	verify(t, c.store)
}

const anewELB = "LoadBalancerName=anew&AvailabilityZones.member.1=us-east-1a&Listeners.member.1.Protocol=HTTP&Listeners.member.1.LoadBalancerPort=80&Listeners.member.1.InstancePort=80"
