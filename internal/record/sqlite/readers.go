package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/sqlite/sqlitedb"
)

type readers struct {
	machine *machine
	db      *sql.DB
	// several is held by a reader of more than one connection: two such readers could wait
	// for each other's.
	several *semaphore.Weighted

	mu      sync.Mutex
	frozen  bool
	queries *sqlitedb.Queries // prepared at first use: a standby may wait for the tables
}

// frozen is the mode of a read-only file: SQLite then uses neither log nor locks, which it
// could not create.
const frozen = "frozen"

func (f file) openReaders(ctx context.Context, m *machine, exists, readOnly bool) (*readers, error) {
	mode := "rw"
	if readOnly {
		mode = "ro"
	}
	db, err := f.checkedReaders(ctx, mode, exists, readOnly)
	if lsapi.ErrorCode(err) == lsapi.CodeUnavailable && !f.hasLog() {
		mode = frozen
		db, err = f.checkedReaders(ctx, mode, exists, readOnly)
	}
	if err != nil {
		return nil, err
	}
	return &readers{machine: m, db: db, several: semaphore.NewWeighted(1), frozen: mode == frozen}, nil
}

func (f file) checkedReaders(ctx context.Context, mode string, exists, readOnly bool) (*sql.DB, error) {
	db, err := f.readers(mode)
	if err != nil || !exists {
		return db, err
	}
	if err := f.check(ctx, db, readOnly); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// hasLog reports whether SQLite left a log, with the newest data, beside the file.
func (f file) hasLog() bool {
	info, err := os.Stat(f.path + "-wal")
	return err == nil && info.Size() > 0
}

// reopen opens frozen connections again, to see later writes.
func (r *readers) reopen(f file) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.frozen {
		return nil
	}
	db, err := f.readers("rw")
	if err != nil {
		return err
	}
	old := r.db
	r.db, r.queries, r.frozen = db, nil, false
	return old.Close()
}

func (r *readers) prepared(ctx context.Context) (*sql.DB, *sqlitedb.Queries, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queries == nil {
		queries, err := sqlitedb.Prepare(context.WithoutCancel(ctx), r.db)
		if err != nil {
			return nil, nil, err
		}
		r.queries = queries
	}
	return r.db, r.queries, nil
}

// View implements record.Engine.
func (r *readers) View(ctx context.Context, read func(record.Tables) error) error {
	return r.Views(ctx, 1, func(t []record.Tables) error { return read(t[0]) })
}

// Views implements record.Engine. SQLite connections cannot share a state: they are opened
// again until they have the same.
func (r *readers) Views(ctx context.Context, n int, read func([]record.Tables) error) error {
	return record.Within(ctx, func(ctx context.Context) error {
		if n > 1 {
			if err := r.several.Acquire(ctx, 1); err != nil {
				return record.TimedOut(ctx)
			}
			defer r.several.Release(1)
		}
		for {
			same, err := r.read(ctx, min(n, Readers), read)
			if err != nil {
				return unreadable(ctx, err)
			}
			if same {
				return nil
			}
		}
	})
}

// read reads, unless the connections have different states.
func (r *readers) read(ctx context.Context, n int, read func([]record.Tables) error) (same bool, err error) {
	db, queries, err := r.prepared(ctx)
	if err != nil {
		return false, err
	}
	var transactions []*sql.Tx
	defer func() {
		for _, tx := range transactions {
			_ = tx.Rollback() // it only read
		}
	}()
	views := make([]record.Tables, n)
	states := make([]sqlitedb.StateRow, n)
	for i := range views {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return false, err
		}
		transactions = append(transactions, tx)
		view := &tables{queries: queries.WithTx(tx), db: tx, machine: r.machine}
		views[i] = view
		if n > 1 {
			if states[i], err = view.queries.State(ctx); err != nil {
				return false, err
			}
		}
	}
	if len(slices.Compact(states)) > 1 {
		return false, nil
	}
	return true, read(views)
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.db.Close()
}
