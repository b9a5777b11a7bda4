package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/config"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
	"lsapi/internal/systemd"
	"lsapi/internal/telemetry"
)

// StoreError reports that the record of changes cannot be opened or read.
type StoreError struct{ Err error }

func (e *StoreError) Error() string {
	if message := lsapi.AsError(e.Err).Message; message != "" {
		return message
	}
	return "the record of changes cannot be used: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *StoreError) Unwrap() error { return e.Err }

// Unreachable reports whether the record's database is unreachable, so that a retry may
// succeed.
func (e *StoreError) Unreachable() bool { return lsapi.ErrorCode(e.Err) == lsapi.CodeUnavailable }

const (
	// Pruning removes changes by whole days, and idempotency keys after one day.
	firstPrune = time.Minute // after the start
	pruneEvery = time.Hour
	forever    = 200 * 365 * 24 * time.Hour
)

const (
	// openTimeout bounds how long a start waits for an unreachable database, which may be
	// starting too, or failing over.
	openTimeout = 15 * time.Second
	openPause   = time.Second
	// readTimeout bounds each read of the record at the start. After it the database
	// counts as unreachable.
	readTimeout = 5 * time.Second
)

// untilReachable repeats a step of the start while the record's database is unreachable.
//
// Errors: *StoreError.
func (a *App) untilReachable(ctx context.Context, step func(context.Context) error) error {
	waiting := false
	for began := time.Now(); ; {
		err := step(ctx)
		if err == nil {
			return nil
		}
		if lsapi.ErrorCode(err) != lsapi.CodeUnavailable || time.Since(began) > openTimeout || ctx.Err() != nil {
			return &StoreError{err}
		}
		if !waiting {
			waiting = true
			problem := lsapi.AsError(err).Message
			a.log.Warn("the start waits for the record of changes", "at_most", openTimeout, "problem", problem)
			a.warn(systemd.Waiting("waiting for the record of changes: " + problem))
		}
		_ = record.Pause(ctx, nil, openPause)
	}
}

// startReads are the reads of the record at the start, each within readTimeout.
type startReads struct{ record.Store }

// Unfinished implements overlay.Record.
func (r startReads) Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error) {
	return bounded(ctx, func(ctx context.Context) ([]lsapi.PoolID, error) { return r.Store.Unfinished(ctx, within) })
}

// Applied implements overlay.Record.
func (r startReads) Applied(ctx context.Context, pool lsapi.PoolID, within time.Duration) ([]lsapi.AppliedChange, error) {
	return bounded(ctx, func(ctx context.Context) ([]lsapi.AppliedChange, error) {
		return r.Store.Applied(ctx, pool, within)
	})
}

// Populated implements record.Store.
func (r startReads) Populated(ctx context.Context) ([]lsapi.PoolID, error) {
	return bounded(ctx, r.Store.Populated)
}

func bounded[T any](ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readTimeout,
		lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes does not answer in time; look for locks on its tables, and for its load"))
	defer cancel()
	return read(ctx)
}

// startRecord opens the record of changes and starts pruning.
func (a *App) startRecord(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, others *replicas) (timedRecord, error) {
	var opened record.Store
	err := a.untilReachable(ctx, func(ctx context.Context) (err error) {
		opened, err = open.URL(ctx, string(cfg.Store), record.Options{Log: a.log, Learn: others.apply, Replicas: others.setCount})
		return err
	})
	if err != nil {
		return timedRecord{}, err
	}
	a.started("the record of changes", opened.Close)
	a.startPruning(opened, cfg.KeepChanges)
	return timedRecord{opened, metrics.Append}, nil
}

func (a *App) startPruning(record record.Store, keep time.Duration) {
	if keep == 0 {
		keep = forever
	}
	work := background.New()
	work.Go(func(ctx context.Context) { a.prune(ctx, record, keep) })
	a.started("pruning", work.Close)
}

func (a *App) prune(ctx context.Context, changes record.Store, keep time.Duration) {
	for pause := firstPrune; ; pause = pruneEvery {
		if err := changes.Prune(ctx, keep); err != nil && lsapi.ErrorCode(err) != lsapi.CodeUnavailable && ctx.Err() == nil {
			a.log.Warn("pruning the record failed", "error", err)
		}
		if record.Pause(ctx, nil, pause) != nil {
			return
		}
	}
}

// timedRecord measures Append.
type timedRecord struct {
	record.Store
	observe func(code lsapi.Code, took time.Duration)
}

// Append implements membership.Record.
func (r timedRecord) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	began := time.Now()
	end, err := r.Store.Append(ctx, lease, events)
	r.observe(lsapi.ErrorCode(err), time.Since(began))
	return end, err
}
