package events

import "time"

const (
	// MaxStreams is how many streams may be open: more than a service has watchers,
	// and what their connections take is within a small machine's memory.
	MaxStreams = 16_000
	// maxMessages is how many messages the ring holds: minutes of a busy fleet, so that
	// a client that was cut off resumes without asking the record; maxBytes is how
	// large they may be together.
	maxMessages = 4096
	maxBytes    = 16 << 20
	// maxBatch is how many messages a stream is given at once, so that what it has to
	// write in one go is bounded.
	maxBatch = 64
	// pageSize is how many events are read from the record at once.
	pageSize = 500
	// maxTold is more messages than an event has: one for each instance of a load
	// balancer, of which AWS allows 1,000 by default.
	maxTold = 100_000
	// touchEvery is how often it is said that somebody watches.
	touchEvery = time.Second
	// retryPause is how long after a failure the record is read again.
	retryPause = time.Second
	// lagPause is how long a stream that has read the record further than the hub waits
	// for it before it looks again.
	lagPause = 100 * time.Millisecond
	// maxCatching is how many streams read the record at once: after a restart all of
	// them resume together, and others have questions too.
	maxCatching = 2
	// readTimeout bounds each question to the record.
	readTimeout = 10 * time.Second
	// newsTimeout is how long news are waited for, without knowing whether the record
	// still answers, before it is asked again.
	newsTimeout = 10 * time.Second
)
