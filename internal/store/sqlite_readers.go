package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"lsapi/internal/store/sqlitedb"
)

// sqliteReaders are the connections that read.
type sqliteReaders struct {
	db *sql.DB
	// several is held by whoever takes more than one connection, so that two
	// of them do not wait for each other's.
	several *semaphore.Weighted

	mu      sync.Mutex
	queries *sqlitedb.Queries // prepared when first needed: a standby may wait for the tables
}

func newSQLiteReaders(db *sql.DB) *sqliteReaders {
	return &sqliteReaders{db: db, several: semaphore.NewWeighted(1)}
}

func (r *sqliteReaders) prepared(ctx context.Context) (*sqlitedb.Queries, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queries != nil {
		return r.queries, nil
	}
	queries, err := sqlitedb.Prepare(context.WithoutCancel(ctx), r.db)
	if err == nil {
		r.queries = queries
	}
	return queries, err
}

// view implements engine.
func (r *sqliteReaders) view(ctx context.Context, read func(tables) error) error {
	return r.views(ctx, 1, func(t []tables) error { return read(t[0]) })
}

// views implements engine. SQLite cannot give the state that one connection sees
// to another: they are opened again until they see the same.
func (r *sqliteReaders) views(ctx context.Context, n int, read func([]tables) error) error {
	queries, err := r.prepared(ctx)
	if err != nil {
		return unreadable(ctx, err)
	}
	if n > 1 {
		if err := r.several.Acquire(ctx, 1); err != nil {
			return errGivenUp(ctx)
		}
		defer r.several.Release(1)
	}
	for {
		same, err := r.viewsOf(ctx, queries, min(n, maxReaders), read)
		if err != nil {
			return unreadable(ctx, err)
		}
		if same {
			return nil
		}
	}
}

// viewsOf reads, unless the connections do not see the same.
func (r *sqliteReaders) viewsOf(ctx context.Context, queries *sqlitedb.Queries, n int, read func([]tables) error) (same bool, err error) {
	var transactions []*sql.Tx
	defer func() {
		for _, tx := range transactions {
			_ = tx.Rollback() // it has only read
		}
	}()
	views := make([]tables, n)
	states := make([]sqlitedb.StateRow, n)
	for i := range views {
		tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return false, err
		}
		transactions = append(transactions, tx)
		mine := queries.WithTx(tx)
		views[i] = &sqliteTables{queries: mine, db: tx}
		if n > 1 {
			if states[i], err = mine.State(ctx); err != nil {
				return false, err
			}
		}
	}
	if len(slices.Compact(states)) > 1 {
		return false, nil
	}
	return true, read(views)
}

func (r *sqliteReaders) close() error { return r.db.Close() }
