package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/config"
	"lsapi/internal/store"
	"lsapi/internal/telemetry"
)

// StoreError says why the record of changes cannot be opened or read, and what to do.
type StoreError struct{ Err error }

func (e *StoreError) Error() string {
	if message := lsapi.AsError(e.Err).Message; message != "" {
		return message
	}
	return "the record of changes cannot be used: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *StoreError) Unwrap() error { return e.Err }

// Unreachable reports whether the record's database is away, which only waiting or
// starting it can mend.
func (e *StoreError) Unreachable() bool { return lsapi.ErrorCode(e.Err) == lsapi.CodeUnavailable }

const (
	// The record notes the time at the start. firstPrune is how long after that what is
	// too old is removed for the first time, and pruneEvery how often from then on:
	// changes by whole days, idempotency keys after one.
	firstPrune = time.Minute
	pruneEvery = time.Hour
	// forEver is longer than any record.
	forEver = 200 * 365 * 24 * time.Hour
)

const (
	// startPatience is how long a start waits for a database that is away: it may be
	// starting beside this process, or failing over.
	startPatience = 15 * time.Second
	startPause    = time.Second
)

// openPatiently opens the record. While its database is away it waits, and the log
// says for what.
func (a *App) openPatiently(ctx context.Context, url string, o store.Options) (store.Store, error) {
	waiting := false
	for began := time.Now(); ; {
		opened, err := store.Open(ctx, url, o)
		if lsapi.ErrorCode(err) != lsapi.CodeUnavailable || time.Since(began) > startPatience || ctx.Err() != nil {
			return opened, err
		}
		if !waiting {
			waiting = true
			a.log.Warn("the start waits for the record of changes", "at_most", startPatience, "problem", lsapi.AsError(err).Message)
		}
		select {
		case <-time.After(startPause):
		case <-ctx.Done():
		}
	}
}

// startRecord opens the record of changes.
func (a *App) startRecord(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, others *replicas) (timedRecord, error) {
	opened, err := a.openPatiently(ctx, string(cfg.Store), store.Options{Log: a.log, Learn: others.learn, Replicas: others.count})
	if err != nil {
		return timedRecord{}, &StoreError{err}
	}
	a.started("the record of changes", opened.Close)
	a.startPruning(opened, cfg.KeepChanges) //nolint:contextcheck // it outlives the start
	return timedRecord{opened, metrics.Append}, nil
}

// startPruning removes what is too old, now and then.
func (a *App) startPruning(record store.Store, keep time.Duration) {
	if keep == 0 {
		keep = forEver
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

func (a *App) prune(ctx context.Context, record store.Store, keep time.Duration) {
	for pause := firstPrune; ; pause = pruneEvery {
		if err := record.Prune(ctx, keep); err != nil && lsapi.ErrorCode(err) != lsapi.CodeUnavailable && ctx.Err() == nil {
			a.log.Warn("what is too old could not be removed from the record", "error", err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// timedRecord tells how long recording takes.
type timedRecord struct {
	store.Store
	observe func(outcome string, took time.Duration)
}

// Append implements membership.Record.
func (r timedRecord) Append(ctx context.Context, turn lsapi.Turn, events []lsapi.Event) (lsapi.Head, error) {
	began := time.Now()
	head, err := r.Store.Append(ctx, turn, events)
	r.observe(outcome(lsapi.ErrorCode(err)), time.Since(began))
	return head, err
}
