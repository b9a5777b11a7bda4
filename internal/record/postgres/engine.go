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

type engine struct {
	pool     *pgxpool.Pool
	queries  *postgresdb.Queries // each in a transaction of its own
	database database
	log      *slog.Logger

	clock  record.SteadyClock // the database's
	away   atomic.Bool        // whether the last query failed
	closed atomic.Bool
	proof  record.Proof
}

// View implements record.Engine.
func (e *engine) View(ctx context.Context, read func(record.Tables) error) error {
	return e.read(ctx, func(t *tables) error { return read(t) })
}

// Views implements record.Engine. Each view has a connection.
func (e *engine) Views(ctx context.Context, n int, read func([]record.Tables) error) error {
	n = min(n, int(e.database.config.MaxConns))
	return e.done(ctx, e.readOnce(ctx, n, func(all []*tables) error {
		views := make([]record.Tables, n)
		for i := range all {
			views[i] = all[i]
		}
		return read(views)
	}))
}

// read is View for PostgreSQL's own queries.
func (e *engine) read(ctx context.Context, read func(*tables) error) error {
	return e.done(ctx, e.readOnce(ctx, 1, func(all []*tables) error { return read(all[0]) }))
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

// share makes a transaction read a shared snapshot; the first one exports it. Such
// transactions wait for each other, and so may be idle.
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

// Update implements record.Engine.
func (e *engine) Update(ctx context.Context, write func(context.Context, record.Tables) error) error {
	return e.write(ctx, func(ctx context.Context, t *tables) error { return write(ctx, t) })
}

// write is Update for PostgreSQL's own queries.
func (e *engine) write(ctx context.Context, write func(context.Context, *tables) error) error {
	if e.database.readOnly {
		return record.ReadOnly()
	}
	var err error
	for range maxAttempts {
		if err = e.writeOnce(ctx, write); !repeatable(err) {
			break
		}
	}
	return e.done(ctx, err)
}

func (e *engine) writeOnce(ctx context.Context, write func(context.Context, *tables) error) error {
	tx, err := e.begin(ctx, pgx.TxOptions{})
	if err != nil {
		return err
	}
	defer e.rollback(ctx, tx)
	queued := newPipeline(tx)
	if err := write(ctx, &tables{queries: postgresdb.New(queued), db: queued, writing: true, clock: &e.clock}); err != nil {
		return err
	}
	if err := queued.flush(ctx); err != nil {
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

// begin begins a transaction, on another connection if an idle one was lost.
func (e *engine) begin(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	tx, err := e.beginOnce(ctx, options)
	if err == nil || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || !stale(err) {
		return tx, err
	}
	e.pool.Reset()
	return e.beginOnce(ctx, options)
}

func (e *engine) beginOnce(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return e.pool.BeginTx(ctx, options)
}

// rollback ends a transaction. Its errors do not matter: nothing uncommitted is kept.
func (e *engine) rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// ask runs short queries, each a transaction by itself.
func ask[T any](ctx context.Context, e *engine, query func(context.Context, *postgresdb.Queries) (T, error)) (T, error) {
	var found T
	err := e.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		found, err = query(ctx, q)
		return err
	})
	return found, err
}

// exec is ask without a result.
func (e *engine) exec(ctx context.Context, query func(context.Context, *postgresdb.Queries) error) error {
	if e.database.readOnly {
		return record.ReadOnly()
	}
	bounded, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return e.done(ctx, query(bounded, e.queries))
}

// done returns the coded error of a call, and logs when the database becomes unreachable
// and reachable.
func (e *engine) done(ctx context.Context, cause error) error {
	if cause == nil {
		if e.away.Swap(false) {
			e.log.Info("the record of changes is back", "database", e.database.name)
		}
		return nil
	}
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
		e.log.Warn("the record of changes is away", "database", e.database.name, "error", err)
	}
	return err
}
