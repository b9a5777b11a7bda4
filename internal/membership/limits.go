package membership

import "time"

// The bounds of the lanes, each with its reason. None is reached in healthy use.
const (
	// DefaultCallTimeout bounds each step that calls AWS. Within the 30 s that a client
	// waits it leaves room for the SDK's three attempts with their back-off, and for a
	// second step.
	DefaultCallTimeout = 10 * time.Second

	// maxBatch bounds the members of a call, and those of a round that has no larger bulk:
	// AWS refuses larger calls intermittently.
	maxBatch = 200

	// maxBulk bounds the members that a bulk names: the quota of members of a pool.
	maxBulk = 1000

	// maxWaiting bounds the callers in a queue: the quota of members of a pool (1,000),
	// so that a deploy of all of them at once fits.
	maxWaiting = 1000

	// maxLanes bounds the pools that are changed at once: above the quotas of Classic load
	// balancers (20) and of target groups (3,000). Each takes some 50 KB while it calls AWS.
	maxLanes = 3100

	// maxObservedLanes bounds the lanes at which a finding starts one more: half of all,
	// the others are for changes.
	maxObservedLanes = maxLanes / 2

	// maxIsolationCalls bounds the extra calls that find the members for which AWS refused
	// a batch: halving finds one among 200 in 16. A Classic ELB write bucket holds 20.
	maxIsolationCalls = 16

	// firstSettlingPause and maxSettlingPause space the reads that settle open changes:
	// soon, because most are applied at once, then seldom, because the reads come out of
	// the common budget.
	firstSettlingPause = 100 * time.Millisecond
	maxSettlingPause   = 2 * time.Second

	// sendingSteps is the time to send the changes of a round, isolation included, in
	// bounds of a call. A recorded intent says until when its call may take effect.
	sendingSteps = 2

	// maxChange bounds the time that a change took, by the times on record: a client's wait
	// and two rounds of calls.
	maxChange = 2 * time.Minute

	// rulesTimeout bounds the read of a pool's guards: they are in memory, but for tags that
	// were not read lately, and attaches must not wait long for those.
	rulesTimeout = 2 * time.Second

	// recordTimeout bounds each step that calls the record. It is on a disk beside the
	// process, or one database away.
	recordTimeout = 5 * time.Second

	// recordEventTimeout is added for each event to append: some fifty times what one takes. A
	// bulk appends 1,000 and more at once.
	recordEventTimeout = 10 * time.Millisecond

	// firstRecordPause and maxRecordPause space the attempts to record outcomes while the
	// record is unavailable.
	firstRecordPause = 100 * time.Millisecond
	maxRecordPause   = 2 * time.Second

	// recoverEvery is the interval of looks for changes of processes that died. They can be
	// settled some twenty seconds later at the earliest.
	recoverEvery = 2 * time.Second

	// fullRetryAfter is the advice to a client whose lane is full: a few rounds of three
	// calls each.
	fullRetryAfter = time.Second
)
