package postgres

import "time"

// The bounds of a record in PostgreSQL, each with its reason.
const (
	// leaseDuration is how long a lease lasts, by the database's clock: the leases of a
	// killed replica become free after it. Each call of AWS, which takes far less, follows
	// a renewal.
	leaseDuration = 3500 * time.Millisecond

	// leaseMargin is how much earlier a holder treats its lease as expired: clocks differ
	// in pace, and a process may be paused between a look at one and the next step.
	leaseMargin = 500 * time.Millisecond

	// leaseLifetime is the age at which an unreleased lease of a pool without a
	// log is dropped.
	leaseLifetime = time.Hour

	// leasePoll is the interval of attempts to acquire a held lease, without a hint.
	leasePoll = 250 * time.Millisecond

	// leaseGrace is how long a free lease is kept for the first waiter: two polls.
	leaseGrace = 2 * leasePoll

	// queryTimeout bounds one small query and the beginning of a transaction. After it the
	// database counts as unreachable.
	queryTimeout = 3 * time.Second

	connectTimeout = 2 * time.Second

	// idleTimeout is after which the database ends the transaction of a paused replica,
	// which holds locks.
	idleTimeout = 4 * time.Second

	// openTimeout bounds each step of Open, and how long Open waits for a database that
	// starts. openPause separates its attempts.
	openTimeout = 5 * time.Second
	openPause   = 250 * time.Millisecond

	// migrationWait bounds how long a replica waits for another's migration.
	migrationWait = time.Minute

	// migrationTimeout bounds migrations, which rewrite large tables.
	migrationTimeout = 10 * time.Minute

	// maxAttempts bounds the attempts of a transaction that conflicts with others.
	maxAttempts = 5

	// maxConnections are a replica's connections, beside the one that listens. The default
	// limit of PostgreSQL, 100, has room for five replicas.
	maxConnections = 16

	// firstListenPause and maxListenPause space the attempts to listen again.
	firstListenPause = 50 * time.Millisecond
	maxListenPause   = 2 * time.Second

	// listenCheck is the silence after which the listener checks its connection.
	listenCheck = 5 * time.Second

	// goneListings is the number of listings for which deleted pools are kept. A replica
	// that missed more receives everything.
	goneListings = 1000

	// reportLifetime is the age at which reports of health are dropped.
	reportLifetime = 24 * time.Hour

	// beatEvery is the interval of a replica's sign of life; after deadAfter without one
	// it is not counted.
	beatEvery = time.Second
	deadAfter = 4 * time.Second
)
