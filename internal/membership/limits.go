package membership

import "time"

// The bounds of the lanes, each with its reason. None is reached in healthy use.
const (
	// DefaultCallTimeout bounds each step that asks AWS. It leaves room for the
	// SDK's three attempts with their back-off, and for a second step, within
	// the 30 s that a client waits.
	DefaultCallTimeout = 10 * time.Second

	// maxBatch is how many instances a round changes: as many as one EC2 lookup
	// takes filter values (200).
	maxBatch = 200

	// maxWaiting is how many requests wait in one lane: the quota of members of
	// a load balancer (1,000), so that a deploy of all of them at once fits.
	maxWaiting = 1000

	// maxLanes is how many load balancers are changed at once: far above the
	// quota of a region (20, adjustable). Each holds some 50 KB while it asks AWS.
	maxLanes = 1000

	// maxIsolationCalls bounds the extra calls that find the instances for which
	// AWS refused a batch: halving finds one culprit among 200 in 16. A Classic
	// ELB write bucket holds 20.
	maxIsolationCalls = 16

	// firstSettlingPause and maxSettlingPause space the reads that settle calls
	// of unknown outcome: soon, because most are applied at once, then seldom,
	// because the reads come out of the budget of everybody.
	firstSettlingPause = 100 * time.Millisecond
	maxSettlingPause   = 2 * time.Second

	// sendingSteps is how many times the bound of a call a round may take to send
	// its changes, the isolation of culprits included: a recorded intent says until
	// when its call may still take effect.
	sendingSteps = 2

	// maxChange is how long a change is believed to have taken, at most, by the times
	// on record: a client's wait and two rounds of calls.
	maxChange = 2 * time.Minute

	// recordTimeout bounds each step that asks the record. It is on a disk beside
	// the process, or one database away.
	recordTimeout = 5 * time.Second

	// firstRecordPause and maxRecordPause space the attempts to record what AWS has
	// answered while the record is away.
	firstRecordPause = 100 * time.Millisecond
	maxRecordPause   = 2 * time.Second

	// recoverEvery is how often changes are looked for whose process has died.
	// They can be settled some twenty seconds later at the earliest.
	recoverEvery = 2 * time.Second

	// maxObservedLanes bounds the lanes at which a finding starts one more: half of all,
	// the others are for changes.
	maxObservedLanes = maxLanes / 2

	// fullRetryAfter is what a client is told to wait when a lane is full: a
	// few rounds of three calls each.
	fullRetryAfter = time.Second
)
