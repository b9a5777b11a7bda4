package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"lsapi"
	"lsapi/internal/record/migrate"
)

//go:embed migrations
var migrations embed.FS

type file struct{ path string }

// find returns the file at a path without links: the lock must have one name. Its folder
// must exist.
func find(path string) (file, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err == nil {
		folder, err = filepath.Abs(folder)
	}
	if err != nil {
		return file{}, &lsapi.Error{
			Code: lsapi.CodeInvalid, Err: err,
			Message: fmt.Sprintf("the folder %s of the record of changes cannot be used: %v", filepath.Dir(path), withoutPath(err)),
		}
	}
	whole := filepath.Join(folder, filepath.Base(path))
	if target, err := filepath.EvalSymlinks(whole); err == nil {
		whole = target
	}
	return file{whole}, nil
}

// withoutPath returns the operating system's reason.
func withoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// exists reports whether the file exists and is not empty.
func (f file) exists() (bool, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, lsapi.Errorf(lsapi.CodeInvalid, "the record of changes %s cannot be looked at: %v", f.path, withoutPath(err))
	case !info.Mode().IsRegular():
		return false, lsapi.Errorf(lsapi.CodeInvalid, "the record of changes %s is not a file; name one", f.path)
	}
	return info.Size() > 0, nil
}

// create creates a missing file for its owner alone; SQLite gives its other files the same
// mode. An existing file is not opened: closing it would end SQLite's locks of it.
func (f file) create() error {
	created, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	return created.Close()
}

// open returns connections with the parameters, beside those that all have.
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

// writer opens the connection that writes. A commit returns when it is on disk.
func (f file) writer() (*sql.DB, error) {
	return f.open(1, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"journal_mode(WAL)", "synchronous(FULL)",
			"cache_size(-" + strconv.Itoa(writerCache) + ")", "journal_size_limit(" + strconv.Itoa(maxLog) + ")",
		},
	})
}

// readers opens the connections that read. The mode ro never writes to the record itself;
// frozen is for a read-only folder, where no other process can write.
func (f file) readers(mode string) (*sql.DB, error) {
	parameters := url.Values{"_pragma": {"query_only(1)"}, "mode": {mode}}
	if mode == frozen {
		parameters.Set("mode", "ro")
		parameters.Set("immutable", "1")
	}
	return f.open(Readers, parameters)
}

// check returns an error of CodeInvalid for a file that is not a record of a known
// version. It alters nothing.
func (f file) check(ctx context.Context, db *sql.DB, readOnly bool) error {
	tables, err := column[string](ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		return f.damaged(ctx, err)
	}
	if len(tables) == 0 {
		return nil
	}
	// The first migration may have been interrupted after goose created its own table.
	begun := !slices.ContainsFunc(tables, func(name string) bool { return name != "goose_db_version" && name != "sqlite_sequence" })
	if !slices.Contains(tables, "goose_db_version") || !begun && !slices.Contains(tables, "ownership") {
		return lsapi.Errorf(lsapi.CodeInvalid, "%s is a database of something else than lsapi; name another file", f.path)
	}
	versions, err := column[int64](ctx, db, migrate.SelectVersion)
	if err != nil {
		return f.damaged(ctx, err)
	}
	provider, err := migrate.New(goose.DialectSQLite3, db, migrations)
	if err != nil {
		return err
	}
	return migrate.Check(provider, f.path, versions[0], readOnly)
}

type queryer interface {
	QueryContext(ctx context.Context, query string, arguments ...any) (*sql.Rows, error)
}

func column[T any](ctx context.Context, db queryer, query string, arguments ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		var value T
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		found = append(found, value)
	}
	return found, rows.Err()
}

func (f file) damaged(ctx context.Context, cause error) error {
	if !corrupt(cause) {
		return unreadable(ctx, cause)
	}
	return &lsapi.Error{
		Code: lsapi.CodeInvalid, Err: cause,
		Message: f.path + " is not a SQLite database, or is damaged: restore it from a backup, or name another file; nothing was altered",
	}
}
