package cli

import (
	"context"
	"slices"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

const (
	followEvery = 500 * time.Millisecond // the polling interval
	// followBack is how far back each poll reads. A change can appear in the record some
	// time after its id was created, on replicas whose clocks differ.
	followBack = time.Minute
)

// follower shows each change once, when it has an outcome.
type follower struct {
	record record.Store
	filter lsapi.ChangeFilter
	show   func(lsapi.Change) error
	shown  map[string]time.Time // IntendedAt of the changes already shown
	from   time.Time            // earlier changes are complete
}

// followChanges shows changes when they get their outcome, starting at filter.From or
// now, until ctx ends.
func followChanges(ctx context.Context, record record.Store, filter lsapi.ChangeFilter, show func(lsapi.Change) error) error {
	f := &follower{record: record, filter: filter, show: show, shown: make(map[string]time.Time), from: filter.From}
	if f.from.IsZero() {
		f.from = time.Now()
	}
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		if err := f.poll(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // Ctrl-C ends the command
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

// poll shows new outcomes and moves from past complete changes.
func (f *follower) poll(ctx context.Context) error {
	changes, err := f.since(ctx, f.from)
	if err != nil {
		return err
	}
	next := time.Now().Add(-followBack)
	for _, c := range changes {
		if c.Outcome == "" {
			if c.IntendedAt.Before(next) {
				next = c.IntendedAt // poll it again until it has an outcome
			}
			continue
		}
		if _, shown := f.shown[c.ID]; shown || f.filter.Outcome != "" && c.Outcome != f.filter.Outcome {
			continue
		}
		f.shown[c.ID] = c.IntendedAt
		if err := f.show(c); err != nil {
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

// since returns all changes from a time on, oldest first.
func (f *follower) since(ctx context.Context, from time.Time) (changes []lsapi.Change, err error) {
	filter := f.filter
	// With any outcome: an open change may still get the one in the filter.
	filter.From, filter.Outcome = from, ""
	_, err = eachPage(0, recordPages(ctx, f.record, filter), func(c lsapi.Change) error {
		changes = append(changes, c)
		return nil
	})
	slices.Reverse(changes)
	return changes, err
}
