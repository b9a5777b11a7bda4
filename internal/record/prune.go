package record

import (
	"context"
	"log/slog"
	"time"
)

// pruning is what a process knows of the time by which it prunes.
type pruning struct {
	clock steadyClock
	log   *slog.Logger
}

// Prune implements Store. The first call only notes the time: that of the newest
// event, or of the clock when that is earlier. From then on the record ages as this
// process does, so that a clock that jumps forward removes nothing.
func (r record) Prune(ctx context.Context, keep time.Duration) error {
	var now, newest time.Time
	err := r.update(ctx, func(ctx context.Context, t tables) (err error) {
		if now, err = t.labels(ctx); err != nil {
			return err
		}
		logs, err := t.logs(ctx)
		for _, log := range logs {
			newest = latest(newest, log.at)
		}
		return err
	})
	if err != nil {
		return err // the update may still be at work
	}
	if newest.IsZero() {
		newest = now
	}
	if first := r.pruning.clock.start(earliest(now, newest)); first {
		return nil
	}
	return r.pruneAt(ctx, r.pruning.clock.at(now), keep)
}

// pruneAt prunes as of a time. Each log is a transaction of its own, so that changes
// wait for one of them at most.
func (r record) pruneAt(ctx context.Context, now time.Time, keep time.Duration) error {
	logs, err := view(ctx, r, func(t tables) ([]logRow, error) { return t.logs(ctx) })
	if err != nil {
		return err
	}
	limit, events := midnight(now.Add(-keep)), int64(0)
	for _, log := range logs {
		dropped := new(int64)
		err = r.update(ctx, func(ctx context.Context, t tables) (err error) {
			*dropped, err = pruneLog(ctx, t, log.loadBalancer, now, limit)
			return err
		})
		if err != nil {
			break
		}
		events += *dropped
	}
	if events > 0 {
		r.pruning.log.Info("old events were removed from the record of changes", "events", events, "before", limit)
	}
	if err != nil {
		return err
	}
	return r.pruneKeys(ctx)
}

// pruneKeys drops idempotency keys that have expired. One that is of a later time was
// reserved under a clock that was wrong: it expires a lifetime from now.
func (r record) pruneKeys(ctx context.Context) error {
	dropped := new(int64)
	err := r.update(ctx, func(ctx context.Context, t tables) error {
		now, steady, err := t.clocks(ctx)
		if err != nil {
			return err
		}
		if err := t.capKeys(ctx, now); err != nil {
			return err
		}
		*dropped, err = t.dropKeys(ctx, steady.Add(-keyLifetime))
		return err
	})
	if err != nil {
		return err // the update may still be at work
	}
	if *dropped > 0 {
		r.pruning.log.Info("expired idempotency keys were removed", "keys", *dropped)
	}
	return nil
}

// pruneLog drops what is before the last checkpoint that has nothing before it but
// whole days that ended before the limit, and returns how many events that were. A
// log at rest gets such a checkpoint.
func pruneLog(ctx context.Context, t tables, loadBalancer string, now, limit time.Time) (dropped int64, err error) {
	a, err := appendTo(ctx, t, loadBalancer)
	if err != nil || a.log.last == 0 {
		return 0, err
	}
	if atRest := a.log.at.Before(limit); atRest && a.log.last > a.log.first && a.log.checkpoint != a.log.last {
		if err := a.checkpoint(ctx, exact(now)); err != nil {
			return 0, err
		}
	}
	cut, err := a.cut(ctx, limit)
	if err != nil {
		return 0, err
	}
	first := a.log.first
	if cut > first {
		if err := a.drop(ctx, cut); err != nil {
			return 0, err
		}
	}
	return a.log.first - first, a.close(ctx)
}

// cut returns the number of the checkpoint before which all can go, 0 for none.
func (a *appender) cut(ctx context.Context, limit time.Time) (int64, error) {
	cut, err := a.firstOfItsDay(ctx, limit)
	if err != nil {
		return 0, err
	}
	open, err := a.tables.openChanges(ctx, a.log.loadBalancer)
	if err != nil {
		return 0, err
	}
	oldest := a.log.last
	for _, c := range open {
		oldest = min(oldest, c.begun)
	}
	if cut <= oldest {
		return cut, nil
	}
	return a.checkpointBefore(ctx, oldest)
}

// firstOfItsDay returns the first checkpoint from the limit on, if all before it is
// older than the limit, else the last checkpoint before the limit.
func (a *appender) firstOfItsDay(ctx context.Context, limit time.Time) (int64, error) {
	from, err := a.tables.checkpointFrom(ctx, a.log.loadBalancer, limit)
	if err != nil {
		return 0, err
	}
	if from > a.log.first {
		rows, err := a.tables.events(ctx, a.log.loadBalancer, from-1, 1)
		if err != nil || len(rows) > 0 && rows[0].at.Before(limit) {
			return from, err
		}
	}
	return a.tables.checkpointUntil(ctx, a.log.loadBalancer, limit.Add(-time.Microsecond))
}

// checkpointBefore returns the last checkpoint before an event, 0 for none.
func (a *appender) checkpointBefore(ctx context.Context, seq int64) (int64, error) {
	rows, err := a.tables.events(ctx, a.log.loadBalancer, seq, 1)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	for at := rows[0].at; ; at = at.Add(-time.Microsecond) {
		found, err := a.tables.checkpointUntil(ctx, a.log.loadBalancer, at)
		if err != nil || found < seq {
			return found, err
		}
	}
}

// drop drops all before a checkpoint.
func (a *appender) drop(ctx context.Context, cut int64) error {
	rows, err := a.tables.events(ctx, a.log.loadBalancer, cut, 1)
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := a.tables.dropEvents(ctx, a.log.loadBalancer, cut); err != nil {
		return err
	}
	// Whatever was completed before the checkpoint was also asked for before it.
	if err := a.tables.dropChanges(ctx, a.log.loadBalancer, cut, rows[0].at.Add(maxAhead)); err != nil {
		return err
	}
	a.log.first = cut
	return nil
}
