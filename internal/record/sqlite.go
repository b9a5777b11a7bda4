package record

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	_ "modernc.org/sqlite" // the driver

	"lsapi"
	"lsapi/internal/record/sqlitedb"
)

// sqliteFile is how a SQLite file is opened.
type sqliteFile struct{ path string }

// find returns the file of a path, whatever links lead to it: the lock must have
// one name. It need not exist, but its folder must.
func find(path string) (sqliteFile, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err == nil {
		folder, err = filepath.Abs(folder)
	}
	if err != nil {
		return sqliteFile{}, &lsapi.Error{
			Code: lsapi.CodeInvalid, Err: err,
			Message: fmt.Sprintf("the folder %s of the record of changes cannot be used: %v", filepath.Dir(path), cause(err)),
		}
	}
	whole := filepath.Join(folder, filepath.Base(path))
	if target, err := filepath.EvalSymlinks(whole); err == nil {
		whole = target
	}
	return sqliteFile{whole}, nil
}

// cause returns the operating system's reason, without the path that the message names
// already.
func cause(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// exists reports whether there is a file that is not empty.
func (f sqliteFile) exists() (bool, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, lsapi.Errorf(lsapi.CodeInvalid, "the record of changes %s cannot be looked at: %v", f.path, cause(err))
	case !info.Mode().IsRegular():
		return false, lsapi.Errorf(lsapi.CodeInvalid, "the record of changes %s is not a file; name one", f.path)
	}
	return info.Size() > 0, nil
}

// open returns a pool of connections with the given parameters beside those that
// all share.
func (f sqliteFile) open(connections int, parameters url.Values) (*sql.DB, error) {
	parameters.Add("_pragma", "busy_timeout("+strconv.FormatInt(busyTimeout.Milliseconds(), 10)+")")
	parameters.Add("_pragma", "trusted_schema(0)")
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: f.path}).EscapedPath(), RawQuery: parameters.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// create makes the file, if there is none, for its owner alone; SQLite, which would
// let everybody read it, gives the files beside it the same mode. One that exists is
// not even opened: closing it would end the locks that SQLite has of it.
func (f sqliteFile) create() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	return file.Close()
}

// forOthers reports whether users of the machine other than the file's owner may
// read or write it.
func (f sqliteFile) forOthers() bool {
	info, err := os.Stat(f.path)
	return err == nil && info.Mode()&0o077 != 0
}

// writer opens the one connection that writes. Nothing is acknowledged that the
// disk has not.
func (f sqliteFile) writer() (*sql.DB, error) {
	return f.open(1, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"journal_mode(WAL)", "synchronous(FULL)",
			"cache_size(-" + strconv.Itoa(writerCache) + ")", "journal_size_limit(" + strconv.Itoa(maxLog) + ")",
		},
	})
}

// readers opens the connections that read. In the mode ro nothing is ever written
// to the record itself; frozen is for a folder that cannot be written at all, so
// that nobody is at work in it.
func (f sqliteFile) readers(mode string) (*sql.DB, error) {
	parameters := url.Values{"_pragma": {"query_only(1)"}, "mode": {mode}}
	if mode == frozen {
		parameters.Set("mode", "ro")
		parameters.Set("immutable", "1")
	}
	return f.open(Readers, parameters)
}

// check returns an error of CodeInvalid for a file that holds something else than
// a record which this lsapi knows. It alters nothing. Who only reads cannot migrate,
// and so needs one of the newest form.
func (f sqliteFile) check(ctx context.Context, db *sql.DB, readOnly bool) error {
	tables, err := tablesOf(ctx, db)
	if err != nil {
		return f.damaged(ctx, err)
	}
	if len(tables) == 0 {
		return nil
	}
	// Between its first migration and goose's own table a record may have ended.
	begun := !slices.ContainsFunc(tables, func(name string) bool { return name != "goose_db_version" && name != "sqlite_sequence" })
	if !slices.Contains(tables, "goose_db_version") || !begun && !slices.Contains(tables, "ownership") {
		return lsapi.Errorf(lsapi.CodeInvalid, "%s is a database of something else than lsapi; name another file", f.path)
	}
	return f.checkVersion(ctx, db, readOnly)
}

func tablesOf(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		tables = append(tables, name)
	}
	return tables, rows.Err()
}

func (f sqliteFile) checkVersion(ctx context.Context, db *sql.DB, readOnly bool) error {
	has, err := version(ctx, db)
	if err != nil {
		return f.damaged(ctx, err)
	}
	provider, err := migrator("sqlite3", db, "sqlite")
	if err != nil {
		return err
	}
	switch knows := newest(provider); {
	case has > knows:
		return errNewer(f.path, has, knows)
	case has < knows && readOnly:
		return errUnmigrated(f.path, has, knows)
	}
	return nil
}

// damaged returns the coded error for a file that could not be read.
func (f sqliteFile) damaged(ctx context.Context, cause error) error {
	if !corrupt(cause) {
		return unreadable(ctx, cause)
	}
	return &lsapi.Error{
		Code: lsapi.CodeInvalid, Err: cause,
		Message: f.path + " is not a SQLite database, or is damaged: restore it from a backup, or name another file; nothing was altered",
	}
}

// own makes the record ready to be written by this process, whose lock it is.
func (f sqliteFile) own(ctx context.Context, m *machine, log *slog.Logger) (*sqliteWriter, error) {
	if err := f.create(); err != nil {
		return nil, err
	}
	db, err := f.writer()
	if err != nil {
		return nil, err
	}
	w, err := f.prepare(ctx, m, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w.log = log
	return w, nil
}

func (f sqliteFile) prepare(ctx context.Context, m *machine, db *sql.DB) (*sqliteWriter, error) {
	if err := f.check(ctx, db, false); err != nil {
		return nil, err
	}
	provider, err := migrator("sqlite3", db, "sqlite")
	if err != nil {
		return nil, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return nil, fmt.Errorf("migrating: %w", err)
	}
	queries, err := sqlitedb.Prepare(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("preparing queries: %w", err)
	}
	generation, err := queries.TakeOwnership(ctx)
	if err != nil {
		return nil, fmt.Errorf("taking ownership: %w", err)
	}
	kept, err := m.anchorIn(ctx, queries)
	if err != nil {
		return nil, fmt.Errorf("reading the clock of the record: %w", err)
	}
	return &sqliteWriter{db: db, queries: queries, generation: generation, machine: m, anchor: kept}, nil
}

// anchorIn returns the anchor of a record that this process owns, and keeps it there.
func (m machine) anchorIn(ctx context.Context, queries *sqlitedb.Queries) (anchor, error) {
	before, err := anchorOf(ctx, queries)
	if err != nil {
		return anchor{}, err
	}
	last, err := queries.LastStamp(ctx)
	if err != nil {
		return anchor{}, err
	}
	kept := m.anchored(before, fromMicros(last))
	if kept == before {
		return kept, nil
	}
	return kept, queries.PutAnchor(ctx, sqlitedb.PutAnchorParams{Boot: kept.boot, BootedAt: micros(kept.bootedAt)})
}
