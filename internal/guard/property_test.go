package guard_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lsapi"
	"lsapi/internal/guard"
)

var standings = []lsapi.Standing{
	lsapi.StandingInService, lsapi.StandingInService, lsapi.StandingInService, // most serve
	lsapi.StandingOut, lsapi.StandingUnknown, lsapi.StandingDraining, lsapi.StandingDetached,
}

// drawMembers draws a pool in up to three zones.
func drawMembers(t *rapid.T) []lsapi.GuardedMember {
	n := rapid.IntRange(1, 12).Draw(t, "members")
	members := make([]lsapi.GuardedMember, n)
	for i := range members {
		members[i] = lsapi.GuardedMember{
			Member:   member(i),
			Zone:     rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "zone"),
			Standing: rapid.SampledFrom(standings).Draw(t, "standing"),
		}
	}
	return members
}

func drawAmount(t *rapid.T) guard.Amount {
	if rapid.Bool().Draw(t, "percent") {
		return percent(rapid.IntRange(0, 100).Draw(t, "rate"))
	}
	return count(rapid.IntRange(0, 14).Draw(t, "count"))
}

func drawRule(t *rapid.T) guard.Rule {
	r := guard.Rule{Kind: rapid.SampledFrom([]guard.Kind{
		guard.MinInService, guard.MinInServicePerZone, guard.MaxOut, guard.KeepLast, guard.Freeze, guard.Malformed,
	}).Draw(t, "kind")}
	switch r.Kind {
	case guard.MinInService, guard.MaxOut:
		r.Amount = drawAmount(t)
	case guard.MinInServicePerZone:
		r.Amount = count(rapid.IntRange(0, 4).Draw(t, "count"))
	case guard.Freeze:
		r.From = now.Add(time.Duration(rapid.IntRange(-1, 2).Draw(t, "from")) * time.Minute)
	case guard.Malformed:
		r.Of = rapid.SampledFrom([]guard.Kind{guard.MaxOut, guard.Freeze}).Draw(t, "of")
	case guard.KeepLast:
	}
	return r
}

func drawRules(t *rapid.T) []guard.Rule {
	rules := make([]guard.Rule, rapid.IntRange(0, 4).Draw(t, "rules"))
	for i := range rules {
		rules[i] = drawRule(t)
	}
	return rules
}

// verdicts returns whether the detach of each member is refused.
func verdicts(rules []guard.Rule, members []lsapi.GuardedMember) []bool {
	tally := guard.Count(rules, now, members)
	refused := make([]bool, len(members))
	for i := range members {
		refused[i] = tally.Detach(member(i)) != nil
	}
	return refused
}

func TestMoreInServiceNeverRefusesWhatWasAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, members := drawRules(t), drawMembers(t)
		before := verdicts(rules, members)
		better := rapid.IntRange(0, len(members)-1).Draw(t, "better")
		improved := slices.Clone(members)
		improved[better].Standing = lsapi.StandingInService
		after := verdicts(rules, improved)
		for i := range members {
			if i != better && after[i] && !before[i] {
				t.Fatalf("member %d is refused once member %d is in service", i, better)
			}
		}
	})
}

// weaken returns a rule that demands less.
func weaken(t *rapid.T, r guard.Rule) guard.Rule {
	switch r.Kind {
	case guard.MinInService, guard.MinInServicePerZone:
		r.Amount.Count = rapid.IntRange(0, r.Amount.Count).Draw(t, "less")
		r.Amount.Rate = rapid.IntRange(0, r.Amount.Rate).Draw(t, "less")
	case guard.MaxOut:
		r.Amount.Count = rapid.IntRange(r.Amount.Count, 20).Draw(t, "more")
		r.Amount.Rate = rapid.IntRange(r.Amount.Rate, 100).Draw(t, "more")
	case guard.Freeze:
		r.From = r.From.Add(time.Minute)
	case guard.KeepLast, guard.Malformed:
	}
	return r
}

func TestWeakerRulesNeverRefuseWhatWasAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, members := drawRules(t), drawMembers(t)
		before := verdicts(rules, members)
		weaker := slices.Clone(rules)
		for i := range weaker {
			weaker[i] = weaken(t, weaker[i])
		}
		if len(weaker) > 0 && rapid.Bool().Draw(t, "drop") {
			weaker = weaker[1:]
		}
		for i, refused := range verdicts(weaker, members) {
			if refused && !before[i] {
				t.Fatalf("member %d is refused by %v only", i, weaker)
			}
		}
	})
}

func TestRefusedDetachStaysRefusedAfterAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, members := drawRules(t), drawMembers(t)
		before := verdicts(rules, members)
		tally := guard.Count(rules, now, members)
		first := rapid.IntRange(0, len(members)).Draw(t, "first") // the last one is none of the pool
		tally.Detached(member(first))
		for i := range members {
			if i != first && before[i] && tally.Detach(member(i)) == nil {
				t.Fatalf("member %d is allowed after member %d", i, first)
			}
		}
	})
}

func TestMemberThatIsOutIsRefusedByFreezesOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, members := drawRules(t), drawMembers(t)
		tally := guard.Count(rules, now, members)
		for i, m := range members {
			serves := m.Standing == lsapi.StandingInService || m.Standing == lsapi.StandingUnknown
			if refused := tally.Detach(member(i)) != nil; !serves && refused != tally.Frozen() {
				t.Fatalf("member %d, %s, is refused: %v", i, m.Standing, refused)
			}
		}
	})
}

func TestUnknownStandingGetsTheVerdictOfInService(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, members := drawRules(t), drawMembers(t)
		one := rapid.IntRange(0, len(members)-1).Draw(t, "one")
		members[one].Standing = lsapi.StandingUnknown
		unknown := verdicts(rules, members)[one]
		members[one].Standing = lsapi.StandingInService
		if serving := verdicts(rules, members)[one]; serving != unknown {
			t.Fatalf("refused in service: %v, unknown: %v", serving, unknown)
		}
	})
}

func TestHeadroomIsTheNumberOfDetachesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, members := drawRules(t), drawMembers(t)
		tally := guard.Count(rules, now, members)
		room, limited := tally.Headroom()
		order := rapid.Permutation(members).Draw(t, "order")
		made, refused := 0, false
		for _, m := range order {
			if tally.Detach(m.Member) != nil {
				refused = refused || m.Standing == lsapi.StandingInService
				continue
			}
			tally.Detached(m.Member)
			if m.Standing == lsapi.StandingInService {
				made++
			}
		}
		if made != room || refused && !limited {
			t.Fatalf("%d detaches, headroom %d, limited %v", made, room, limited)
		}
		if left, _ := tally.Headroom(); left != 0 {
			t.Fatalf("the headroom is %d after all detaches", left)
		}
	})
}

// No sequence of allowed detaches, attaches aside, may leave the pool below its rules.
func TestAllowedDetachesKeepTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, members := drawRules(t), drawMembers(t)
		tally := guard.Count(rules, now, members)
		for _, m := range rapid.Permutation(members).Draw(t, "order") {
			if m.Standing != lsapi.StandingInService || tally.Detach(m.Member) != nil {
				continue
			}
			tally.Detached(m.Member)
			checkRules(t, rules, tally.Members(), m)
		}
	})
}

// checkRules counts the members itself, after the detach of one in service was allowed.
func checkRules(t *rapid.T, rules []guard.Rule, members []lsapi.GuardedMember, gone lsapi.GuardedMember) {
	serving, inZone := 0, 0
	for _, m := range members {
		if m.Standing == lsapi.StandingInService {
			serving++
			if m.Zone == gone.Zone {
				inZone++
			}
		}
	}
	for _, r := range rules {
		kept := true
		switch a := r.Amount; r.Kind {
		case guard.KeepLast:
			kept = serving >= 1
		case guard.MinInService:
			kept = a.Percent && serving*100 >= a.Rate*len(members) || !a.Percent && serving >= a.Count
		case guard.MinInServicePerZone:
			kept = inZone >= a.Count
		case guard.MaxOut:
			out := len(members) - serving
			kept = a.Percent && out*100 <= a.Rate*len(members) || !a.Percent && out <= a.Count
		case guard.Freeze:
			kept = r.From.After(now)
		case guard.Malformed:
			kept = false
		}
		if !kept {
			t.Fatalf("%v does not hold: %v", r, members)
		}
	}
}
