package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// start is the end of a record that tells of no event yet. Unlike the zero Position,
// it is one behind which events may be missing later.
func start() lsapi.Position { return lsapi.Position{Minor: 1} }

// Events implements Store.
func (r record) Events(ctx context.Context, after lsapi.Position, limit int) (found []lsapi.RecordedEvent, err error) {
	if limit < 1 || limit > maxEvents {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "the limit must be from 1 to %d", maxEvents)
	}
	err = r.view(ctx, func(t tables) error {
		if after != (lsapi.Position{}) {
			dropped, err := t.dropped(ctx)
			if err != nil {
				return err
			}
			if dropped.After(after) {
				return errDropped()
			}
		}
		rows, err := t.eventsAfter(ctx, after, limit)
		if err != nil {
			return err
		}
		found, err = retell(ctx, t, rows)
		return err
	})
	return found, err
}

// retell tells events as the record knows them now.
func retell(ctx context.Context, t tables, rows []eventRow) ([]lsapi.RecordedEvent, error) {
	var ids []string
	for _, row := range rows {
		if row.changeID != "" {
			ids = append(ids, row.changeID)
		}
	}
	changes, err := t.changes(ctx, ids)
	if err != nil {
		return nil, err
	}
	told := make([]lsapi.RecordedEvent, len(rows))
	for i, row := range rows {
		p, err := decode(row.payload)
		if err != nil {
			return nil, err
		}
		event := p.event()
		if known, ok := changes[row.changeID]; ok {
			event.Change = known.Change
		}
		told[i] = lsapi.RecordedEvent{Position: row.place, LoadBalancer: row.loadBalancer, Event: event}
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
		event.Health = append(event.Health, h.health())
	}
	return event
}

// End implements Store.
func (r record) End(ctx context.Context) (end lsapi.Position, err error) {
	err = r.view(ctx, func(t tables) error {
		if end, err = t.end(ctx); err != nil {
			return err
		}
		// What was pruned may stand behind everything that is kept.
		dropped, err := t.dropped(ctx)
		if dropped.After(end) {
			end = dropped
		}
		return err
	})
	return end, err
}

// awaitNews looks for what is behind a position after each hint, and now and then
// without.
func (r record) awaitNews(ctx context.Context, after lsapi.Position, hints <-chan struct{}) error {
	wait := soonPause
	for {
		var behind, soon bool
		err := r.view(ctx, func(t tables) (err error) {
			behind, soon, err = t.behind(ctx, after)
			return err
		})
		if err != nil || behind {
			return err
		}
		pause := lookEvery
		if soon { // a transaction that is long already may become much longer
			pause = wait
			wait = min(2*wait, lookEvery)
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
			return errEnded(ctx)
		}
	}
}

// tellsNews reports whether somebody waits for what events tell.
func tellsNews(events []lsapi.Event) bool {
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
