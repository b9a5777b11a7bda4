package store

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

	// maxReaders is how many reads ask a SQLite file at once. They take processor
	// time, not waiting time.
	maxReaders = 4

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

	// readAhead is how many pages of events may be checked before their turn.
	readAhead = 16

	// maxChanges is how many changes one list returns, at most: they are held in
	// memory.
	maxChanges = 10_000

	// verifiers is how many connections share the work of verifying.
	verifiers = 2
)
