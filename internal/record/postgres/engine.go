package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// postgresEngine is an engine on a PostgreSQL database.
type engine struct {
	pool     *pgxpool.Pool
	queries  *postgresdb.Queries // each in a transaction of its own
	database database
	readOnly bool
	log      *slog.Logger

	clock  record.SteadyClock // the database's
	away   atomic.Bool        // whether the database could not be asked the last time
	closed atomic.Bool        // by Close
	proof  record.Proof
}

// view implements engine.
func (e *engine) View(ctx context.Context, read func(record.Tables) error) error {
	return e.read(ctx, 1, func(t []*tables) error { return read(t[0]) })
}

// views implements engine.
func (e *engine) Views(ctx context.Context, n int, read func([]record.Tables) error) error {
	return e.read(ctx, n, func(t []*tables) error {
		views := make([]record.Tables, len(t))
		for i := range t {
			views[i] = t[i]
		}
		return read(views)
	})
}

// read is views for what PostgreSQL alone has.
func (e *engine) read(ctx context.Context, n int, read func([]*tables) error) error {
	if err := e.readOnce(ctx, n, read); err != nil {
		return e.failed(ctx, err)
	}
	e.reached()
	return nil
}

func (e *engine) readOnce(ctx context.Context, n int, read func([]*tables) error) error {
	views := make([]*tables, n)
	var transactions []pgx.Tx
	defer func() {
		for _, tx := range transactions {
			e.rollback(ctx, tx)
		}
	}()
	var snapshot string
	for i := range views {
		tx, err := e.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		transactions = append(transactions, tx)
		if n > 1 {
			if snapshot, err = share(ctx, tx, snapshot); err != nil {
				return err
			}
		}
		views[i] = &tables{queries: postgresdb.New(tx), db: tx}
	}
	return read(views)
}

// share makes a transaction see what another does that shared its snapshot; the
// first shares its own. Who shares work waits for the others, and so may be idle.
func share(ctx context.Context, tx pgx.Tx, snapshot string) (string, error) {
	if snapshot == "" {
		err := tx.QueryRow(ctx, "SELECT pg_export_snapshot() FROM set_config('idle_in_transaction_session_timeout', '0', true)").Scan(&snapshot)
		return snapshot, err
	}
	if _, err := tx.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+snapshot+"'"); err != nil {
		return "", err
	}
	_, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0")
	return snapshot, err
}

// update implements engine.
func (e *engine) Update(ctx context.Context, write func(context.Context, record.Tables) error) error {
	return e.write(ctx, func(ctx context.Context, t *tables) error { return write(ctx, t) })
}

// write is update for what PostgreSQL alone has.
func (e *engine) write(ctx context.Context, write func(context.Context, *tables) error) error {
	if e.readOnly {
		return record.ReadOnly()
	}
	var err error
	for range maxAttempts {
		if err = e.writeOnce(ctx, write); !again(err) {
			break
		}
	}
	if err != nil {
		return e.failed(ctx, err)
	}
	e.reached()
	return nil
}

func (e *engine) writeOnce(ctx context.Context, write func(context.Context, *tables) error) error {
	tx, err := e.begin(ctx, pgx.TxOptions{})
	if err != nil {
		return err
	}
	defer e.rollback(ctx, tx)
	kept := newPipeline(tx)
	if err := write(ctx, &tables{queries: postgresdb.New(kept), db: kept, writing: true, clock: &e.clock}); err != nil {
		return err
	}
	if err := kept.flush(ctx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		if uncommitted(err) {
			return err
		}
		return errUncertain(err)
	}
	return nil
}

// begin begins a transaction. A connection that was lost while nobody used it is
// no reason to fail.
func (e *engine) begin(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	tx, err := e.beginOnce(ctx, options)
	if err == nil || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || !stale(err) {
		return tx, err
	}
	e.pool.Reset()
	return e.beginOnce(ctx, options)
}

func (e *engine) beginOnce(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return e.pool.BeginTx(ctx, options)
}

// rollback ends a transaction; what was not committed is not kept, whatever
// becomes of it.
func (e *engine) rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// ask runs one query that is a transaction by itself.
func (e *engine) ask(ctx context.Context, query func(context.Context, *postgresdb.Queries) error) error {
	return e.within(ctx, func(ctx context.Context) error { return query(ctx, e.queries) })
}

// within bounds something short that is a transaction by itself.
func (e *engine) within(ctx context.Context, do func(context.Context) error) error {
	if e.readOnly {
		return record.ReadOnly()
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := do(bounded); err != nil {
		return e.failed(ctx, err)
	}
	e.reached()
	return nil
}

// failed returns the coded error of what could not be done, and tells once that
// the database is away.
func (e *engine) failed(ctx context.Context, cause error) error {
	if e.closed.Load() {
		return record.Closed()
	}
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok {
		return coded // by lsapi: the database has answered
	}
	err := errAway(ctx, cause)
	if lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		return err
	}
	if stale(cause) {
		e.pool.Reset()
	}
	if !e.away.Swap(true) {
		e.log.Warn("the record of changes is away", slog.String("database", e.database.name), slog.Any("error", err))
	}
	return err
}

func (e *engine) reached() {
	if e.away.Swap(false) {
		e.log.Info("the record of changes is back", slog.String("database", e.database.name))
	}
}
