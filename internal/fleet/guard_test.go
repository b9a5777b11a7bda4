package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/fleet"
	"lsapi/internal/guard"
)

var web4 = lsapi.InstanceMember("i-0aaa0000000000004")

// showGuard returns a guard in a line.
func showGuard(g lsapi.PoolGuard) string {
	var text strings.Builder
	for _, r := range g.Rules {
		fmt.Fprintf(&text, "%s", r.Text)
		if r.Number != nil {
			fmt.Fprintf(&text, "=%d", *r.Number)
		}
		text.WriteString(", ")
	}
	room := "unlimited"
	if g.Headroom != nil {
		room = fmt.Sprint(*g.Headroom)
	}
	fmt.Fprintf(&text, "in %d, out %d, room %s, frozen %v, unknown %q:", g.InService, g.Out, room, g.Frozen, g.Unknown)
	for _, m := range g.Members {
		fmt.Fprintf(&text, " %s %s", m.Member.Instance[len(m.Member.Instance)-1:], m.Standing)
	}
	return text.String()
}

var half = guard.Rule{Kind: guard.MinInService, Amount: guard.Amount{Rate: 50, Percent: true}, Source: "policy.yaml:1"}

func TestGuardCountsMembersAndFormerOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		r.add(lsapi.ELB("web"), serving(web1), serving(web2), registering(web3), draining(web4))
		r.rules = []guard.Rule{half, {Kind: guard.MaxOut, Amount: guard.Amount{Count: 3}}}
		gone, back := lsapi.InstanceMember("i-0aaa0000000000005"), web1
		r.states[lsapi.InstanceMember("i-0aaa0000000000006")] = "running"
		r.lanes[lsapi.ELB("web")] = lsapi.LaneState{
			Detached: map[lsapi.MemberID]time.Time{web4: r.began, gone: r.began, back: r.began, lsapi.InstanceMember("i-0aaa0000000000006"): r.began},
			Open:     []lsapi.Change{{Action: lsapi.Detach, Member: web2}, {Action: lsapi.Attach, Member: web3}},
		}
		f := start(t, r)
		for _, fresh := range []bool{false, true} {
			g, err := f.Guard(t.Context(), lsapi.ELB("web"), fresh)
			want := `minInService 50%=3, maxOut 3=3, in 1, out 4, room 0, frozen false, unknown "": 1 inService 2 detached 3 outOfService 4 draining 6 detached`
			if got := showGuard(g); err != nil || got != want {
				t.Errorf("got %s, %v\nwant %s", got, err, want)
			}
		}
		if _, err := f.Guard(t.Context(), lsapi.ELB("none"), false); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("got %v", err)
		}
	})
}

// The health of a member that was detached and attached again may be that before.
func TestGuardCountsMemberThatIsBackAsUnknownWhileReadsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		r.add(lsapi.ELB("web"), serving(web1), serving(web2))
		r.rules = []guard.Rule{{Kind: guard.KeepLast}}
		applied := func(action lsapi.Action, member lsapi.MemberID) lsapi.AppliedChange {
			return lsapi.AppliedChange{Change: lsapi.Change{Action: action, Member: member}, At: time.Now()}
		}
		r.lanes[lsapi.ELB("web")] = lsapi.LaneState{Applied: []lsapi.AppliedChange{
			applied(lsapi.Detach, web1), applied(lsapi.Attach, web1), applied(lsapi.Attach, web2), applied(lsapi.Detach, web4),
		}}
		f := start(t, r)
		for _, want := range []string{
			`keepLast=1, in 1, out 1, room 0, frozen false, unknown "": 1 unknown 2 inService`,
			`keepLast=1, in 2, out 0, room 1, frozen false, unknown "": 1 inService 2 inService`,
		} {
			g, err := f.Guard(t.Context(), lsapi.ELB("web"), true)
			if got := showGuard(g); err != nil || got != want {
				t.Errorf("got %s, %v\nwant %s", got, err, want)
			}
			time.Sleep(readLag)
		}
	})
}

func TestGuardShowsWhatIsUnknown(t *testing.T) {
	for name, test := range map[string]struct {
		rules []guard.Rule
		fail  string
		want  string
	}{
		"health":            {[]guard.Rule{half}, "Recent", `minInService 50%, in 0, out 0, room 0, frozen false, unknown "health":`},
		"unneeded health":   {[]guard.Rule{{Kind: guard.Freeze}}, "Recent", `freeze, in 0, out 0, room 0, frozen true, unknown "":`},
		"health, no rules":  {nil, "Recent", `in 0, out 0, room unlimited, frozen false, unknown "":`},
		"tags":              {nil, "Rules", `in 1, out 0, room 0, frozen false, unknown "tags": 1 inService`},
		"record":            {[]guard.Rule{half}, "LaneState", `minInService 50%, in 1, out 0, room 0, frozen false, unknown "record": 1 inService`},
		"former members":    {[]guard.Rule{half}, "Instances", `minInService 50%=1, in 1, out 1, room 0, frozen false, unknown "": 1 inService 5 detached`},
		"nothing, no rules": {nil, "", `in 1, out 0, room unlimited, frozen false, unknown "": 1 inService`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRegion()
				r.add(lsapi.ELB("web"), serving(web1))
				r.rules = test.rules
				r.lanes[lsapi.ELB("web")] = lsapi.LaneState{Detached: map[lsapi.MemberID]time.Time{lsapi.InstanceMember("i-0aaa0000000000005"): r.began}}
				r.fail[test.fail] = lsapi.Errorf(lsapi.CodeTagsUnknown, "")
				g, err := start(t, r).Guard(t.Context(), lsapi.ELB("web"), false)
				if got := showGuard(g); err != nil || got != test.want {
					t.Errorf("got %s, %v\nwant %s", got, err, test.want)
				}
			})
		})
	}
}

func TestHeadroomsAreOfGuardedPoolsWithKnownHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		for _, pool := range []lsapi.PoolID{lsapi.ELB("web"), lsapi.ELB("web-cold"), lsapi.ELB("other")} {
			r.add(pool, serving(web1), registering(web2))
		}
		r.rules = []guard.Rule{{Kind: guard.KeepLast}}
		r.change(func() {
			r.kept = make(map[lsapi.PoolID]lsapi.HealthReport)
			for _, pool := range []lsapi.PoolID{lsapi.ELB("web"), lsapi.ELB("other")} {
				r.kept[pool], _ = r.report(pool, time.Now())
			}
		})
		f := start(t, r)
		f.Start()
		before := r.count("Recent") + r.count("One") + r.count("All")
		time.Sleep(16 * time.Second)
		synctest.Wait()
		got := f.Headrooms()
		if len(got) != 1 || got[lsapi.ELB("web")] != (fleet.Headroom{Now: 0, Full: 1}) {
			t.Errorf("got %v", got)
		}
		if n := r.count("Recent") + r.count("One") + r.count("All") - before; n != 0 {
			t.Errorf("%d reads", n)
		}
		time.Sleep(11 * time.Minute)
		if got := f.Headrooms(); len(got) != 0 {
			t.Errorf("of old health: %v", got)
		}
	})
}
