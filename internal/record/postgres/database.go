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
	"lsapi/internal/record/migrate"
)

//go:embed migrations
var migrations embed.FS

// postgresDatabase is how a PostgreSQL database is opened.
type database struct {
	config *pgxpool.Config
	name   string // for messages: without the password
}

// parsePostgres reads a URL.
func parseURL(url string, readOnly bool) (database, error) {
	config, err := pgxpool.ParseConfig(url)
	_, rest, _ := strings.Cut(url, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if strings.Contains(rest, "@") && !strings.Contains(authority, "@") || strings.ContainsAny(authority, "?#") {
		return database{}, errNoURL()
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
	parameters := config.ConnConfig.RuntimeParams
	setDefault(parameters, "application_name", "lsapi")
	setDefault(parameters, "idle_in_transaction_session_timeout", strconv.FormatInt(idleTimeout.Milliseconds(), 10))
	if readOnly {
		parameters["default_transaction_read_only"] = "on"
	}
	host := net.JoinHostPort(config.ConnConfig.Host, strconv.Itoa(int(config.ConnConfig.Port)))
	return database{config, fmt.Sprintf("the database %q at %s", config.ConnConfig.Database, host)}, nil
}

func setDefault(parameters map[string]string, name, value string) {
	if _, set := parameters[name]; !set {
		parameters[name] = value
	}
}

// open returns connections to a record that this lsapi knows. It makes or migrates
// it first, unless it is opened to be read only.
func (d database) open(ctx context.Context, readOnly bool) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), d.config)
	if err != nil {
		return nil, d.unopened(err)
	}
	err = retried(ctx, func(ctx context.Context) error { return d.prepare(ctx, pool, readOnly) })
	if err != nil {
		pool.Close()
		return nil, d.unopened(err)
	}
	return pool, nil
}

func (d database) prepare(ctx context.Context, pool *pgxpool.Pool, readOnly bool) error {
	if err := d.reach(ctx, pool); err != nil {
		return err
	}
	made, err := d.check(ctx, pool, readOnly)
	switch {
	case err != nil:
		return err
	case readOnly && !made:
		return lsapi.Errorf(lsapi.CodeInvalid, "there is no record of changes in %s; name that of a running lsapi", d.name)
	case readOnly:
		return nil
	}
	return d.migrate(ctx, pool)
}

// reach connects to the database, which may take connections and not answer.
func (d database) reach(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	return pool.Ping(ctx)
}

// check returns an error of CodeInvalid for a database that holds something else
// than a record which this lsapi knows. It alters nothing.
func (d database) check(ctx context.Context, pool *pgxpool.Pool, readOnly bool) (made bool, err error) {
	var encoding string
	if err := pool.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return false, err
	}
	if encoding != "UTF8" {
		return false, lsapi.Errorf(lsapi.CodeInvalid, "%s has the encoding %s; create one with ENCODING 'UTF8'", d.name, encoding)
	}
	rows, err := pool.Query(ctx, "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
	if err != nil {
		return false, err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		return false, err
	}
	return d.checkTables(ctx, pool, tables, readOnly)
}

func (d database) checkTables(ctx context.Context, pool *pgxpool.Pool, tables []string, readOnly bool) (made bool, err error) {
	migrated, ours := false, len(tables) == 1 // goose makes its own table first
	for _, name := range tables {
		migrated = migrated || name == goose.DefaultTablename
		ours = ours || name == "turns"
	}
	if !migrated || !ours {
		return false, lsapi.Errorf(lsapi.CodeInvalid, "%s holds tables of something else than lsapi; name another, or add ?search_path= with the name of an empty schema", d.name)
	}
	var version int64
	if err := pool.QueryRow(ctx, migrate.SelectVersion).Scan(&version); err != nil || version == 0 {
		return false, err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := migrate.New(goose.DialectPostgres, db, migrations)
	if err != nil {
		return false, err
	}
	return true, migrate.Check(provider, d.name, version, readOnly)
}

// migrate makes the tables. Of several replicas that start at once one does, while
// the others wait.
func (d database) migrate(ctx context.Context, pool *pgxpool.Pool) (err error) {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	locker, err := goosed.NewPostgresSessionLocker(
		goosed.WithLockTimeout(1, uint64(migrationPatience/time.Second)), goosed.WithUnlockTimeout(1, uint64(connectTimeout/time.Second)))
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
