package guard

import (
	"fmt"
	"slices"
	"time"

	"lsapi"
)

// NeedsHealth reports whether the rules depend on the health of members.
func NeedsHealth(rules []Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return r.Kind != Freeze })
}

// NeedsZones reports whether they depend on their availability zones.
func NeedsZones(rules []Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return r.Kind == MinInServicePerZone })
}

// Tally counts the members of a pool under its rules, and the detaches that were allowed.
type Tally struct {
	rules     []Rule
	now       time.Time
	counted   map[lsapi.MemberID]lsapi.GuardedMember
	inService int
	out       int
	inZone    map[string]int // in service, by zone
}

// Count returns the tally of a pool: of its members, and of the former ones that drain or
// that lsapi has detached and that are not back. Each is in the list once.
func Count(rules []Rule, now time.Time, members []lsapi.GuardedMember) *Tally {
	t := &Tally{rules: rules, now: now, counted: make(map[lsapi.MemberID]lsapi.GuardedMember, len(members)), inZone: make(map[string]int)}
	for _, m := range members {
		t.counted[m.Member] = m
		if m.Standing == lsapi.StandingInService {
			t.inService++
			t.inZone[m.Zone]++
		} else {
			t.out++
		}
	}
	return t
}

// Attach returns why an attach is refused; nil if it is allowed.
func (t *Tally) Attach() *lsapi.Error { return t.frozen() }

// Detach returns why the detach of a member is refused; nil if it is allowed. One that is
// not in service takes nothing away. One of which AWS does not say whether it serves is
// judged as if it did.
func (t *Tally) Detach(member lsapi.MemberID) *lsapi.Error {
	if err := t.frozen(); err != nil {
		return err
	}
	m, known := t.counted[member]
	if !known || m.Standing != lsapi.StandingInService && m.Standing != lsapi.StandingUnknown {
		return nil
	}
	for _, r := range t.rules {
		if text := t.violation(r, m); text != "" {
			return t.refuse(r, text)
		}
	}
	return nil
}

// Detached counts a detach that is made, for those behind it.
func (t *Tally) Detached(member lsapi.MemberID) {
	m := t.counted[member]
	if m.Standing == lsapi.StandingInService {
		t.inService--
		t.inZone[m.Zone]--
		t.out++
	}
	m.Member, m.Standing = member, lsapi.StandingDetached
	t.counted[member] = m
}

// violation returns the numbers by which the detach of a member violates a rule; empty if
// it does not.
func (t *Tally) violation(r Rule, m lsapi.GuardedMember) string {
	left, leftInZone, out := t.inService, t.inZone[m.Zone], t.out
	if m.Standing == lsapi.StandingInService {
		left, leftInZone, out = left-1, leftInZone-1, out+1
	}
	all := len(t.counted)
	switch r.Kind {
	case KeepLast:
		if left < 1 {
			return fmt.Sprintf("%d of %d in service, %s", t.inService, all, r)
		}
	case MinInService:
		if least := r.Amount.atLeast(all); left < least {
			return fmt.Sprintf("%d of %d in service, %s%s", t.inService, all, r, r.Amount.meaning(least))
		}
	case MinInServicePerZone:
		if leftInZone < r.Amount.Count {
			return fmt.Sprintf("%d in service in zone %q, %s", t.inZone[m.Zone], m.Zone, r)
		}
	case MaxOut:
		if most := r.Amount.atMost(all); m.Standing == lsapi.StandingInService && out > most {
			return fmt.Sprintf("%d of %d out, %s%s", t.out, all, r, r.Amount.meaning(most))
		}
	case Freeze:
	}
	return ""
}

// meaning returns the number that a percentage stands for.
func (a Amount) meaning(number int) string {
	if !a.Percent {
		return ""
	}
	return fmt.Sprintf(" (%d)", number)
}

func (t *Tally) frozen() *lsapi.Error {
	for _, r := range t.rules {
		if r.isFrozen(t.now) {
			return t.refuse(r, r.String())
		}
	}
	return nil
}

func (t *Tally) refuse(r Rule, text string) *lsapi.Error {
	refusal := &lsapi.GuardRefusal{Rule: r.String(), Text: text}
	if r.Kind != Freeze {
		refusal.Members = t.Members()
	}
	return &lsapi.Error{Code: codes[r.Kind], Message: text + " (" + r.Source + ")", Err: refusal}
}

// Members returns all that count, sorted.
func (t *Tally) Members() []lsapi.GuardedMember {
	members := make([]lsapi.GuardedMember, 0, len(t.counted))
	for _, m := range t.counted {
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b lsapi.GuardedMember) int { return a.Member.Compare(b.Member) })
	return members
}

// Headroom returns how many members in service can be detached now, and false if no rule
// limits it.
func (t *Tally) Headroom() (room int, limited bool) {
	room = t.inService
	limit := func(most int) { room, limited = min(room, max(0, most)), true }
	for _, r := range t.rules {
		switch r.Kind {
		case KeepLast:
			limit(t.inService - 1)
		case MinInService:
			limit(t.inService - r.Amount.atLeast(len(t.counted)))
		case MinInServicePerZone:
			free := 0
			for _, serving := range t.inZone {
				free += max(0, serving-r.Amount.Count)
			}
			limit(free)
		case MaxOut:
			limit(r.Amount.atMost(len(t.counted)) - t.out)
		case Freeze:
			if r.isFrozen(t.now) {
				limit(0)
			}
		}
	}
	return room, limited
}
