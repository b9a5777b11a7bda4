package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"lsapi"
	"lsapi/internal/record/migrate"
	"lsapi/internal/record/sqlite/sqlitedb"
)

//go:embed migrations
var migrations embed.FS

// sqliteFile is how a SQLite file is opened.
type file struct{ path string }

// find returns the file of a path, whatever links lead to it: the lock must have
// one name. It need not exist, but its folder must.
func find(path string) (file, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err == nil {
		folder, err = filepath.Abs(folder)
	}
	if err != nil {
		return file{}, &lsapi.Error{
			Code: lsapi.CodeInvalid, Err: err,
			Message: fmt.Sprintf("the folder %s of the record of changes cannot be used: %v", filepath.Dir(path), cause(err)),
		}
	}
	whole := filepath.Join(folder, filepath.Base(path))
	if target, err := filepath.EvalSymlinks(whole); err == nil {
		whole = target
	}
	return file{whole}, nil
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
func (f file) exists() (bool, error) {
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
func (f file) open(connections int, parameters url.Values) (*sql.DB, error) {
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
func (f file) create() error {
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
func (f file) forOthers() bool {
	info, err := os.Stat(f.path)
	return err == nil && info.Mode()&0o077 != 0
}

// writer opens the one connection that writes. Nothing is acknowledged that the
// disk has not.
func (f file) writer() (*sql.DB, error) {
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
func (f file) readers(mode string) (*sql.DB, error) {
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
func (f file) check(ctx context.Context, db *sql.DB, readOnly bool) error {
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

func (f file) checkVersion(ctx context.Context, db *sql.DB, readOnly bool) error {
	var version int64
	if err := db.QueryRowContext(ctx, migrate.SelectVersion).Scan(&version); err != nil {
		return f.damaged(ctx, err)
	}
	provider, err := migrate.New(goose.DialectSQLite3, db, migrations)
	if err != nil {
		return err
	}
	return migrate.Check(provider, f.path, version, readOnly)
}

// damaged returns the coded error for a file that could not be read.
func (f file) damaged(ctx context.Context, cause error) error {
	if !corrupt(cause) {
		return unreadable(ctx, cause)
	}
	return &lsapi.Error{
		Code: lsapi.CodeInvalid, Err: cause,
		Message: f.path + " is not a SQLite database, or is damaged: restore it from a backup, or name another file; nothing was altered",
	}
}

// own makes the record ready to be written by this process, whose lock it is.
func (f file) own(ctx context.Context, m *machine, log *slog.Logger) (*writer, error) {
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

func (f file) prepare(ctx context.Context, m *machine, db *sql.DB) (*writer, error) {
	if err := f.check(ctx, db, false); err != nil {
		return nil, err
	}
	provider, err := migrate.New(goose.DialectSQLite3, db, migrations)
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
	return &writer{db: db, queries: queries, generation: generation, machine: m, anchor: kept}, nil
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
