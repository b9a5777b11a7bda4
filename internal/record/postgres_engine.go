package record

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lsapi"
	"lsapi/internal/record/postgresdb"
)

// postgresEngine is an engine on a PostgreSQL database.
type postgresEngine struct {
	pool     *pgxpool.Pool
	queries  *postgresdb.Queries // each in a transaction of its own
	database postgresDatabase
	readOnly bool
	log      *slog.Logger

	clock  steadyClock // the database's
	away   atomic.Bool // whether the database could not be asked the last time
	closed atomic.Bool // by Close
	proof  proof
}

// view implements engine.
func (e *postgresEngine) view(ctx context.Context, read func(tables) error) error {
	return e.read(ctx, 1, func(t []*postgresTables) error { return read(t[0]) })
}

// views implements engine.
func (e *postgresEngine) views(ctx context.Context, n int, read func([]tables) error) error {
	return e.read(ctx, n, func(t []*postgresTables) error {
		views := make([]tables, len(t))
		for i := range t {
			views[i] = t[i]
		}
		return read(views)
	})
}

// read is views for what PostgreSQL alone has.
func (e *postgresEngine) read(ctx context.Context, n int, read func([]*postgresTables) error) error {
	if err := e.readOnce(ctx, n, read); err != nil {
		return e.failed(ctx, err)
	}
	e.reached()
	return nil
}

func (e *postgresEngine) readOnce(ctx context.Context, n int, read func([]*postgresTables) error) error {
	views := make([]*postgresTables, n)
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
		views[i] = &postgresTables{queries: postgresdb.New(tx), db: tx}
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
func (e *postgresEngine) update(ctx context.Context, write func(context.Context, tables) error) error {
	return e.write(ctx, func(ctx context.Context, t *postgresTables) error { return write(ctx, t) })
}

// write is update for what PostgreSQL alone has.
func (e *postgresEngine) write(ctx context.Context, write func(context.Context, *postgresTables) error) error {
	if e.readOnly {
		return errReadOnly()
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

func (e *postgresEngine) writeOnce(ctx context.Context, write func(context.Context, *postgresTables) error) error {
	tx, err := e.begin(ctx, pgx.TxOptions{})
	if err != nil {
		return err
	}
	defer e.rollback(ctx, tx)
	kept := newPipeline(tx)
	if err := write(ctx, &postgresTables{queries: postgresdb.New(kept), db: kept, writing: true, clock: &e.clock}); err != nil {
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
func (e *postgresEngine) begin(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	tx, err := e.beginOnce(ctx, options)
	if err == nil || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || !stale(err) {
		return tx, err
	}
	e.pool.Reset()
	return e.beginOnce(ctx, options)
}

func (e *postgresEngine) beginOnce(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return e.pool.BeginTx(ctx, options)
}

// rollback ends a transaction; what was not committed is not kept, whatever
// becomes of it.
func (e *postgresEngine) rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// ask runs one query that is a transaction by itself.
func (e *postgresEngine) ask(ctx context.Context, query func(context.Context, *postgresdb.Queries) error) error {
	return e.within(ctx, func(ctx context.Context) error { return query(ctx, e.queries) })
}

// within bounds something short that is a transaction by itself.
func (e *postgresEngine) within(ctx context.Context, do func(context.Context) error) error {
	if e.readOnly {
		return errReadOnly()
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
func (e *postgresEngine) failed(ctx context.Context, cause error) error {
	if e.closed.Load() {
		return errClosed()
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

func (e *postgresEngine) reached() {
	if e.away.Swap(false) {
		e.log.Info("the record of changes is back", slog.String("database", e.database.name))
	}
}
