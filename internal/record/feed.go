package record

import (
	"context"
	"sync"
	"time"

	"lsapi"
)

// feed tells this process what others have applied. Its place in the record is the
// number of the last event that it has seen of each log: a log's events become
// visible in order, whatever the clocks say, so that nothing is missed.
type Feed struct {
	Record
	learn func(loadBalancer string, changes []lsapi.AppliedChange)

	mu        sync.Mutex
	positions map[string]int64
}

// newFeed returns a feed that passes changes to learn; nil when that is nil.
func NewFeed(r Record, learn func(loadBalancer string, changes []lsapi.AppliedChange)) *Feed {
	if learn == nil {
		return nil
	}
	return &Feed{Record: r, learn: learn, positions: make(map[string]int64)}
}

// begin skips the events so far, but passes on the changes applied within recent.
func (f *Feed) Begin(ctx context.Context, recent time.Duration) error {
	found, err := Read(ctx, f.Record, func(t Tables) ([]news, error) {
		logs, err := t.Logs(ctx)
		found := make([]news, len(logs))
		for i, log := range logs {
			found[i] = news{loadBalancer: log.LoadBalancer, after: log.Last}
			if recent == 0 {
				continue
			}
			if found[i].changes, err = applied(ctx, t, log, log.Clock.Now.Add(-recent)); err != nil {
				return nil, err
			}
		}
		return found, err
	})
	if err == nil {
		f.tell(found)
	}
	return err
}

// skip passes over events that are no news, if those before them have been seen.
func (f *Feed) Skip(loadBalancer string, before, after int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.positions[loadBalancer] == before {
		f.positions[loadBalancer] = after
	}
}

func (f *Feed) position(loadBalancer string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.positions[loadBalancer]
}

func (f *Feed) Run(ctx context.Context, hints <-chan struct{}) {
	for {
		timer := time.NewTimer(LookEvery)
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
			return
		}
		_ = f.Look(ctx) // it is tried again soon
	}
}

// news is what has been applied to a load balancer.
type news struct {
	loadBalancer  string
	changes       []lsapi.AppliedChange
	before, after int64
}

// look tells what is new. While the database is away there is nothing.
func (f *Feed) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	var found []news
	err := f.View(ctx, func(t Tables) error {
		logs, err := t.Logs(ctx)
		if err != nil {
			return err
		}
		for _, log := range logs {
			seen := f.position(log.LoadBalancer)
			if log.Last == seen {
				continue
			}
			changes, err := appliedAfter(ctx, t, log, seen)
			if err != nil {
				return err
			}
			found = append(found, news{log.LoadBalancer, changes, seen, log.Last})
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.tell(found)
	return nil
}

// tell tells what has been found, which then is no news any more.
func (f *Feed) tell(found []news) {
	for _, n := range found {
		if len(n.changes) > 0 {
			f.learn(n.loadBalancer, n.changes)
		}
		f.Skip(n.loadBalancer, n.before, n.after)
	}
}

// appliedAfter returns the changes that were applied by the events behind one.
func appliedAfter(ctx context.Context, t Tables, log LogRow, seen int64) ([]lsapi.AppliedChange, error) {
	var changes []lsapi.AppliedChange
	for from := seen + 1; from <= log.Last; {
		rows, err := t.Events(ctx, log.LoadBalancer, from, page)
		if err != nil || len(rows) == 0 {
			return changes, err
		}
		for _, row := range rows {
			change, err := appliedBy(ctx, t, log, row)
			if err != nil {
				return nil, err
			}
			if change != nil {
				changes = append(changes, *change)
			}
		}
		from = rows[len(rows)-1].Seq + 1
	}
	return changes, nil
}
