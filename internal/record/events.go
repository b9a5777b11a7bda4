package record

import (
	"context"
	"slices"

	"lsapi"
)

// Beginning is the end of a record without events. Unlike behind the zero Position,
// events behind it can be missing later.
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
				return nil, lsapi.Errorf(lsapi.CodeNotFound, "events behind this place in the record have been removed, because they were too old")
			}
		}
		rows, err := t.EventsAfter(ctx, after, limit)
		if err != nil {
			return nil, err
		}
		return recordedEvents(ctx, t, rows)
	})
}

// recordedEvents returns events with their changes as they are now.
func recordedEvents(ctx context.Context, t Tables, rows []EventRow) ([]lsapi.RecordedEvent, error) {
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
	events := make([]lsapi.RecordedEvent, len(rows))
	for i, row := range rows {
		p, err := decode(row.Payload)
		if err != nil {
			return nil, err
		}
		event := p.event()
		if c, ok := changes[row.ChangeID]; ok {
			event.Change = c.Change
		}
		events[i] = lsapi.RecordedEvent{Position: row.Place, Pool: row.Pool, Event: event}
		if p.Kind == lsapi.EventObserved {
			events[i].External = changesOf(effectsOf(p, nil).changes)
		}
	}
	return events, nil
}

// End implements Store.
func (r Record) End(ctx context.Context) (lsapi.Position, error) {
	return Read(ctx, r, func(t Tables) (lsapi.Position, error) { return endOf(ctx, t) })
}

func endOf(ctx context.Context, t Tables) (lsapi.Position, error) {
	end, err := t.End(ctx)
	if err != nil {
		return end, err
	}
	// Pruned events may be behind all kept ones.
	dropped, err := t.Dropped(ctx)
	if dropped.After(end) {
		end = dropped
	}
	return end, err
}

// AwaitNews waits for events behind a position. It looks after each hint, and at
// intervals without one.
func (r Record) AwaitNews(ctx context.Context, after lsapi.Position, hints <-chan struct{}) error {
	backoff := soonPause
	for {
		soon := false
		readable, err := Read(ctx, r, func(t Tables) (readable bool, err error) {
			readable, soon, err = t.After(ctx, after)
			return readable, err
		})
		if err != nil || readable {
			return err
		}
		pause := LookEvery
		if soon { // unless a long transaction becomes much longer
			pause = backoff
			backoff = min(2*backoff, LookEvery)
		} else {
			backoff = soonPause
		}
		if err := gather(ctx, hints, pause); err != nil {
			return err
		}
	}
}

// HasNews reports whether AwaitNews returns for some of the events.
func HasNews(events []lsapi.Event) bool {
	return slices.ContainsFunc(events, func(e lsapi.Event) bool {
		return e.Kind == lsapi.EventObserved || e.Kind == lsapi.EventHealth || e.Change.Outcome == lsapi.OutcomeApplied || e.Change.RefusedByGuard()
	})
}
