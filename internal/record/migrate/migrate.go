// Package migrate brings the schema of a record's database to the version of this lsapi.
package migrate

import (
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"lsapi"
)

// SelectVersion reads the version of a record's schema. Unlike goose's own query it never
// writes.
const SelectVersion = "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied"

// New returns the migrations in the folder "migrations" of files.
func New(dialect goose.Dialect, db *sql.DB, files fs.FS, options ...goose.ProviderOption) (*goose.Provider, error) {
	folder, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db, folder, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	return provider, nil
}

// Newest returns the version of the newest schema.
func Newest(provider *goose.Provider) int64 {
	var newest int64
	for _, source := range provider.ListSources() {
		newest = max(newest, source.Version)
	}
	return newest
}

// Check returns an error of CodeInvalid unless this lsapi can open a record whose schema
// has the version. A read-only record is not migrated. name is the record's in messages.
func Check(provider *goose.Provider, name string, version int64, readOnly bool) error {
	newest := Newest(provider)
	switch {
	case version > newest:
		return lsapi.Errorf(lsapi.CodeInvalid,
			"%s was made by a newer lsapi (its form is %d, the newest of this one is %d): run that or a later version; nothing was altered",
			name, version, newest)
	case version < newest && readOnly:
		return lsapi.Errorf(lsapi.CodeInvalid,
			"%s was made by an older lsapi (its form is %d, this one reads %d): start this version of the service on it once; nothing was altered",
			name, version, newest)
	}
	return nil
}
