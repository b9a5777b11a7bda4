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
type feed struct {
	record
	learn func(loadBalancer string, changes []lsapi.AppliedChange)

	mu        sync.Mutex
	positions map[string]int64
}

// begin makes what is recorded so far no news.
func (f *feed) begin(ctx context.Context) error {
	return f.view(ctx, func(t tables) error {
		logs, err := t.logs(ctx)
		for _, log := range logs {
			f.skip(log.loadBalancer, 0, log.last)
		}
		return err
	})
}

// skip passes over events that are no news, if those before them have been seen.
func (f *feed) skip(loadBalancer string, before, after int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.positions[loadBalancer] == before {
		f.positions[loadBalancer] = after
	}
}

func (f *feed) position(loadBalancer string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.positions[loadBalancer]
}

func (f *feed) run(ctx context.Context, hints <-chan struct{}) {
	for {
		timer := time.NewTimer(lookEvery)
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
		_ = f.look(ctx) // it is tried again soon
	}
}

// news is what has been applied to a load balancer.
type news struct {
	loadBalancer  string
	changes       []lsapi.AppliedChange
	before, after int64
}

// look tells what is new. While the database is away there is nothing.
func (f *feed) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	var found []news
	err := f.view(ctx, func(t tables) error {
		logs, err := t.logs(ctx)
		if err != nil {
			return err
		}
		for _, log := range logs {
			seen := f.position(log.loadBalancer)
			if log.last == seen {
				continue
			}
			changes, err := appliedAfter(ctx, t, log, seen)
			if err != nil {
				return err
			}
			found = append(found, news{log.loadBalancer, changes, seen, log.last})
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
func (f *feed) tell(found []news) {
	for _, n := range found {
		if len(n.changes) > 0 {
			f.learn(n.loadBalancer, n.changes)
		}
		f.skip(n.loadBalancer, n.before, n.after)
	}
}

// appliedAfter returns the changes that were applied by the events behind one.
func appliedAfter(ctx context.Context, t tables, log logRow, seen int64) ([]lsapi.AppliedChange, error) {
	var changes []lsapi.AppliedChange
	for from := seen + 1; from <= log.last; {
		rows, err := t.events(ctx, log.loadBalancer, from, page)
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
		from = rows[len(rows)-1].seq + 1
	}
	return changes, nil
}
