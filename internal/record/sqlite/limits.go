package sqlite

import "time"

// The bounds of a record in a file, each with its reason.
const (
	// maxGroup is how many writes share a transaction: more than wait at once in
	// healthy use, few enough to commit within some tens of milliseconds.
	maxGroup = 512

	// maxFailures is how many writes of a transaction may fail by the database before
	// all do: one too many is done without, a full disk is told soon.
	maxFailures = 2

	// lockPoll is how often a standby tries to become the owner: soon enough that
	// a restart loses little, seldom enough to cost nothing.
	lockPoll = 200 * time.Millisecond

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

	// probeSize is how many bytes are written to try: what a round of a lane takes.
	probeSize = 64 << 10
)
