package guard

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// NeedsHealth reports whether the rules depend on the health of members.
func NeedsHealth(rules []Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return !r.isPeriod() })
}

// NeedsZones reports whether they depend on their availability zones.
func NeedsZones(rules []Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return r.Kind == MinInServicePerZone })
}

// NeedsFormer reports whether they depend on the former members that count as out. The
// fewer of these there are, the less the rules refuse.
func NeedsFormer(rules []Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool {
		return r.Kind == MaxOut || r.Kind == MinInService && r.Amount.Percent
	})
}

// Tally counts the members of a pool under its rules, and the detaches that were allowed.
type Tally struct {
	rules     []Rule
	now       time.Time
	counted   map[lsapi.MemberID]lsapi.GuardedMember
	inService int
	out       int
	inZone    map[string]int        // in service, by zone
	sorted    []lsapi.GuardedMember // those of counted; nil after a detach
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

// Copy returns a copy: detaches that the one counts do not count in the other.
func (t *Tally) Copy() *Tally {
	c := *t
	c.counted, c.inZone = maps.Clone(t.counted), maps.Clone(t.inZone)
	return &c
}

// Attach returns why an attach is refused; nil if it is allowed.
func (t *Tally) Attach() *lsapi.Error { return t.forbidden() }

// Detach returns why the detach of a member is refused; nil if it is allowed. One that is
// not in service takes nothing away. One of which AWS does not say whether it serves gets
// the verdict that it would get in service.
func (t *Tally) Detach(member lsapi.MemberID) *lsapi.Error {
	if err := t.forbidden(); err != nil {
		return err
	}
	for _, r := range t.rules {
		if err := t.DetachUnder(r, member); err != nil {
			return err
		}
	}
	return nil
}

// DetachUnder returns why one rule refuses the detach of a member, whether or not it is among
// those of the tally; nil if it does not.
func (t *Tally) DetachUnder(r Rule, member lsapi.MemberID) *lsapi.Error {
	m := t.counted[member]
	if m.Standing != lsapi.StandingInService && m.Standing != lsapi.StandingUnknown {
		return nil
	}
	if text := t.violation(r, m); text != "" {
		return t.refuse(r, text)
	}
	return nil
}

// Detached counts a detach that is made, for those behind it. One that is not in the tally
// takes nothing away.
func (t *Tally) Detached(member lsapi.MemberID) {
	m, known := t.counted[member]
	if !known {
		return
	}
	if m.Standing == lsapi.StandingInService {
		t.inService--
		t.inZone[m.Zone]--
		t.out++
	}
	m.Standing = lsapi.StandingDetached
	t.counted[member], t.sorted = m, nil
}

// violation returns the numbers by which the detach of a member violates a rule; empty if
// it does not.
func (t *Tally) violation(r Rule, m lsapi.GuardedMember) string {
	left, leftInZone, out := t.inService, t.inZone[m.Zone], t.out // one of unknown standing counts as out already
	if m.Standing == lsapi.StandingInService {
		left, leftInZone, out = left-1, leftInZone-1, out+1
	}
	number, all := t.Number(r), len(t.counted)
	switch r.Kind {
	case KeepLast, MinInService:
		if left < number {
			return fmt.Sprintf("%d of %d in service, %s%s", t.inService, all, r, r.Amount.meaning(number))
		}
	case MinInServicePerZone:
		if leftInZone < number {
			return fmt.Sprintf("%d in service in zone %q, %s", t.inZone[m.Zone], m.Zone, r)
		}
	case MaxOut:
		if out > number {
			return fmt.Sprintf("%d of %d out, %s%s", t.out, all, r, r.Amount.meaning(number))
		}
	case Malformed:
		return r.String()
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

// forbidden returns the refusal by a rule that forbids every change now.
func (t *Tally) forbidden() *lsapi.Error {
	for _, r := range t.rules {
		if r.forbidsAll(t.now) {
			return t.refuse(r, r.String())
		}
	}
	return nil
}

func (t *Tally) refuse(r Rule, text string) *lsapi.Error {
	refusal := &lsapi.GuardRefusal{Rule: r.String(), Text: text}
	if !r.isPeriod() {
		refusal.Members = t.Members()
	}
	return &lsapi.Error{Code: codes[r.Kind], Message: "a guard refuses it: " + text + " (" + r.Source + ")", Err: refusal}
}

// Members returns all that count, sorted. The caller must not change them: refusals share
// them.
func (t *Tally) Members() []lsapi.GuardedMember {
	if t.sorted == nil {
		t.sorted = make([]lsapi.GuardedMember, 0, len(t.counted))
		for _, m := range t.counted {
			t.sorted = append(t.sorted, m)
		}
		slices.SortFunc(t.sorted, func(a, b lsapi.GuardedMember) int { return a.Member.Compare(b.Member) })
	}
	return t.sorted
}

// InService returns the number of members in service.
func (t *Tally) InService() int { return t.inService }

// Out returns the number of all others that count.
func (t *Tally) Out() int { return t.out }

// Frozen reports whether a rule forbids every change now.
func (t *Tally) Frozen() bool { return t.forbidden() != nil }

// Number returns the number of members that a rule means now: the least in service, in each
// zone for MinInServicePerZone, or the most that may be out. 0 for the other kinds.
func (t *Tally) Number(r Rule) int {
	switch r.Kind {
	case KeepLast:
		return 1
	case MinInService:
		return r.Amount.atLeast(len(t.counted))
	case MinInServicePerZone:
		return r.Amount.Count
	case MaxOut:
		return r.Amount.atMost(len(t.counted))
	case Freeze, Malformed:
	}
	return 0
}

// Headroom returns how many members in service can be detached now, and false if no rule
// limits it.
func (t *Tally) Headroom() (room int, limited bool) {
	room = t.inService
	limit := func(most int) { room, limited = min(room, max(0, most)), true }
	for _, r := range t.rules {
		number := t.Number(r)
		switch r.Kind {
		case KeepLast, MinInService:
			limit(t.inService - number)
		case MinInServicePerZone:
			free := 0
			for _, serving := range t.inZone {
				free += max(0, serving-number)
			}
			limit(free)
		case MaxOut:
			limit(number - t.out)
		case Malformed:
			limit(0)
		case Freeze:
			if r.forbidsAll(t.now) {
				limit(0)
			}
		}
	}
	return room, limited
}
