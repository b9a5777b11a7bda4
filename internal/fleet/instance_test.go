package fleet_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// words describes memberships: the pool, whether the instance is attached, and its health.
func words(all []lsapi.InstanceMembership) string {
	var texts []string
	for _, m := range all {
		text := m.Pool.Path()
		if m.Member {
			text += " attached"
		}
		if m.Health != nil {
			text += " " + string(m.Health.State)
		}
		if m.Health != nil && m.Health.Draining {
			text += " draining"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func TestInstanceShowsEveryPoolItServesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.histories[web1] = lsapi.MemberHistory{Member: true, LastChange: &lsapi.Change{ID: "7"}}
		r.add(lsapi.ELB("zoo"), registering(web1)).health[web2] = serving(web2) // as reported before its detach
		f := start(t, r)
		for id, want := range map[lsapi.MemberID]string{
			web1: "elb/api attached InService, elb/web attached InService, elb/zoo attached OutOfService",
			web2: "elb/web attached OutOfService",
			web3: "elb/web InService draining",
		} {
			got, err := f.Instance(t.Context(), id.String(), false)
			if err != nil || words(got.Memberships) != want || !got.Whole || got.Unread != nil {
				t.Errorf("%s is %s, %+v, %v, want %s", id, words(got.Memberships), got, err, want)
			}
			if got.ID != id.Instance || got.Type != "t2.micro" || got.State != lsapi.StateRunning {
				t.Errorf("its description is %+v", got.Instance)
			}
			for _, m := range got.Memberships {
				if m.AsOf.IsZero() || m.HealthAsOf.IsZero() || (m.History.LastChange != nil) != (id == web1) {
					t.Errorf("%s: it is %+v", id, m)
				}
			}
		}
		if r.maxAge == 0 {
			t.Error("health was read afresh without a request for it")
		}
	})
}

func TestInstanceWithoutMembershipsDependsOnEC2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		const idle, unknown = "i-0aaa0000000000004", "i-0aaa0000000000005"
		r.states[lsapi.InstanceMember(idle)] = "stopped"
		f := start(t, r)
		if got, err := f.Instance(t.Context(), idle, false); err != nil || len(got.Memberships) > 0 || got.State != "stopped" || !got.Whole {
			t.Errorf("an instance that is not a member is %+v, %v", got, err)
		}
		if got, err := f.Instance(t.Context(), unknown, false); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("an unknown instance is %+v, %v", got, err)
		}
		r.change(func() { r.fail["Instances"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		time.Sleep(time.Minute)
		if got, err := f.Instance(t.Context(), unknown, false); err != nil || got.ID != unknown || got.Exists() {
			t.Errorf("while EC2 cannot be read it is %+v, %v: a failure is never not found", got, err)
		}
		r.change(func() { delete(r.fail, "Instances"); delete(r.states, web1) })
		time.Sleep(time.Minute)
		if got, err := f.Instance(t.Context(), web1.String(), false); err != nil || len(got.Memberships) != 2 || got.Exists() {
			t.Errorf("a member that EC2 no longer has is %+v, %v", got, err)
		}
		r.change(func() { r.fail["Memberships"] = lsapi.Errorf(lsapi.CodeUnavailable, "") })
		if _, err := f.Instance(t.Context(), web1.String(), false); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("without memberships it is %v", err)
		}
	})
}

func TestPoolThatMayStillDrainAnInstanceIsUnreadWithoutHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		f := start(t, r)
		r.change(func() { r.fail["Recent"] = lsapi.Errorf(lsapi.CodeUnavailable, "away") })
		got, err := f.Instance(t.Context(), web3.Instance, false)
		if err != nil || len(got.Memberships) != 0 || got.Whole || !slices.Equal(got.Unread, []lsapi.PoolID{lsapi.ELB("web")}) {
			t.Errorf("it is %+v, %v", got, err)
		}
		r.change(func() { r.fail["Recent"] = lsapi.Errorf(lsapi.CodeNotFound, "deleted") })
		if got, err := f.Instance(t.Context(), web3.Instance, false); err != nil || !got.Whole {
			t.Errorf("once the load balancer is deleted it is %+v, %v", got, err)
		}
	})
}

func TestInstanceLeavesOutWhatCannotBeRead(t *testing.T) {
	for _, op := range []string{"Recent", "MemberHistory"} {
		for _, hang := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := three()
				r.hangs[op] = hang
				if !hang {
					r.fail[op] = lsapi.Errorf(lsapi.CodeUnavailable, "away")
				}
				began := time.Now()
				got, err := start(t, r).Instance(t.Context(), web2.String(), false)
				if err != nil || len(got.Memberships) != 1 {
					t.Fatalf("%s: it is %+v, %v", op, got, err)
				}
				m := got.Memberships[0]
				if !m.Member || (m.Health == nil) != (op == "Recent") || m.HealthAsOf.IsZero() != (op == "Recent") || m.History.Unavailable != (op == "MemberHistory") {
					t.Errorf("without %s it is %+v", op, m)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s: it took %v", op, took)
				}
			})
		}
	}
}

func TestFreshInstanceNamesUnreadPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.unread = []lsapi.PoolID{lsapi.ELB("web")}
		got, err := start(t, r).Instance(t.Context(), web1.String(), true)
		if err != nil || got.Whole || len(got.Unread) != 1 || got.Unread[0] != lsapi.ELB("web") || len(got.Memberships) != 2 || r.maxAge != 0 {
			t.Errorf("it is %+v with health of %v, %v", got, r.maxAge, err)
		}
		if got, err := start(t, r).Instance(t.Context(), "i-0aaa0000000000005", true); err != nil || got.Whole {
			t.Errorf("an unknown instance, while a pool cannot be read, is %+v, %v", got, err)
		}
	})
}

func TestFreshPoolAndMemberAreReadAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := three()
		r.behind[lsapi.ELB("web")] = []lsapi.MemberID{web1}
		f := start(t, r)
		members := func(fresh bool) int {
			members, asOf, err := f.Members(t.Context(), lsapi.ELB("web"), fresh)
			if err != nil || asOf.IsZero() {
				t.Error(err)
			}
			return len(members)
		}
		if n := members(false); n != 1 {
			t.Errorf("%d members from memory, want 1", n)
		}
		if b, err := f.Pool(t.Context(), lsapi.ELB("web"), true); err != nil || b.MemberCount != 2 || r.maxAge != 0 {
			t.Errorf("it is %+v with health of %v, %v", b, r.maxAge, err)
		}
		r.change(func() { r.behind[lsapi.ELB("web")] = []lsapi.MemberID{web1} })
		if m, err := f.Member(t.Context(), lsapi.ELB("web"), web2, true); err != nil || !m.Member || r.maxAge != 0 {
			t.Errorf("it is %+v with health of %v, %v", m, r.maxAge, err)
		}
		r.change(func() { r.behind[lsapi.ELB("web")] = []lsapi.MemberID{web1} })
		if n := members(true); n != 2 {
			t.Errorf("%d members afresh, want 2", n)
		}
	})
}
