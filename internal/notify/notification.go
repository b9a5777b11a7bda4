package notify

import (
	"context"
	"fmt"
	"strconv"
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

// gapNotification reports that events behind a position were pruned unsent.
func gapNotification(behind lsapi.Delivery, now time.Time) notification {
	return notification{
		kind: gap, id: fmt.Sprintf("gap-%d-%d", behind.Position.Major, behind.Position.Minor), at: now, since: behind.At,
		text: "notifications are missing: events since " + behind.At.UTC().Format(time.RFC3339) +
			" were pruned before they could be sent (--keep-changes)",
	}
}

// isFor reports whether the notification is sent to a receiver.
func (n *notification) isFor(ctx context.Context, r *Receiver) bool {
	if n.kind == gap || n.kind == test {
		return true
	}
	return r.wants(n.kind) && (r.Matches == nil || r.Matches(ctx, n.pool))
}
