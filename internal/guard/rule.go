// Package guard decides whether a change would leave a pool too weak: rules and the state of a
// pool lead to a verdict. It is pure; package policy has the rules of each pool.
package guard

import (
	"fmt"
	"strconv"
	"time"

	"lsapi"
)

// Kind is the kind of a rule, as policies name it.
type Kind string

// The kinds. All but Freeze, and a Malformed one, restrict detaches alone.
const (
	// MinInService keeps so many members in service.
	MinInService Kind = "minInService"
	// MinInServicePerZone keeps so many in service in each availability zone that has members.
	// Members whose zone is unknown count as if they shared one. Its Amount is no percentage.
	MinInServicePerZone Kind = "minInServicePerZone"
	// MaxOut lets so many be out at once: detached by lsapi and not back, draining, or not
	// known to be in service.
	MaxOut Kind = "maxOut"
	// KeepLast keeps one in service.
	KeepLast Kind = "keepLast"
	// Freeze forbids every change in a period.
	Freeze Kind = "freeze"
	// Malformed is a rule whose value cannot be read. It refuses whatever a rule of its kind
	// could refuse.
	Malformed Kind = "malformed"
)

var codes = map[Kind]lsapi.Code{
	MinInService:        lsapi.CodeMinInService,
	MinInServicePerZone: lsapi.CodeMinPerZone,
	MaxOut:              lsapi.CodeMaxOut,
	KeepLast:            lsapi.CodeKeepLast,
	Freeze:              lsapi.CodeFreeze,
	Malformed:           lsapi.CodeTagsUnknown,
}

// Rule is a rule for a pool.
type Rule struct {
	Kind Kind
	// Amount is that of MinInService, MinInServicePerZone and MaxOut.
	Amount Amount
	// From and Until bound a Freeze: From <= now < Until. Zero does not.
	From, Until time.Time
	// Of is the kind of a Malformed rule, and Text its value.
	Of   Kind
	Text string
	// Source is where the rule is from, such as "policy.yaml:4" or "tag lsapi:max-out".
	Source string
}

// String returns the rule with its value, such as "minInService 50%".
func (r Rule) String() string {
	switch r.Kind {
	case KeepLast:
		return string(r.Kind)
	case Freeze:
		return string(r.Kind) + freezeBound(" from ", r.From) + freezeBound(" until ", r.Until)
	case Malformed:
		return fmt.Sprintf("malformed %s %q", r.Of, r.Text)
	case MinInService, MinInServicePerZone, MaxOut:
	}
	return string(r.Kind) + " " + r.Amount.String()
}

func freezeBound(word string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return word + at.UTC().Format(time.RFC3339)
}

// forbidsAll reports whether the rule refuses every change now. A malformed freeze may hold at
// any time.
func (r Rule) forbidsAll(now time.Time) bool {
	switch r.Kind {
	case Freeze:
		return !now.Before(r.From) && (r.Until.IsZero() || now.Before(r.Until))
	case Malformed:
		return r.Of == Freeze
	case MinInService, MinInServicePerZone, MaxOut, KeepLast:
	}
	return false
}

// isPeriod reports whether the rule depends on nothing but the time.
func (r Rule) isPeriod() bool { return r.Kind == Freeze || r.Kind == Malformed && r.Of == Freeze }

// Amount is a number of members, or a percentage of them.
type Amount struct {
	Count   int // if Percent is false
	Rate    int // from 0 to 100, if Percent is true
	Percent bool
}

func (a Amount) String() string {
	if a.Percent {
		return strconv.Itoa(a.Rate) + "%"
	}
	return strconv.Itoa(a.Count)
}

// atLeast returns the amount of a whole, rounded up.
func (a Amount) atLeast(whole int) int {
	if a.Percent {
		return (whole*a.Rate + 99) / 100
	}
	return a.Count
}

// atMost returns the amount of a whole, rounded down.
func (a Amount) atMost(whole int) int {
	if a.Percent {
		return whole * a.Rate / 100
	}
	return a.Count
}
