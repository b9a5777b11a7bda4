package notify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi"
)

// notification is what one request reports: an event, or those of a bulk together.
type notification struct {
	kind Kind
	id   string
	pool lsapi.PoolID // zero for a gap and a test
	at   time.Time
	text string
	// changes and out are what it reports: changes of drift, of requests, or that detached
	// members; members that are out.
	changes []lsapi.Change
	out     []lsapi.OutMember
	since   time.Time // of a gap
}

// step is what follows from consecutive events of the record.
type step struct {
	until         lsapi.Position // behind them
	at            time.Time
	notifications []notification
}

// steps returns what follows from a page of events. Consecutive events of a bulk are one
// step: a receiver gets one notification of its refusals. A bulk that a page cuts, or that
// grows before it is read again, has other ids then, so that no receiver drops the rest.
func steps(page []lsapi.RecordedEvent) []step {
	var all []step
	for len(page) > 0 {
		n := 1
		for bulk := page[0].Event.Change.Bulk; bulk != "" && n < len(page) && page[n].Pool == page[0].Pool && page[n].Event.Change.Bulk == bulk; {
			n++
		}
		last := &page[n-1]
		all = append(all, step{last.Position, last.Event.At, notificationsOf(page[:n])})
		page = page[n:]
	}
	return all
}

// notificationsOf returns the notifications of events that are reported together, at most
// one of each kind.
func notificationsOf(events []lsapi.RecordedEvent) []notification {
	reported := make(map[Kind][]lsapi.Change)
	for i := range events {
		e := &events[i]
		if e.Event.Kind == lsapi.EventObserved {
			reported[Drift] = append(reported[Drift], e.External...)
		}
		for _, kind := range kindsOf(&e.Event) {
			reported[kind] = append(reported[kind], e.Event.Change)
		}
	}
	var all []notification
	for _, kind := range Kinds() {
		if changes := reported[kind]; len(changes) > 0 {
			all = append(all, notification{
				kind: kind, id: idOf(changes[0].ID, kind, len(changes)), pool: events[0].Pool, at: events[len(events)-1].Event.At,
				changes: changes, text: textOf(kind, events[0].Pool, changes),
			})
		}
	}
	return all
}

// kindsOf returns what is reported of a change with its outcome. The intent of an override is
// not: the outcome follows.
func kindsOf(e *lsapi.Event) (kinds []Kind) {
	if e.Kind != lsapi.EventCompleted && e.Kind != lsapi.EventResolved {
		return nil
	}
	switch c := &e.Change; {
	case c.Guard != nil && c.Guard.Overridden:
		kinds = append(kinds, Overridden)
	case c.Guard != nil && c.Outcome == lsapi.OutcomeRefused:
		kinds = append(kinds, Refused)
	}
	if e.Change.Outcome == lsapi.OutcomeUnknown {
		kinds = append(kinds, Unknown)
	}
	return kinds
}

// idOf returns an id that is the same whenever the same is reported. It has no dots, which
// separate it from the time in a signature.
func idOf(first string, kind Kind, n int) string {
	id := first + "-" + string(kind)
	if n > 1 {
		id += "-" + strconv.Itoa(n)
	}
	return id
}

// outNotifications returns the notifications of members that have been out for a duration.
// Those of a pool that went out together are one.
func outNotifications(out []lsapi.OutMember, outFor time.Duration) []notification {
	var all []notification
	for len(out) > 0 {
		first := &out[0]
		together, rest := partition(out, func(m *lsapi.OutMember) bool { return wentTogether(first, m) })
		begin := strings.ReplaceAll(first.Pool.String(), "/", "-") + "-" + strconv.FormatInt(first.Since.UnixMicro(), 10)
		if first.Detach != nil {
			begin = first.Detach.ID
		}
		n := notification{
			kind: Out, id: idOf(begin, Out, len(together)), pool: first.Pool, at: first.Since.Add(outFor),
			out: together, text: outText(together, outFor),
		}
		for i := range together {
			if c := together[i].Detach; c != nil {
				n.changes = append(n.changes, *c)
			}
		}
		all = append(all, n)
		out = rest
	}
	return all
}

// wentTogether reports whether one event, or one bulk, took two members out.
func wentTogether(a, b *lsapi.OutMember) bool {
	switch {
	case a.Pool != b.Pool || (a.Detach == nil) != (b.Detach == nil):
		return false
	case a.Detach == nil:
		return a.Since.Equal(b.Since)
	}
	return a.Detach.ID == b.Detach.ID || a.Detach.Bulk != "" && a.Detach.Bulk == b.Detach.Bulk
}

func partition(all []lsapi.OutMember, in func(*lsapi.OutMember) bool) (those, rest []lsapi.OutMember) {
	for i := range all {
		if in(&all[i]) {
			those = append(those, all[i])
		} else {
			rest = append(rest, all[i])
		}
	}
	return those, rest
}

// gapNotification reports that events behind a position were pruned unsent.
func gapNotification(behind lsapi.Delivery, now time.Time) notification {
	return notification{
		kind: gap, id: fmt.Sprintf("gap-%d-%d", behind.Position.Major, behind.Position.Minor), at: now, since: behind.At,
		text: "notifications are missing: events since " + behind.At.UTC().Format(time.RFC3339) +
			" were pruned before they could be sent (--keep-changes)",
	}
}

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
