package record

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// start is the end of a record that tells of no event yet. Unlike the zero Position,
// it is one behind which events may be missing later.
func Beginning() lsapi.Position { return lsapi.Position{Minor: 1} }

// Events implements Store.
func (r Record) Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error) {
	if limit < 1 || limit > maxEvents {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "the limit must be from 1 to %d", maxEvents)
	}
	return Read(ctx, r, func(t Tables) ([]lsapi.RecordedEvent, error) {
		if after != (lsapi.Position{}) {
			dropped, err := t.Dropped(ctx)
			if err != nil {
				return nil, err
			}
			if dropped.After(after) {
				return nil, errDropped()
			}
		}
		rows, err := t.EventsAfter(ctx, after, limit)
		if err != nil {
			return nil, err
		}
		return retell(ctx, t, rows)
	})
}

// retell tells events as the record knows them now.
func retell(ctx context.Context, t Tables, rows []EventRow) ([]lsapi.RecordedEvent, error) {
	var ids []string
	for _, row := range rows {
		if row.ChangeID != "" {
			ids = append(ids, row.ChangeID)
		}
	}
	changes, err := t.Changes(ctx, ids)
	if err != nil {
		return nil, err
	}
	told := make([]lsapi.RecordedEvent, len(rows))
	for i, row := range rows {
		p, err := decode(row.Payload)
		if err != nil {
			return nil, err
		}
		event := p.event()
		if known, ok := changes[row.ChangeID]; ok {
			event.Change = known.Change
		}
		told[i] = lsapi.RecordedEvent{Position: row.Place, LoadBalancer: row.LoadBalancer, Event: event}
		if p.Kind == lsapi.EventObserved {
			told[i].External = plain(effectsOf(p, nil).changes)
		}
	}
	return told, nil
}

// event is what was appended, but for its change, of which the payload may lack what
// an earlier event has told.
func (p *payload) event() lsapi.Event {
	event := lsapi.Event{Kind: p.Kind, At: p.At, Since: p.Since, Until: p.Until, Drained: p.Drained}
	if p.Change != nil {
		event.Change = p.change(*p.Change)
	}
	event.Added, event.Removed = slices.Sorted(maps.Keys(p.Added)), slices.Sorted(maps.Keys(p.Removed))
	for _, h := range p.Health {
		event.Health = append(event.Health, h.MemberHealth())
	}
	return event
}

// End implements Store.
func (r Record) End(ctx context.Context) (lsapi.Position, error) {
	return Read(ctx, r, func(t Tables) (lsapi.Position, error) {
		end, err := t.End(ctx)
		if err != nil {
			return end, err
		}
		// What was pruned may stand behind everything that is kept.
		dropped, err := t.Dropped(ctx)
		if dropped.After(end) {
			end = dropped
		}
		return end, err
	})
}

// ahead is whether there are events behind a position: some that can be read, and
// some that will be soon.
type ahead struct{ readable, soon bool }

// awaitNews looks for what is behind a position after each hint, and now and then
// without.
func (r Record) AwaitNews(ctx context.Context, after lsapi.Position, hints <-chan struct{}) error {
	wait := soonPause
	for {
		found, err := Read(ctx, r, func(t Tables) (found ahead, err error) {
			found.readable, found.soon, err = t.After(ctx, after)
			return found, err
		})
		if err != nil || found.readable {
			return err
		}
		pause := LookEvery
		if found.soon { // a transaction that is long already may become much longer
			pause = wait
			wait = min(2*wait, LookEvery)
		} else {
			wait = soonPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-hints:
			timer.Reset(lookPause)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return Ended(ctx)
		}
	}
}

// tellsNews reports whether somebody waits for what events tell.
func HasNews(events []lsapi.Event) bool {
	return slices.ContainsFunc(events, func(e lsapi.Event) bool {
		switch e.Kind {
		case lsapi.EventObserved, lsapi.EventHealth:
			return true
		case lsapi.EventCompleted, lsapi.EventResolved:
			return e.Change.Outcome == lsapi.OutcomeApplied
		case lsapi.EventIntended, lsapi.EventCheckpoint:
		}
		return false
	})
}

func errDropped() error {
	return lsapi.Errorf(lsapi.CodeNotFound, "events behind this place in the record have been removed, because they were too old")
}
