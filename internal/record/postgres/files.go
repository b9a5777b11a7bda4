package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// rereadFiles reads the files that the store's URL names, before each connection: the password
// in a passfile is rotated while the process runs, and so are the certificates of sslrootcert.
// Unreadable files leave the values before in force.
func rereadFiles(_ context.Context, config *pgx.ConnConfig) error {
	fresh, err := pgx.ParseConfig(config.ConnString())
	if err != nil {
		return nil //nolint:nilerr // they are being replaced, or the database reports the problem
	}
	if fresh.Password != "" {
		config.Password = fresh.Password
	}
	config.TLSConfig, config.Fallbacks = fresh.TLSConfig, fresh.Fallbacks
	return nil
}
