package cli

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

type oneChange struct {
	record.Store
	c    lsapi.Change
	done time.Time
}

func (o oneChange) Changes(_ context.Context, f lsapi.ChangeFilter) ([]lsapi.Change, error) {
	c := o.c
	if time.Now().Before(o.done) {
		c.Outcome = ""
	}
	if f.Outcome != "" && f.Outcome != c.Outcome || c.IntendedAt.Before(f.From) {
		return nil, nil
	}
	return []lsapi.Change{c}, nil
}

func TestFollowShowsChangeWhenItGetsMatchingOutcome(t *testing.T) {
	for _, outcome := range []lsapi.Outcome{"", lsapi.OutcomeUnknown} {
		synctest.Test(t, func(t *testing.T) {
			record := oneChange{c: lsapi.Change{ID: "x", IntendedAt: time.Now().Add(time.Second), Outcome: lsapi.OutcomeUnknown}, done: time.Now().Add(70 * time.Second)}
			shown := 0
			show := func(lsapi.Change) error { shown++; return nil }
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			if err := followChanges(ctx, record, lsapi.ChangeFilter{Outcome: outcome}, show); err != nil {
				t.Fatal(err)
			}
			if shown != 1 {
				t.Errorf("with outcome %q it was shown %d times", outcome, shown)
			}
		})
	}
}
