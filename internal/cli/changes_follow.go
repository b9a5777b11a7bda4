package cli

import (
	"context"
	"slices"
	"time"

	"lsapi"
	"lsapi/internal/app"
	"lsapi/internal/store"
)

const (
	// followEvery is how often the record is looked at: soon for a person, seldom
	// enough to cost nothing.
	followEvery = 500 * time.Millisecond
	// followBack is how far back each look goes: a change gets its place in the
	// record some time after its id was made, on replicas whose clocks differ.
	followBack = time.Minute
)

// follower shows each change once, when its outcome is known.
type follower struct {
	record store.Store
	filter lsapi.ChangeFilter
	show   *changePrinter
	shown  map[string]time.Time // the changes that need not be shown, and when they were asked for
	from   time.Time            // what was asked for before is done with
}

// followChanges shows the changes that the filter finds as their outcomes become
// known, from its From or from now on, until ctx ends.
func followChanges(ctx context.Context, record store.Store, filter lsapi.ChangeFilter, show *changePrinter) error {
	f := &follower{record: record, filter: filter, show: show, shown: make(map[string]time.Time), from: filter.From}
	if f.from.IsZero() {
		f.from = time.Now()
	}
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		if err := f.look(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // Ctrl-C is how it ends
			}
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look shows what is new, and moves on behind what is done with.
func (f *follower) look(ctx context.Context) error {
	changes, err := f.since(ctx, f.from)
	if err != nil {
		return err
	}
	next := time.Now().Add(-followBack)
	for _, c := range changes {
		if c.Outcome == "" {
			if c.IntendedAt.Before(next) {
				next = c.IntendedAt // to be looked at until it has one
			}
			continue
		}
		if _, shown := f.shown[c.ID]; shown || f.filter.Outcome != "" && c.Outcome != f.filter.Outcome {
			continue
		}
		f.shown[c.ID] = c.IntendedAt
		if err := f.show.print(&c); err != nil {
			return err
		}
	}
	if next.After(f.from) {
		f.from = next
	}
	for id, at := range f.shown {
		if at.Before(f.from) {
			delete(f.shown, id)
		}
	}
	return nil
}

// since returns all that was asked for from then on, oldest first.
func (f *follower) since(ctx context.Context, from time.Time) ([]lsapi.Change, error) {
	filter := f.filter
	// Whatever the outcome: one that is open now may get the one that is wanted.
	filter.From, filter.Limit, filter.Outcome = from, listPage, ""
	var changes []lsapi.Change
	for {
		page, err := f.record.Changes(ctx, filter)
		if err != nil {
			return nil, &app.StoreError{Err: err}
		}
		changes = append(changes, page...)
		if len(page) < listPage {
			slices.Reverse(changes)
			return changes, nil
		}
		filter.Before = page[len(page)-1].ID
	}
}
