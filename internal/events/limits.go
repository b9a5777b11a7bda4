package events

import "time"

const (
	// MaxStreams is how many streams may be open. Their connections fit into a small
	// machine's memory.
	MaxStreams = 16_000
	// maxMessages and maxBytes bound the ring: minutes of a busy fleet, so that most
	// clients resume without a read of the record.
	maxMessages = 4096
	maxBytes    = 16 << 20
	// maxBatch is how many messages a stream returns at once.
	maxBatch = 64
	// pageSize is how many events are read from the record at once.
	pageSize = 500
	// maxMessagesOfEvent bounds the messages of an event: one for each instance of a
	// pool, which are 1,000 by AWS's default.
	maxMessagesOfEvent = 100_000
	// touchEvery is the interval of Touch.
	touchEvery = time.Second
	// retryPause is the pause after a failure to read the record.
	retryPause = time.Second
	// lagPause is how long a stream that is ahead of the hub waits for it.
	lagPause = 100 * time.Millisecond
	// maxCatchingUp is how many reads of the record for streams run at once: after a
	// restart all streams resume together, and the record has other readers.
	maxCatchingUp = 2
	// readTimeout bounds a read of the record.
	readTimeout = 10 * time.Second
	// newsTimeout is how long the hub waits for events before it reads the record again,
	// which shows whether it still answers.
	newsTimeout = 10 * time.Second
)
