package sqlite

import "time"

// The bounds of a record in a file, each with its reason.
const (
	// maxBatch bounds the writes that share a transaction: more than wait in normal use,
	// and few enough to commit within some tens of milliseconds.
	maxBatch = 512

	// maxFailures is how many writes of a batch may fail in the database before all do.
	// One bad write is skipped, and a full disk is reported soon.
	maxFailures = 2

	// lockPoll is the interval of a standby's attempts to own the file.
	lockPoll = 200 * time.Millisecond

	// standbyPoll is the interval of a standby's looks for the owner's writes, which its
	// lists must show within 100 ms. A look without news costs microseconds.
	standbyPoll = 25 * time.Millisecond

	// standbyRecent is how far back a new standby looks for changes that AWS may not show
	// yet: longer than any overlay window.
	standbyRecent = time.Minute

	// probeSize is the number of bytes of a trial write: those of a lane's round.
	probeSize = 64 << 10

	// Readers is the number of concurrent reads of a file. Reads take processor time, not
	// waiting time.
	Readers = 4

	// deliveryLease is how long a claim of a delivery is noted. The owner needs none: it tells
	// when the delivery was last in use.
	deliveryLease = 24 * time.Hour

	// busyTimeout bounds SQLite's wait for another process's lock, which readers hold only
	// during a recovery.
	busyTimeout = 5 * time.Second

	// writerCache is the writer's cache in KiB: the ends of all indexes, which every change
	// extends.
	writerCache = 32 << 10

	// maxLog is the number of bytes to which SQLite truncates its log after a checkpoint,
	// which a long read delays.
	maxLog = 64 << 20
)

// deliveryHolder is the holder of all claims of deliveries.
const deliveryHolder = "owner"
