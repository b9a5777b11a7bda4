package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lsapi"
)

func textOf(kind Kind, pool lsapi.PoolID, changes []lsapi.Change) string {
	first := &changes[0]
	switch kind {
	case Drift:
		return pool.Path() + ": changed outside of lsapi: " + driftText(changes)
	case Refused:
		return fmt.Sprintf("%s: a guard refused %s by %s (%s)", pool.Path(), what(changes), first.Actor, first.Guard.Rule)
	case Overridden:
		return fmt.Sprintf("%s: %s overrode %s to %s %s (%s); reason: %s",
			pool.Path(), first.Actor, first.Guard.Rule, first.Action, names(members(changes)), outcomes(changes), oneLine(first.Guard.Reason))
	case Unknown:
		return fmt.Sprintf("%s: it is unknown whether %s by %s was made; look at the members", pool.Path(), what(changes), first.Actor)
	case Out, gap, test:
	}
	return ""
}

// what returns changes as a noun, such as "the detach of i-5203422c".
func what(changes []lsapi.Change) string {
	actions := distinct(changes, func(c *lsapi.Change) string { return string(c.Action) })
	return "the " + strings.Join(actions, " and ") + " of " + names(members(changes))
}

func driftText(changes []lsapi.Change) string {
	var parts []string
	for _, action := range []lsapi.Action{lsapi.Attach, lsapi.Detach} {
		those := slices.DeleteFunc(slices.Clone(changes), func(c lsapi.Change) bool { return c.Action != action })
		if len(those) > 0 {
			parts = append(parts, string(action)+"ed "+names(members(those)))
		}
	}
	return strings.Join(parts, "; ")
}

func outcomes(changes []lsapi.Change) string {
	return strings.Join(distinct(changes, func(c *lsapi.Change) string { return string(c.Outcome) }), ", ")
}

func distinct(changes []lsapi.Change, of func(*lsapi.Change) string) []string {
	var all []string
	for i := range changes {
		if value := of(&changes[i]); !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

func outText(out []lsapi.OutMember, outFor time.Duration) string {
	ids := make([]string, len(out))
	for i := range out {
		ids[i] = out[i].Member.String()
	}
	first := &out[0]
	since := first.Since.UTC().Format(time.RFC3339)
	if first.Detach != nil {
		return fmt.Sprintf("%s: not back for %s since %s detached: %s (%s)", first.Pool.Path(), short(outFor), first.Detach.Actor, names(ids), since)
	}
	text := fmt.Sprintf("%s: out of service for %s: %s (since %s)", first.Pool.Path(), short(outFor), names(ids), since)
	if reason := first.Health.Reason; reason != "" && reason != "N/A" {
		text += ": " + oneLine(reason+", "+first.Health.Description)
	}
	return text
}

// short returns a duration without its zero units, such as 30m.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func members(changes []lsapi.Change) []string {
	ids := make([]string, len(changes))
	for i := range changes {
		ids[i] = changes[i].Member.String()
	}
	return ids
}

// names returns the first names, and the number of the others.
func names(all []string) string {
	if len(all) <= maxNamed {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxNamed], ", "), len(all)-maxNamed)
}

// oneLine replaces line breaks and other runs of white space by a space.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
