package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/config"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
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
)

// openRecord opens the record, and retries while the database is unreachable.
func (a *App) openRecord(ctx context.Context, url string, o record.Options) (record.Store, error) {
	waiting := false
	for began := time.Now(); ; {
		opened, err := open.URL(ctx, url, o)
		if lsapi.ErrorCode(err) != lsapi.CodeUnavailable || time.Since(began) > openTimeout || ctx.Err() != nil {
			return opened, err
		}
		if !waiting {
			waiting = true
			a.log.Warn("the start waits for the record of changes", "at_most", openTimeout, "problem", lsapi.AsError(err).Message)
		}
		_ = record.Pause(ctx, nil, openPause)
	}
}

// startRecord opens the record of changes and starts pruning.
func (a *App) startRecord(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, others *replicas) (timedRecord, error) {
	opened, err := a.openRecord(ctx, string(cfg.Store), record.Options{Log: a.log, Learn: others.apply, Replicas: others.setCount})
	if err != nil {
		return timedRecord{}, &StoreError{err}
	}
	a.started("the record of changes", opened.Close)
	a.startPruning(opened, cfg.KeepChanges) //nolint:contextcheck // it outlives the start
	return timedRecord{opened, metrics.Append}, nil
}

func (a *App) startPruning(record record.Store, keep time.Duration) {
	if keep == 0 {
		keep = forever
	}
	base, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.prune(base, record, keep)
	}()
	a.started("pruning", func(ctx context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
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
	observe func(outcome string, took time.Duration)
}

// Append implements membership.Record.
func (r timedRecord) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.Head, error) {
	began := time.Now()
	head, err := r.Store.Append(ctx, lease, events)
	r.observe(outcome(lsapi.ErrorCode(err)), time.Since(began))
	return head, err
}
