package fleet_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/fleet"
)

// await waits for at most a time, and returns how long it took.
func await(t *testing.T, f *fleet.Fleet, id lsapi.MemberID, condition lsapi.WaitCondition, most time.Duration) (lsapi.MemberDetail, time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	began := time.Now()
	m, err := f.Await(ctx, lsapi.ELB("web"), id, condition)
	return m, time.Since(began), err
}

// withSpare returns a region with one member in service and one that registers.
func withSpare() *region {
	r := newRegion()
	r.add(lsapi.ELB("web"), serving(web1), registering(web2))
	return r
}

func TestWaitEndsWithinAPollOfTheCondition(t *testing.T) {
	tests := map[string]struct {
		condition lsapi.WaitCondition
		id        lsapi.MemberID
		meet      func(*region, *loadBalancer)
	}{
		"in service": {lsapi.WaitInService, web2, func(_ *region, b *loadBalancer) { b.health[web2] = serving(web2) }},
		"drained":    {lsapi.WaitDrained, web3, func(_ *region, b *loadBalancer) { delete(b.health, web3) }},
		"absent": {lsapi.WaitAbsent, web1, func(_ *region, b *loadBalancer) {
			b.members = slices.DeleteFunc(b.members, func(id lsapi.MemberID) bool { return id == web1 })
			b.health[web1] = draining(web1)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := withSpare()
				b := r.loadBalancers[lsapi.ELB("web")]
				b.health[web3] = draining(web3)
				r.after(31*time.Second, func() { test.meet(r, b) })
				m, took, err := await(t, start(t, r), test.id, test.condition, time.Hour)
				if err != nil || took < 31*time.Second || took > 31*time.Second+2*interval {
					t.Errorf("it ended after %v with %v", took, err)
				}
				if serves := test.condition == lsapi.WaitInService; m.ID != test.id || m.Instance.Type == "" || m.Member != serves || serves && *m.Health != serving(web2) {
					t.Errorf("it is %+v", m)
				}
				if (test.condition == lsapi.WaitAbsent) != (m.Health != nil && m.Health.Draining) {
					t.Errorf("its health is %+v", m.Health)
				}
			})
		})
	}
}

func TestWaitForDrainedStartsBeforeTheDetach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		b := r.loadBalancers[lsapi.ELB("web")]
		r.after(10*time.Second, func() {
			b.members = []lsapi.MemberID{web2}
			b.health[web1] = draining(web1)
			r.histories[web1] = lsapi.MemberHistory{LastChange: &lsapi.Change{Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, CompletedAt: r.began.Add(10 * time.Second)}}
		})
		r.after(40*time.Second, func() { delete(b.health, web1) })
		_, took, err := await(t, start(t, r), web1, lsapi.WaitDrained, time.Hour)
		if err != nil || took < 40*time.Second || took > 45*time.Second {
			t.Errorf("it ended after %v with %v", took, err)
		}
		if want := [2]any{r.began.Add(10 * time.Second), time.Minute}; r.drain != want {
			t.Errorf("the drain is followed since and for %v, want %v", r.drain, want)
		}
		for tick := range r.polls {
			if tick.Before(r.began.Add(10 * time.Second)) {
				t.Errorf("AWS was polled for health at %v, when nothing drained", tick.Sub(r.began))
			}
		}
	})
}

func TestImpossibleConditionEndsTheWait(t *testing.T) {
	gone := func(b *loadBalancer, id lsapi.MemberID) {
		b.members = slices.DeleteFunc(b.members, func(other lsapi.MemberID) bool { return other == id })
		delete(b.health, id)
	}
	tests := map[string]struct {
		condition lsapi.WaitCondition
		happen    func(*region, *loadBalancer)
		code      lsapi.Code
	}{
		"detached": {lsapi.WaitInService, func(_ *region, b *loadBalancer) { gone(b, web2) }, lsapi.CodeNotFound},
		"terminated and still there": {lsapi.WaitInService, func(r *region, b *loadBalancer) {
			r.states[web2], r.listed[web2] = "terminated", "running"
			delete(b.health, web2)
		}, lsapi.CodeConflict},
		"terminated and gone": {lsapi.WaitInService, func(r *region, b *loadBalancer) {
			r.states[web2] = "terminated"
			gone(b, web2)
			b.health[web2] = registering(web2)
		}, lsapi.CodeConflict},
		"shutting down":             {lsapi.WaitInService, func(r *region, b *loadBalancer) { r.states[web2] = "shutting-down" }, lsapi.CodeConflict},
		"deleted":                   {lsapi.WaitInService, func(r *region, _ *loadBalancer) { delete(r.loadBalancers, lsapi.ELB("web")) }, lsapi.CodeNotFound},
		"deleted while it drains":   {lsapi.WaitDrained, func(r *region, _ *loadBalancer) { delete(r.loadBalancers, lsapi.ELB("web")) }, lsapi.CodeNotFound},
		"deleted while it is there": {lsapi.WaitAbsent, func(r *region, _ *loadBalancer) { delete(r.loadBalancers, lsapi.ELB("web")) }, lsapi.CodeNotFound},
		"credentials are withdrawn": {lsapi.WaitInService, func(r *region, _ *loadBalancer) { r.fail["One"] = lsapi.Errorf(lsapi.CodeForbidden, "") }, lsapi.CodeForbidden},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := withSpare()
				b := r.loadBalancers[lsapi.ELB("web")]
				if test.condition == lsapi.WaitDrained {
					gone(b, web2)
					b.health[web2] = draining(web2)
				}
				r.after(11*time.Second, func() { test.happen(r, b) })
				_, took, err := await(t, start(t, r), web2, test.condition, time.Hour)
				if lsapi.ErrorCode(err) != test.code || took > 20*time.Second {
					t.Errorf("it ended after %v with %v", took, err)
				}
			})
		})
	}
}

func TestWaitReportsEachState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		b := r.loadBalancers[lsapi.ELB("web")]
		failing := registering(web2)
		failing.Description = "Instance has failed its checks."
		r.after(11*time.Second, func() { b.health[web2] = failing })
		r.after(31*time.Second, func() { b.health[web2] = serving(web2) })
		var states []lsapi.MemberHealth
		_, err := start(t, r).AwaitReporting(t.Context(), lsapi.ELB("web"), web2, lsapi.WaitInService, func(m lsapi.MemberDetail) {
			if m.ID != web2 || !m.Member || m.Health == nil {
				t.Errorf("reported is %+v", m)
			} else {
				states = append(states, *m.Health)
			}
		})
		if want := []lsapi.MemberHealth{registering(web2), failing, serving(web2)}; err != nil || !slices.Equal(states, want) {
			t.Errorf("the states are %+v, %v", states, err)
		}
	})
}

func TestWaitOnANonMemberReturnsAtOnce(t *testing.T) {
	for condition, code := range map[lsapi.WaitCondition]lsapi.Code{lsapi.WaitInService: lsapi.CodeNotFound, lsapi.WaitAbsent: "", lsapi.WaitDrained: "", "served": lsapi.CodeInvalid} {
		synctest.Test(t, func(t *testing.T) {
			r := withSpare()
			m, took, err := await(t, start(t, r), web3, condition, time.Hour)
			if lsapi.ErrorCode(err) != code || took > interval || err == nil && (m.Member || m.ID != web3 || m.Instance.State != "running") {
				t.Errorf("%s: it ended after %v as %+v with %v", condition, took, m, err)
			}
		})
	}
}

func TestWaitTimeoutReportsTheLastState(t *testing.T) {
	tests := map[string]struct {
		id        lsapi.MemberID
		condition string
		state     string
	}{
		"registering": {web2, "inService", "it is OutOfService: Instance registration is still in progress."},
		"draining":    {web3, "drained", "its requests in flight are still finishing"},
		"a member":    {web1, "absent", "it is still a member"},
		"undetached":  {web1, "drained", "it is still a member"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := withSpare()
				r.loadBalancers[lsapi.ELB("web")].health[web3] = draining(web3)
				r.histories[test.id] = lsapi.MemberHistory{ChangeID: "7"}
				m, took, err := await(t, start(t, r), test.id, lsapi.WaitCondition(test.condition), 9*time.Second)
				if lsapi.ErrorCode(err) != lsapi.CodeWaitTimeout || took != 9*time.Second || lsapi.AsError(err).Message != test.state {
					t.Errorf("it ended after %v with %v", took, err)
				}
				if m.ID != test.id || m.History.ChangeID != "7" || m.Health == nil && name != "undetached" {
					t.Errorf("the last state is %+v", m)
				}
			})
		})
	}
}

func TestDrainingInstanceIsNotInService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		r.loadBalancers[lsapi.ELB("web")].health[web2] = draining(web2) // just attached again, and AWS lags
		if m, _, err := await(t, start(t, r), web2, lsapi.WaitInService, 10*time.Second); lsapi.ErrorCode(err) != lsapi.CodeWaitTimeout {
			t.Errorf("it ended as %+v with %v", m, err)
		}
	})
}

func TestReattachedInstanceIsNotDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		b := r.loadBalancers[lsapi.ELB("web")]
		b.health[web3] = draining(web3)
		r.after(9*time.Second, func() { // neither the cached list nor AWS's health has it yet
			delete(b.health, web3)
			b.members = append(b.members, web3)
			r.behind[lsapi.ELB("web")] = []lsapi.MemberID{web1, web2}
		})
		if m, _, err := await(t, start(t, r), web3, lsapi.WaitDrained, 30*time.Second); lsapi.ErrorCode(err) != lsapi.CodeWaitTimeout || !m.Member {
			t.Errorf("it ended as %+v with %v", m, err)
		}
	})
}

func TestWaitFindsAMemberThatTheCachedListLacks(t *testing.T) {
	for condition, code := range map[lsapi.WaitCondition]lsapi.Code{lsapi.WaitInService: "", lsapi.WaitAbsent: lsapi.CodeWaitTimeout} {
		synctest.Test(t, func(t *testing.T) {
			r := withSpare()
			r.behind[lsapi.ELB("web")] = []lsapi.MemberID{web2} // another replica has just attached web1
			if m, _, err := await(t, start(t, r), web1, condition, 10*time.Second); lsapi.ErrorCode(err) != code || !m.Member {
				t.Errorf("%s: it ended as %+v with %v", condition, m, err)
			}
		})
	}
}

func TestWaitIgnoresReportsFromBeforeItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		b, f := r.loadBalancers[lsapi.ELB("web")], start(t, r)
		if _, _, err := await(t, f, web1, lsapi.WaitInService, time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(interval / 2)
		b.health[web1] = registering(web1) // attached again; the last report has it as serving
		r.after(interval*3/2, func() { b.health[web1] = serving(web1) })
		if _, took, err := await(t, f, web1, lsapi.WaitInService, time.Minute); err != nil || took < interval*3/2 {
			t.Errorf("it ended after %v with %v", took, err)
		}
	})
}

func TestWaitContinuesWhileSourcesFail(t *testing.T) {
	for _, op := range []string{"One", "Follow", "Next", "MemberHistory", "Attributes", "Instances"} {
		for _, code := range []lsapi.Code{lsapi.CodeThrottled, lsapi.CodeUpstream, lsapi.CodeUnavailable, lsapi.CodeTimeout} {
			synctest.Test(t, func(t *testing.T) {
				r := withSpare()
				b := r.loadBalancers[lsapi.ELB("web")]
				r.fail[op] = lsapi.Errorf(code, "away")
				r.after(5*time.Second, func() { b.health[web2] = serving(web2) })
				r.after(21*time.Second, func() { delete(r.fail, op) })
				if m, took, err := await(t, start(t, r), web2, lsapi.WaitInService, time.Minute); err != nil || took > 25*time.Second || m.Health.State != lsapi.InService {
					t.Errorf("%s fails with %s: it ended after %v as %+v with %v", op, code, took, m, err)
				} else if m.History.Unavailable != (op == "MemberHistory") {
					t.Errorf("%s fails: its history is %+v", op, m.History)
				}
			})
		}
	}
}

func TestWaitThatReadNothingReturnsTheFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		r.fail["One"] = lsapi.Errorf(lsapi.CodeUpstream, "away")
		if _, took, err := await(t, start(t, r), web2, lsapi.WaitInService, 10*time.Second); lsapi.ErrorCode(err) != lsapi.CodeUpstream || took != 10*time.Second {
			t.Errorf("it ended after %v with %v", took, err)
		}
	})
}

func TestConcurrentWaitsShareReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		r.takes = time.Millisecond
		f := start(t, r)
		r.after(60*time.Second, func() { r.loadBalancers[lsapi.ELB("web")].health[web2] = serving(web2) })
		var waiting sync.WaitGroup
		for range 1000 {
			waiting.Go(func() {
				if _, _, err := await(t, f, web2, lsapi.WaitInService, time.Hour); err != nil {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		if polls := len(r.polls); polls > 32 {
			t.Errorf("there were %d polls in a minute", polls)
		}
		if reads := r.count("MemberHistory"); reads > 20 {
			t.Errorf("the record was read %d times", reads)
		}
		if got := r.count("Instances") + r.count("One afresh") + r.count("Attributes") + r.count("Recent"); got > 0 {
			t.Errorf("AWS got %d calls for other things", got)
		}
	})
}

func TestConcurrentWaitsShareReadsOfEC2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		delete(r.loadBalancers[lsapi.ELB("web")].health, web2) // AWS reports no health for it
		f := start(t, r)
		var waiting sync.WaitGroup
		for range 1000 {
			waiting.Go(func() {
				_, _, err := await(t, f, web2, lsapi.WaitInService, 20*time.Second)
				if lsapi.ErrorCode(err) != lsapi.CodeWaitTimeout || !strings.Contains(err.Error(), "reports no health for it") {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		if got := r.count("Instances"); got > 11 {
			t.Errorf("EC2 got %d calls in 20 s", got)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	for _, condition := range []lsapi.WaitCondition{lsapi.WaitInService, lsapi.WaitAbsent, lsapi.WaitDrained} {
		synctest.Test(t, func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			time.AfterFunc(5*time.Second, leave)
			began := time.Now()
			if _, err := start(t, withSpare()).Await(ctx, lsapi.ELB("web"), web2, condition); lsapi.ErrorCode(err) != lsapi.CodeWaitTimeout || time.Since(began) != 5*time.Second {
				t.Errorf("%s: it ended after %v with %v", condition, time.Since(began), err)
			}
		})
	}
}

// The record gets two concurrent reads at most, and a call never joins a read that began
// before it.
func TestRecordReadsAreBoundedAndNeverOlderThanTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := withSpare()
		f := start(t, r)
		r.hangs["MemberHistory"] = true
		show := func(id lsapi.MemberID) lsapi.MemberHistory {
			m, err := f.Member(t.Context(), lsapi.ELB("web"), id, false)
			if err != nil {
				t.Error(err)
			}
			return m.History
		}
		var early sync.WaitGroup
		for _, id := range []lsapi.MemberID{web1, web2} {
			early.Go(func() { show(id) })
			synctest.Wait()
		}
		if got := r.count("MemberHistory"); got != 2 {
			t.Errorf("the record gets %d reads", got)
		}
		time.Sleep(time.Second)
		r.change(func() {
			r.hangs["MemberHistory"] = false
			r.histories[web1] = lsapi.MemberHistory{ChangeID: "7"}
		})
		var late sync.WaitGroup
		for range 100 {
			late.Go(func() {
				if got := show(web1); got.ChangeID != "7" {
					t.Errorf("a later read returns %+v", got)
				}
			})
		}
		synctest.Wait()
		if got := r.count("MemberHistory"); got != 2 {
			t.Errorf("while two reads are open the record gets %d", got)
		}
		early.Wait()
		late.Wait()
		if got := r.count("MemberHistory"); got != 3 {
			t.Errorf("the record got %d reads, want one more for all later callers", got)
		}
	})
}
