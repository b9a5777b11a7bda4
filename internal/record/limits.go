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

	// probeEvery is how long a successful write proves that the record can be
	// written.
	probeEvery = time.Second

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
	LookEvery = 500 * time.Millisecond
	soonPause = 10 * time.Millisecond

	// lookPause is how long hints are collected, for one look.
	lookPause = 5 * time.Millisecond

	// verifiers is how many connections share the work of verifying.
	verifiers = 2

	// lookPatience bounds a look: a feed that was cut off for long may have much to
	// read.
	lookPatience = 30 * time.Second
)
