package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"lsapi/internal/record/sqlite/sqlitedb"

	"lsapi/internal/record"
)

// sqliteWriter is the connection that writes, while this process owns the file.
type writer struct {
	db         *sql.DB
	queries    *sqlitedb.Queries
	generation int64
	machine    *machine
	anchor     anchor

	log   *slog.Logger
	path  string
	files []inode     // the record's, those that SQLite keeps beside it, and the lock
	lost  atomic.Bool // whether one of them was another one the last time

	mu      sync.Mutex
	failure error // of the last transaction, nil when it was kept
}

// commit runs jobs in one transaction.
func (w *writer) commit(jobs []*job) {
	ctx := context.Background() // a job's own decides only whether it begins
	err := runAll(ctx, w.begin, jobs)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failure = err
}

// lastKept reports whether the last transaction was kept.
func (w *writer) lastKept() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure == nil
}

// identify notes which files this process has. SQLite commits to its log, whose inode
// stays the same while the file is open: what is committed to one that was removed is
// lost with this process.
func (w *writer) identify(path string, lock *os.File) error {
	held, err := lock.Stat()
	if err != nil {
		return err
	}
	w.path, w.files = path, []inode{{path: lock.Name(), info: held}}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		file, err := inodeOf(path + suffix)
		if err != nil {
			return err
		}
		w.files = append(w.files, file)
	}
	return nil
}

// intact returns an error when one of the files has been removed or replaced: another
// process may own what stands there now. It logs when that begins, and when the very
// same files are back.
func (w *writer) intact() error {
	var err error
	for _, file := range w.files {
		err = errors.Join(err, file.intact())
	}
	if w.lost.Swap(err != nil) != (err != nil) {
		if err != nil {
			w.log.Error("the record of changes was removed or replaced: nothing is written any more; put it back, or restart this process on the right one",
				"file", w.path, "error", err)
		} else {
			w.log.Info("the record of changes was put back", "file", w.path)
		}
	}
	if err != nil {
		return errReplaced(err)
	}
	return nil
}

// begin begins a transaction of the owner of the file.
func (w *writer) begin(ctx context.Context) (transaction, error) {
	if err := w.intact(); err != nil {
		return nil, err
	}
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	begun := &writeTx{tx: tx, tables: tables{queries: w.queries.WithTx(tx), db: tx, machine: w.machine, anchor: &w.anchor}}
	generation, err := begun.queries.Generation(ctx)
	if err == nil && generation != w.generation {
		err = errReplaced(fmt.Errorf("the file has changed hands: its generation is %d, and was %d", generation, w.generation))
	}
	if err != nil {
		begun.rollback()
		return nil, err
	}
	return begun, nil
}

// sqliteTx is a transaction of the writer.
type writeTx struct {
	tables
	tx *sql.Tx
}

func (t *writeTx) view() record.Tables { return &t.tables }

func (t *writeTx) writes() int { return t.written }

func (t *writeTx) commit() error { return t.tx.Commit() }

// rollback needs no error: what was not committed is not kept.
func (t *writeTx) rollback() { _ = t.tx.Rollback() }

// close puts the log of SQLite back into the file.
func (w *writer) close() error { return errors.Join(w.queries.Close(), w.db.Close()) }
