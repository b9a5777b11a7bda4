package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"lsapi/internal/store/sqlitedb"
)

// sqliteWriter is the connection that writes, while this process owns the file.
type sqliteWriter struct {
	db         *sql.DB
	queries    *sqlitedb.Queries
	generation int64
	clock      steadyClock

	mu      sync.Mutex
	failure error     // of the last transaction, nil when it was kept
	wroteAt time.Time // when the last one was kept
}

// commit runs jobs in one transaction.
func (w *sqliteWriter) commit(jobs []*job) {
	ctx := context.Background() // a job's own decides only whether it begins
	err := runAll(ctx, w.begin, jobs)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure = err; err == nil {
		w.wroteAt = time.Now()
	}
}

// wrote reports whether a write has lately proved that there is nothing to fear.
func (w *sqliteWriter) wrote() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure == nil && time.Since(w.wroteAt) < probeEvery
}

func (w *sqliteWriter) begin(ctx context.Context) (transaction, error) {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &sqliteTx{tx: tx, sqliteTables: sqliteTables{queries: w.queries.WithTx(tx), db: tx, clock: &w.clock}}, nil
}

// sqliteTx is a transaction of the writer.
type sqliteTx struct {
	sqliteTables
	tx *sql.Tx
}

func (t *sqliteTx) tables() tables { return &t.sqliteTables }

func (t *sqliteTx) writes() int { return t.written }

func (t *sqliteTx) commit() error { return t.tx.Commit() }

// rollback needs no error: what was not committed is not kept.
func (t *sqliteTx) rollback() { _ = t.tx.Rollback() }

// close puts the log of SQLite back into the file.
func (w *sqliteWriter) close() error { return errors.Join(w.queries.Close(), w.db.Close()) }
