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

// sqliteReaders are the connections that read.
type readers struct {
	machine *machine
	db      *sql.DB
	// several is held by whoever takes more than one connection, so that two
	// of them do not wait for each other's.
	several *semaphore.Weighted

	mu      sync.Mutex
	frozen  bool
	queries *sqlitedb.Queries // prepared when first needed: a standby may wait for the tables
}

// frozen is the mode of a file that nobody can write: SQLite then looks neither for
// its log nor for locks, which it could not make.
const frozen = "frozen"

// openReaders opens the connections that read, and looks whether they can.
func (f file) openReaders(ctx context.Context, m *machine, exists, readOnly bool) (*readers, error) {
	mode := "rw"
	if readOnly {
		mode = "ro"
	}
	readers, err := f.readersIn(ctx, mode, exists, readOnly)
	if lsapi.ErrorCode(err) == lsapi.CodeUnavailable && !f.hasLog() {
		readers, err = f.readersIn(ctx, frozen, exists, readOnly)
	}
	if err != nil {
		return nil, err
	}
	readers.machine = m
	return readers, nil
}

func (f file) readersIn(ctx context.Context, mode string, exists, readOnly bool) (*readers, error) {
	db, err := f.readers(mode)
	if err != nil {
		return nil, err
	}
	if exists {
		if err := f.check(ctx, db, readOnly); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return &readers{db: db, several: semaphore.NewWeighted(1), frozen: mode == frozen}, nil
}

// hasLog reports whether SQLite has left a log beside the file, which holds what is
// newest.
func (f file) hasLog() bool {
	info, err := os.Stat(f.path + "-wal")
	return err == nil && info.Size() > 0
}

// thaw makes the connections see what is written from now on.
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

// prepared returns the connections, and the queries that they know.
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

// view implements engine.
func (r *readers) View(ctx context.Context, read func(record.Tables) error) error {
	return r.Views(ctx, 1, func(t []record.Tables) error { return read(t[0]) })
}

// views implements engine. SQLite cannot give the state that one connection sees
// to another: they are opened again until they see the same.
func (r *readers) Views(ctx context.Context, n int, read func([]record.Tables) error) error {
	return record.Within(ctx, func(ctx context.Context) error { return r.read(ctx, n, read) })
}

func (r *readers) read(ctx context.Context, n int, read func([]record.Tables) error) error {
	db, queries, err := r.prepared(ctx)
	if err != nil {
		return unreadable(ctx, err)
	}
	if n > 1 {
		if err := r.several.Acquire(ctx, 1); err != nil {
			return record.TimedOut(ctx)
		}
		defer r.several.Release(1)
	}
	for {
		same, err := viewsOf(ctx, r.machine, db, queries, min(n, Readers), read)
		if err != nil {
			return unreadable(ctx, err)
		}
		if same {
			return nil
		}
	}
}

// viewsOf reads, unless the connections do not see the same.
func viewsOf(ctx context.Context, m *machine, db *sql.DB, queries *sqlitedb.Queries, n int, read func([]record.Tables) error) (same bool, err error) {
	var transactions []*sql.Tx
	defer func() {
		for _, tx := range transactions {
			_ = tx.Rollback() // it has only read
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
		mine := queries.WithTx(tx)
		views[i] = &tables{queries: mine, db: tx, machine: m}
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

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.db.Close()
}
