package record

import "time"

// The bounds of the record, each with its reason.
const (
	// keyLifetime is how long an idempotency key is remembered: a client that
	// retries for longer than a day is not retrying.
	keyLifetime = 24 * time.Hour

	// minCheckpointRoom is how many events of a small load balancer lie between
	// two checkpoints, at least. A large one's checkpoints are as far apart as it
	// has members, which keeps them at a few bytes an event.
	minCheckpointRoom = 64

	// maxCall is how long a change may take from when it was asked for until its call
	// can no longer take effect: the wait of a client and the calls of a round, with
	// room to spare.
	maxCall = 2 * time.Minute

	// maxAhead is how much later a change may be asked for, by the clock of a replica
	// that is ahead, than its events are recorded.
	maxAhead = 24 * time.Hour

	// sameClock is by how much two clocks differ at most that count as one: a busy
	// database takes that long to say what its clock reads.
	sameClock = 500 * time.Millisecond

	// maxGroup is how many writes share a transaction: more than wait at once in
	// healthy use, few enough to commit within some tens of milliseconds.
	maxGroup = 512

	// maxFailures is how many writes of a transaction may fail by the database before
	// all do: one too many is done without, a full disk is told soon.
	maxFailures = 2

	// lockPoll is how often a standby tries to become the owner: soon enough that
	// a restart loses little, seldom enough to cost nothing.
	lockPoll = 200 * time.Millisecond

	// probeEvery is how long a successful write proves that the record can be
	// written.
	probeEvery = time.Second

	// probeSize is how many bytes are written to try: what a round of a lane takes.
	probeSize = 64 << 10

	// Readers is how many reads ask a SQLite file at once; the next one waits. They
	// take processor time, not waiting time. (PostgreSQL has maxConnections.)
	Readers = 4

	// busyTimeout is how long SQLite waits for a lock of another process, which
	// readers hold only while a log is being put back after a crash.
	busyTimeout = 5 * time.Second

	// writerCache is how many KiB of the file the writer keeps in memory: the ends of
	// all indexes, to which every change adds.
	writerCache = 32 << 10

	// maxLog is how many bytes of SQLite's log stay when it has been put back, after
	// a long read has kept it from that.
	maxLog = 64 << 20

	// page is how many rows are read at once when all are read.
	page = 1024

	// readAhead is how many pages of events may be checked before their lease.
	readAhead = 16

	// maxChanges is how many changes one list returns, at most: they are held in
	// memory.
	maxChanges = 10_000

	// maxEvents is how many events are read at once, at most: those that tell the
	// health of a thousand members have 100 KB each.
	maxEvents = 1000

	// lookEvery is how often who waits for something looks for it without a hint, and
	// soonPause, doubled each time, when it is recorded but may not be read yet.
	lookEvery = 500 * time.Millisecond
	soonPause = 10 * time.Millisecond

	// lookPause is how long hints are collected, for one look.
	lookPause = 5 * time.Millisecond

	// verifiers is how many connections share the work of verifying.
	verifiers = 2
)

// The bounds of a record in PostgreSQL, which replicas share.
const (
	// turnLease is how long a lease is its holder's, by the database's clock, unless
	// it is extended: those of a replica that was killed are free that much later.
	// It is extended before each call of AWS, which takes far less.
	turnLease = 3500 * time.Millisecond

	// turnMargin is how much sooner its holder stops to believe in it: clocks run
	// at different speeds, and who looks at one may be paused before it acts.
	turnMargin = 500 * time.Millisecond

	// turnLifetime is after what a lease is dropped that was never given back, of a load
	// balancer without a log.
	turnLifetime = time.Hour

	// turnPoll is how often a lease is asked for that somebody else has, in case
	// nobody says when it is given back.
	turnPoll = 250 * time.Millisecond

	// turnGrace is how long a free lease is kept for who waits for it: two polls.
	turnGrace = 2 * turnPoll

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

	// lookPatience bounds a look: a feed that was cut off for long may have much to
	// read.
	lookPatience = 30 * time.Second

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
