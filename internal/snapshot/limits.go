package snapshot

import "time"

// The limits of the snapshot, with their reasons.
const (
	// namedTimeout bounds a named read, which takes two calls. A client's 30 s leave time
	// for an answer from memory after it.
	namedTimeout = 10 * time.Second

	// resumeGrace is the time after an idle time in which the last listing may be too old:
	// that of a named read.
	resumeGrace = namedTimeout

	// catchUpTimeout bounds CatchUp, which takes milliseconds.
	catchUpTimeout = 5 * time.Second

	// freshTimeout bounds the wait for a listing on request, within a client's 30 s.
	freshTimeout = 10 * time.Second

	// maxCatchUps is the maximum number of concurrent CatchUps: few enough to leave database
	// connections for changes.
	maxCatchUps = 2

	// maxNamedReads is the maximum number of concurrent named reads: enough to use the
	// budget of Classic ELB reads (40), few enough to leave refreshes their share.
	maxNamedReads = 16

	// maxSearchReads is the same for reads that a search or a listing needs. They may be
	// hundreds, and must not delay those of single pools, which wait behind them for tokens.
	maxSearchReads = 8

	// maxWaitedFor is the maximum number of pools with waiting readers. Its memory is
	// small.
	maxWaitedFor = 2000

	// factsLifetime is the maximum age of an instance's metadata. Type and launch time
	// change only in a stop and start, which takes about as long.
	factsLifetime = time.Minute

	// unknownLifetime is the same for an instance that does not exist: it may have just been
	// launched.
	unknownLifetime = 10 * time.Second

	// pruneEvery is the interval at which unused facts are dropped, which take little memory.
	pruneEvery = time.Minute

	// maxFilterValues is EC2's limit of ids per lookup, pageSize that of instances per page.
	maxFilterValues = 200
	pageSize        = 1000

	// slackShare is the fraction of the bound by which refreshes begin early, because they
	// may take longer than the last one.
	slackShare = 8

	// typicalOf is the number of listings whose shortest duration is the typical one.
	typicalOf = 4

	// maxPageAge is the maximum age of a page when it is published. The overlay keeps
	// changes for longer (20 s by default), so that the page hides none of them.
	maxPageAge = 10 * time.Second

	// maxRefreshWait is the maximum wait for a new answer while an old one may be served.
	// AWS takes tens of milliseconds unless it throttles or fails.
	maxRefreshWait = time.Second

	// retryPause is the pause after a failed refresh, which includes the SDK's three
	// attempts.
	retryPause = time.Second

	// leadEvery is the interval at which replicas acquire or renew the lease of refreshes,
	// which lasts some seconds.
	leadEvery = time.Second

	// leadTimeout bounds each request to the other replicas.
	leadTimeout = 3 * time.Second

	// sweepShare is the share of the rate of polls for the sweep. Hot pools have the rest.
	sweepShare = 1.0 / 3

	// sweepSlack is how many intervals of the sweep a pool may be old before a search for an
	// instance reports it as unread: the sweep pauses while there are no readers.
	sweepSlack = 2

	// maxFirstReads is the maximum number of pools that a search reads which the sweep has not
	// reached: half of what the bucket of reads holds. firstReadsTimeout bounds that.
	maxFirstReads     = 20
	firstReadsTimeout = 2 * time.Second

	// sweepEarlyShare is the fraction of SweepEvery by which the sweep comes early, because
	// its polls wait for each other and for the budget.
	sweepEarlyShare = 20

	// sweepPause is the interval at which the sweep looks for pools that are due.
	sweepPause = time.Second

	// minPollRate keeps intervals finite.
	minPollRate = 0.01

	// warnEvery is the interval of warnings about a fleet that is too large.
	warnEvery = time.Minute

	// noteReadEvery is the precision of the time of the last read: a write to shared memory
	// on each read would cost more than the rest of the read.
	noteReadEvery = 100 * time.Millisecond
)
