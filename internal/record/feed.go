package record

import (
	"context"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// Feed passes on the changes that other processes applied. Its position is the number of
// the last event of each log that it has passed: a log's events become visible in order,
// whatever the clocks, so that none is missed.
type Feed struct {
	Record
	learn func(pool lsapi.PoolID, changes []lsapi.AppliedChange)

	mu        sync.Mutex
	positions map[lsapi.PoolID]int64
}

// NewFeed returns a feed that passes changes to learn; nil for nil.
func NewFeed(r Record, learn func(pool lsapi.PoolID, changes []lsapi.AppliedChange)) *Feed {
	if learn == nil {
		return nil
	}
	return &Feed{Record: r, learn: learn, positions: make(map[lsapi.PoolID]int64)}
}

// news are the changes that were applied to a pool between two events.
type news struct {
	pool          lsapi.PoolID
	changes       []lsapi.AppliedChange
	before, after int64
}

// Begin skips the events so far, but passes on the changes applied within recent.
func (f *Feed) Begin(ctx context.Context, recent time.Duration) error {
	return f.pass(ctx, func(t Tables, log LogRow) (found news, err error) {
		found = news{pool: log.Pool, after: log.Last}
		if recent > 0 {
			found.changes, err = applied(ctx, t, log, log.Clock.Now.Add(-recent))
		}
		return found, err
	})
}

// Look passes on the changes since the last look.
func (f *Feed) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return f.pass(ctx, func(t Tables, log LogRow) (news, error) {
		f.mu.Lock()
		found := news{pool: log.Pool, before: f.positions[log.Pool], after: log.Last}
		f.mu.Unlock()
		if found.before == found.after {
			return found, nil
		}
		err := eachPage(ctx, t, log.Pool, found.before+1, func(rows []EventRow) (bool, error) {
			changes, err := appliedBy(ctx, t, log, rows)
			found.changes = slices.Concat(found.changes, slices.Concat(changes...))
			return true, err
		})
		return found, err
	})
}

// pass passes on the news of all logs.
func (f *Feed) pass(ctx context.Context, look func(Tables, LogRow) (news, error)) error {
	all, err := Read(ctx, f.Record, func(t Tables) ([]news, error) {
		logs, err := t.Logs(ctx)
		all := make([]news, 0, len(logs))
		for _, log := range logs {
			found, err := look(t, log)
			if err != nil {
				return nil, err
			}
			all = append(all, found)
		}
		return all, err
	})
	for _, found := range all {
		if len(found.changes) > 0 {
			f.learn(found.pool, found.changes)
		}
		f.Skip(found.pool, found.before, found.after)
	}
	return err
}

// Skip passes over events, such as this process's own, if all before them were passed.
func (f *Feed) Skip(pool lsapi.PoolID, before, after int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.positions[pool] == before {
		f.positions[pool] = after
	}
}

// Run looks after each hint, and at intervals without one, until ctx ends.
func (f *Feed) Run(ctx context.Context, hints <-chan struct{}) {
	for gather(ctx, hints, LookEvery) == nil {
		_ = f.Look(ctx) // retried soon
	}
}
