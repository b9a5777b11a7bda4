package record

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"lsapi"
)

//go:embed migrations
var migrations embed.FS

// migrator brings a database to the form that this lsapi knows.
func migrator(dialect goose.Dialect, db *sql.DB, folder string, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db, files, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	return provider, nil
}

// newest is the number of the last migration that this lsapi knows.
func newest(provider *goose.Provider) int64 {
	var last int64
	for _, source := range provider.ListSources() {
		last = max(last, source.Version)
	}
	return last
}

// selectVersion asks for the number of the last migration of a record. It only
// reads, which goose's own way to ask does not.
const selectVersion = "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied"

// version is the number of the last migration of a SQLite record.
func version(ctx context.Context, db *sql.DB) (last int64, err error) {
	err = db.QueryRowContext(ctx, selectVersion).Scan(&last)
	return last, err
}

// errUnmigrated is for a record that would have to be migrated, by who only reads.
func errUnmigrated(name string, has, needs int64) *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeInvalid,
		"%s was made by an older lsapi (its form is %d, this one reads %d): start this version of the service on it once; nothing was altered",
		name, has, needs)
}

func errNewer(name string, has, knows int64) *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeInvalid,
		"%s was made by a newer lsapi (its form is %d, this one knows %d): run that or a later version; nothing was altered",
		name, has, knows)
}
