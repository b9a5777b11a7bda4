package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/pressly/goose/v3"

	"lsapi/internal/record"
	"lsapi/internal/record/migrate"
	"lsapi/internal/record/sqlite/sqlitedb"
)

// writer is the connection that writes, while this process owns the file.
type writer struct {
	db         *sql.DB
	queries    *sqlitedb.Queries
	generation int64
	machine    *machine
	anchor     anchor

	log   *slog.Logger
	path  string
	files []inode     // the record's, SQLite's beside it, and the lock
	lost  atomic.Bool // whether one of them was missing or replaced at the last look

	failed atomic.Bool // whether the last transaction was not kept
}

// own returns the writer of a file whose lock this process holds. It creates or migrates
// the record.
func (f file) own(ctx context.Context, lock *os.File, m *machine, log *slog.Logger) (*writer, error) {
	if err := f.create(); err != nil {
		return nil, err
	}
	db, err := f.writer()
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, machine: m, log: log, path: f.path}
	err = w.prepare(ctx, f)
	if err == nil {
		err = w.identify(lock)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return w, nil
}

func (w *writer) prepare(ctx context.Context, f file) error {
	if err := f.check(ctx, w.db, false); err != nil {
		return err
	}
	provider, err := migrate.New(goose.DialectSQLite3, w.db, migrations)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	if w.queries, err = sqlitedb.Prepare(ctx, w.db); err != nil {
		return fmt.Errorf("preparing queries: %w", err)
	}
	if w.generation, err = w.queries.TakeOwnership(ctx); err != nil {
		return fmt.Errorf("taking ownership: %w", err)
	}
	if err := w.setClock(ctx); err != nil {
		return fmt.Errorf("reading the clock of the record: %w", err)
	}
	return nil
}

func (w *writer) setClock(ctx context.Context) error {
	before, err := anchorOf(ctx, w.queries)
	if err != nil {
		return err
	}
	last, err := w.queries.LastStamp(ctx)
	if err != nil {
		return err
	}
	if w.anchor = w.machine.anchored(before, fromMicros(last)); w.anchor == before {
		return nil
	}
	return w.queries.PutAnchor(ctx, sqlitedb.PutAnchorParams{Boot: w.anchor.boot, BootedAt: micros(w.anchor.bootedAt)})
}

// identify notes this process's files. SQLite commits to its log, whose inode stays the
// same while the file is open: commits to a removed log are lost with this process.
func (w *writer) identify(lock *os.File) error {
	held, err := lock.Stat()
	if err != nil {
		return err
	}
	w.files = []inode{{path: lock.Name(), info: held}}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		file, err := inodeOf(w.path + suffix)
		if err != nil {
			return err
		}
		w.files = append(w.files, file)
	}
	return nil
}

// intact returns an error when a file was removed or replaced: another process may own its
// replacement. It logs when that begins, and when the same files are back.
func (w *writer) intact() error {
	var err error
	for _, file := range w.files {
		err = errors.Join(err, file.intact())
	}
	lost := err != nil
	switch changed := w.lost.Swap(lost) != lost; {
	case changed && lost:
		w.log.Error("the record of changes was removed or replaced: nothing is written any more; put it back, or restart this process on the right one",
			"file", w.path, "error", err)
	case changed:
		w.log.Info("the record of changes was put back", "file", w.path)
	}
	if lost {
		return errReplaced(err)
	}
	return nil
}

func (w *writer) commit(jobs []*job) {
	ctx := context.Background() // a job's own context only prevents its start
	w.failed.Store(runAll(ctx, w.begin, jobs) != nil)
}

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

type writeTx struct {
	tables
	tx *sql.Tx
}

func (t *writeTx) view() record.Tables { return &t.tables }
func (t *writeTx) writes() int         { return t.written }
func (t *writeTx) commit() error       { return t.tx.Commit() }
func (t *writeTx) rollback()           { _ = t.tx.Rollback() } // nothing uncommitted is kept

// close makes SQLite write its log back into the file.
func (w *writer) close() error { return errors.Join(w.queries.Close(), w.db.Close()) }
