package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	goosed "github.com/pressly/goose/v3/lock"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/migrate"
)

//go:embed migrations
var migrations embed.FS

type database struct {
	config   *pgxpool.Config
	name     string // for messages: without the password
	readOnly bool
}

func parseURL(url string, readOnly bool) (database, error) {
	config, err := pgxpool.ParseConfig(url)
	_, rest, _ := strings.Cut(url, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if strings.Contains(rest, "@") && !strings.Contains(authority, "@") || strings.ContainsAny(authority, "?#") {
		return database{}, errInvalidURL()
	}
	if err != nil {
		return database{}, errParameters(url, err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = maxConnections
	}
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > connectTimeout {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.PingTimeout = connectTimeout
	config.ConnConfig.AfterNetConnect = handshake
	config.BeforeConnect = rereadFiles
	parameters := config.ConnConfig.RuntimeParams
	for name, value := range map[string]string{
		"application_name": "lsapi", "idle_in_transaction_session_timeout": strconv.FormatInt(idleTimeout.Milliseconds(), 10),
	} {
		if _, set := parameters[name]; !set {
			parameters[name] = value
		}
	}
	if readOnly {
		parameters["default_transaction_read_only"] = "on"
	}
	host := net.JoinHostPort(config.ConnConfig.Host, strconv.Itoa(int(config.ConnConfig.Port)))
	return database{config, fmt.Sprintf("the database %q at %s", config.ConnConfig.Database, host), readOnly}, nil
}

// open returns connections to the record, after it was created or migrated unless it is
// read-only.
func (d database) open(ctx context.Context) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), d.config)
	if err != nil {
		return nil, d.openError(err)
	}
	if err := retry(ctx, func(ctx context.Context) error { return d.prepare(ctx, pool) }); err != nil {
		pool.Close()
		return nil, d.openError(err)
	}
	return pool, nil
}

// retry runs an attempt to open a database until it succeeds, for a limited time: the
// database may be starting, and may end its sessions.
func retry(ctx context.Context, attempt func(context.Context) error) error {
	for began := time.Now(); ; {
		err := attempt(ctx)
		if err == nil || !transient(err) || time.Since(began) > openTimeout || record.Pause(ctx, nil, openPause) != nil {
			return err
		}
	}
}

func (d database) prepare(ctx context.Context, pool *pgxpool.Pool) error {
	// A database may accept connections and not answer.
	if err := bounded(ctx, pool.Ping); err != nil {
		return err
	}
	var found schema
	err := bounded(ctx, func(ctx context.Context) (err error) {
		found, err = d.check(ctx, pool)
		return err
	})
	switch {
	case err != nil:
		return err
	case d.readOnly && found == noSchema:
		return lsapi.Errorf(lsapi.CodeInvalid, "there is no record of changes in %s; name that of a running lsapi", d.name)
	case d.readOnly || found == newestSchema:
		return nil
	}
	return d.migrate(ctx)
}

// errSlow is the cause of the end of a step of Open.
var errSlow = &lsapi.Error{
	Code: lsapi.CodeUnavailable, Message: "the record of changes is away: its database does not answer in time", Err: context.DeadlineExceeded,
}

// bounded runs a step of Open that waits for the database, at most for openTimeout.
func bounded(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, openTimeout, errSlow)
	defer cancel()
	return step(ctx)
}

// schema is what a database holds of a record.
type schema int

const (
	noSchema schema = iota
	olderSchema
	newestSchema
)

// check returns an error of CodeInvalid for a database with anything but a record of a
// known version. It alters nothing.
func (d database) check(ctx context.Context, pool *pgxpool.Pool) (schema, error) {
	var encoding string
	if err := pool.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return noSchema, err
	}
	if encoding != "UTF8" {
		return noSchema, lsapi.Errorf(lsapi.CodeInvalid, "%s has the encoding %s; create one with ENCODING 'UTF8'", d.name, encoding)
	}
	rows, err := pool.Query(ctx, "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
	if err != nil {
		return noSchema, err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		return noSchema, err
	}
	migrated, ours := false, len(tables) == 1 // goose creates its own table first
	for _, name := range tables {
		migrated = migrated || name == goose.DefaultTablename
		ours = ours || name == "leases" || name == "turns" // of versions up to 4
	}
	if !migrated || !ours {
		return noSchema, lsapi.Errorf(lsapi.CodeInvalid, "%s holds tables of something else than lsapi; name another, or add ?search_path= with the name of an empty schema", d.name)
	}
	return d.checkVersion(ctx, pool)
}

func (d database) checkVersion(ctx context.Context, pool *pgxpool.Pool) (found schema, err error) {
	var version int64
	if err := pool.QueryRow(ctx, migrate.SelectVersion).Scan(&version); err != nil || version == 0 {
		return noSchema, err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := migrate.New(goose.DialectPostgres, db, migrations)
	if err != nil {
		return noSchema, err
	}
	if version == migrate.Newest(provider) {
		return newestSchema, nil
	}
	return olderSchema, migrate.Check(provider, d.name, version, d.readOnly)
}

// migrate creates or migrates the tables. One of several replicas does, and the others
// wait. A migration may take long, but not wait long for the lock of a table.
func (d database) migrate(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, migrationTimeout, errSlow)
	defer cancel()
	db := stdlib.OpenDB(*d.config.ConnConfig, stdlib.OptionBeforeConnect(rereadFiles), stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		// Poolers reject it as a parameter of the connection.
		_, err := conn.Exec(ctx, "SET lock_timeout = "+strconv.FormatInt(openTimeout.Milliseconds(), 10))
		return err
	}))
	defer func() { err = errors.Join(err, db.Close()) }()
	locker, err := goosed.NewPostgresSessionLocker(
		goosed.WithLockTimeout(1, uint64(migrationWait/time.Second)), goosed.WithUnlockTimeout(1, uint64(connectTimeout/time.Second)))
	if err != nil {
		return fmt.Errorf("the lock of migrations: %w", err)
	}
	provider, err := migrate.New(goose.DialectPostgres, db, migrations, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return nil
}
