package record

import "time"

// The bounds of the record, each with its reason.
const (
	// keyLifetime is the lifetime of an idempotency key: clients retry for less than a day.
	keyLifetime = 24 * time.Hour

	// deliveryLifetime is how long the delivery of a receiver is kept after its last claim: a
	// receiver that is configured again within it gets what it has missed.
	deliveryLifetime = 30 * 24 * time.Hour

	// minCheckpointRoom is the least number of events between two checkpoints. A large
	// pool has as many as it has members, so that checkpoints cost a few bytes an
	// event.
	minCheckpointRoom = 64

	// maxCall is the longest time from a change's intent until its call cannot take effect
	// any more: a client's wait and the calls of a round.
	maxCall = 2 * time.Minute

	// maxAhead is how much later than its events' times a change may be intended, by the
	// clock of a replica that is ahead.
	maxAhead = 24 * time.Hour

	// sameClock is the largest difference of clocks that count as one: a busy database
	// takes that long to answer.
	sameClock = 500 * time.Millisecond

	// probeEvery is how long a successful write proves that the record is writable.
	probeEvery = time.Second

	// page is the number of rows of one read when all are read.
	page = 1024

	// readAhead is the number of pages of events that may be checked ahead of the fold.
	readAhead = 16

	// maxChanges bounds one list of changes, which is held in memory.
	maxChanges = 10_000

	// maxLater bounds the changes that Later returns, for a message that names them.
	maxLater = 10

	// maxEvents bounds one read of events: one with the health of a thousand members has
	// 100 KB.
	maxEvents = 1000

	// LookEvery is the interval of looks without a hint, and soonPause, doubled each time,
	// of those for events that become readable soon.
	LookEvery = 500 * time.Millisecond
	soonPause = 10 * time.Millisecond

	// gatherPause is how long further hints are collected for one look.
	gatherPause = 5 * time.Millisecond

	// lookTimeout bounds a look: after a long disconnection there is much to read.
	lookTimeout = 30 * time.Second

	// verifiers is the number of connections that share the work of verifying.
	verifiers = 2
)
