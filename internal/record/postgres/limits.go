package postgres

import "time"

// The bounds of a record in PostgreSQL, which replicas share.
const (
	// turnLease is how long a lease is its holder's, by the database's clock, unless
	// it is extended: those of a replica that was killed are free that much later.
	// It is extended before each call of AWS, which takes far less.
	leaseDuration = 3500 * time.Millisecond

	// turnMargin is how much sooner its holder stops to believe in it: clocks run
	// at different speeds, and who looks at one may be paused before it acts.
	leaseMargin = 500 * time.Millisecond

	// turnLifetime is after what a lease is dropped that was never given back, of a load
	// balancer without a log.
	leaseLifetime = time.Hour

	// turnPoll is how often a lease is asked for that somebody else has, in case
	// nobody says when it is given back.
	leasePoll = 250 * time.Millisecond

	// turnGrace is how long a free lease is kept for who waits for it: two polls.
	leaseGrace = 2 * leasePoll

	// patience is how long a database may take to begin a transaction, or for one
	// small query: longer, and it counts as away.
	patience = 3 * time.Second

	// connectTimeout bounds opening a connection.
	connectTimeout = 2 * time.Second

	// idleTimeout is after what the database ends the transaction of a replica
	// that is paused in its middle, so that others do not wait for its locks.
	idleTimeout = 4 * time.Second

	// openPatience is how long a database that starts beside this process may take,
	// and openPause lies between the attempts to reach it.
	openPatience = 5 * time.Second
	openPause    = 250 * time.Millisecond

	// migrationPatience is how long a replica waits while another migrates.
	migrationPatience = time.Minute

	// maxAttempts are how often a transaction is tried that was in the way of
	// another.
	maxAttempts = 5

	// maxConnections are those of a replica, beside the one that listens: a
	// PostgreSQL of default size (100) has room for five replicas.
	maxConnections = 16

	// firstListenPause and maxListenPause space the attempts to listen again.
	firstListenPause = 50 * time.Millisecond
	maxListenPause   = 2 * time.Second

	// listenCheck is how long nothing is heard before the server is asked whether
	// it is still there.
	listenCheck = 5 * time.Second

	// goneListings is for how many listings it is kept that a load balancer is gone. A
	// replica that has not followed for as long gets everything anew.
	goneListings = 1000

	// reportLifetime is how long a report of health is kept that no later one replaces:
	// nobody believes one that is older.
	reportLifetime = 24 * time.Hour

	// beatEvery is how often a replica says that it is alive, and counts the
	// others; deadAfter is when one that said nothing is counted no more.
	beatEvery = time.Second
	deadAfter = 4 * time.Second
)
