package record

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
)

type pruning struct {
	clock SteadyClock
	log   *slog.Logger
}

// Prune implements Store. The first call only starts a clock, at the newest event, or at
// now if that is earlier. A clock that jumps forward then removes nothing.
func (r Record) Prune(ctx context.Context, keep time.Duration) error {
	var now, newest time.Time
	err := r.Update(ctx, func(ctx context.Context, t Tables) (err error) {
		if _, _, now, err = t.Times(ctx); err != nil {
			return err
		}
		logs, err := t.Logs(ctx)
		for _, log := range logs {
			newest = Latest(newest, log.At)
		}
		return err
	})
	if err != nil {
		return err
	}
	if newest.IsZero() {
		newest = now
	}
	if first := r.pruning.clock.Start(earliest(now, newest)); first {
		return nil
	}
	return r.PruneAt(ctx, r.pruning.clock.At(now), keep)
}

// PruneAt prunes as of a time. Each log has a transaction of its own, to block appends
// briefly.
func (r Record) PruneAt(ctx context.Context, now time.Time, keep time.Duration) error {
	logs, err := Read(ctx, r, func(t Tables) ([]LogRow, error) { return t.Logs(ctx) })
	if err != nil {
		return err
	}
	limit, events := midnight(now.Add(-keep)), int64(0)
	for _, log := range logs {
		dropped := new(int64)
		err = r.Update(ctx, func(ctx context.Context, t Tables) (err error) {
			*dropped, err = pruneLog(ctx, t, log.Pool, now, limit)
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
	if err := r.pruneKeys(ctx); err != nil {
		return err
	}
	return r.pruneDeliveries(ctx)
}

// pruneKeys drops expired idempotency keys. A key of a later time is of a clock that was
// wrong: it expires a lifetime from now.
func (r Record) pruneKeys(ctx context.Context) error {
	dropped := new(int64)
	err := r.Update(ctx, func(ctx context.Context, t Tables) error {
		now, steady, _, err := t.Times(ctx)
		if err != nil {
			return err
		}
		if err := t.CapKeys(ctx, now); err != nil {
			return err
		}
		*dropped, err = t.DropKeys(ctx, steady.Add(-keyLifetime))
		return err
	})
	if err != nil {
		return err
	}
	if *dropped > 0 {
		r.pruning.log.Info("expired idempotency keys were removed", "keys", *dropped)
	}
	return nil
}

// pruneLog drops the events before the last checkpoint that only has whole days before
// the limit before it, and returns their number. It appends such a checkpoint to an idle
// log.
func pruneLog(ctx context.Context, t Tables, pool lsapi.PoolID, now, limit time.Time) (dropped int64, err error) {
	a, err := appendTo(ctx, t, pool)
	if err != nil || a.log.Last == 0 {
		return 0, err
	}
	if idle := a.log.At.Before(limit); idle && a.log.Last > a.log.First && a.log.Checkpoint != a.log.Last {
		if err := a.checkpoint(ctx, Exact(now)); err != nil {
			return 0, err
		}
	}
	cut, err := a.cut(ctx, limit)
	if err != nil {
		return 0, err
	}
	first := a.log.First
	if cut > first {
		if err := a.drop(ctx, cut); err != nil {
			return 0, err
		}
	}
	return a.log.First - first, a.close(ctx)
}

// cut returns the number of the checkpoint before which all can be dropped, 0 for none.
func (a *appender) cut(ctx context.Context, limit time.Time) (int64, error) {
	cut, err := a.firstOfItsDay(ctx, limit)
	if err != nil {
		return 0, err
	}
	open, err := a.tables.OpenChanges(ctx, a.log.Pool)
	if err != nil {
		return 0, err
	}
	oldest := a.log.Last
	for _, c := range open {
		oldest = min(oldest, c.Begun)
	}
	if cut <= oldest {
		return cut, nil
	}
	return a.checkpointBefore(ctx, oldest)
}

// firstOfItsDay returns the first checkpoint from the limit on if all events before it are
// older than the limit, else the last checkpoint before the limit.
func (a *appender) firstOfItsDay(ctx context.Context, limit time.Time) (int64, error) {
	from, err := a.tables.CheckpointFrom(ctx, a.log.Pool, limit)
	if err != nil {
		return 0, err
	}
	if from > a.log.First {
		rows, err := a.tables.Events(ctx, a.log.Pool, from-1, 1)
		if err != nil || len(rows) > 0 && rows[0].At.Before(limit) {
			return from, err
		}
	}
	return a.tables.CheckpointUntil(ctx, a.log.Pool, limit.Add(-time.Microsecond))
}

// checkpointBefore returns the last checkpoint before an event, 0 for none.
func (a *appender) checkpointBefore(ctx context.Context, seq int64) (int64, error) {
	rows, err := a.tables.Events(ctx, a.log.Pool, seq, 1)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	for at := rows[0].At; ; at = at.Add(-time.Microsecond) {
		found, err := a.tables.CheckpointUntil(ctx, a.log.Pool, at)
		if err != nil || found < seq {
			return found, err
		}
	}
}

// drop drops all before a checkpoint. Changes that were completed before it were also
// intended before it.
func (a *appender) drop(ctx context.Context, cut int64) error {
	rows, err := a.tables.Events(ctx, a.log.Pool, cut, 1)
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := a.tables.DropEvents(ctx, a.log.Pool, cut); err != nil {
		return err
	}
	if err := a.tables.DropChanges(ctx, a.log.Pool, cut, rows[0].At.Add(maxAhead)); err != nil {
		return err
	}
	a.log.First = cut
	return a.tables.DropDetachedBefore(ctx, a.log.Pool, cut)
}
