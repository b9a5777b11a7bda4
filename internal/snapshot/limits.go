package snapshot

import "time"

// The bounds of the snapshot, each with its reason.
const (
	// namedTimeout bounds a named read, which is two calls. It leaves a client's
	// 30 s room for an answer from what is remembered.
	namedTimeout = 10 * time.Second

	// resumeGrace is how long after an idle time the last listing may be too old: the
	// time in which a reader without an answer gets one, or an error.
	resumeGrace = namedTimeout

	// catchUpTimeout bounds the look into the record for what other processes have
	// changed, which takes milliseconds.
	catchUpTimeout = 5 * time.Second

	// maxCatchUps is how many of these looks there are at once: few enough to leave
	// connections to the record for changes.
	maxCatchUps = 2

	// maxNamedReads is how many load balancers are read by name at once: enough
	// to fill the bucket of Classic ELB reads (40), few enough to leave the
	// region's refresh, which serves them all, its share.
	maxNamedReads = 16

	// maxFlights is how many load balancers readers wait for at once: more than
	// one reads in its right mind, little for the memory.
	maxFlights = 2000

	// factsLifetime is how long EC2's facts of an instance are taken for true.
	// What is shown of them (type, launch time) changes only when an instance is
	// stopped and started again, which takes about as long.
	factsLifetime = time.Minute

	// unknownLifetime is the same for an instance that EC2 does not know: one
	// that was launched a moment ago may become known any moment.
	unknownLifetime = 10 * time.Second

	// sweepEvery is how often the facts are looked through for those that nothing
	// has a use for: they take little memory, and looking at all takes long.
	sweepEvery = time.Minute

	// maxFilterValues is how many ids one filtered lookup takes, pageSize how many
	// instances a plain page holds (both EC2's limits).
	maxFilterValues = 200
	pageSize        = 1000

	// slackShare is the part of the bound by which a refresh begins earlier than
	// the duration of the last one demands, for it may take longer.
	slackShare = 8

	// typicalOf is of how many listings the quickest tells how long they take.
	typicalOf = 4

	// maxPageAge is how long a page of a listing may wait to be shown. The lanes
	// keep their changes for longer (their overlay window and the time of a call,
	// 20 s by default), so that none of them is undone.
	maxPageAge = 10 * time.Second

	// maxPatience is how long readers wait for a new answer who can be given an old
	// one. AWS answers within tens of milliseconds; when it takes so much
	// longer, it is being throttled or failing, and backing off.
	maxPatience = time.Second

	// retryPause is how long after a failed refresh the next begins. The SDK has
	// backed off three times by then.
	retryPause = time.Second

	// leadEvery is how often the right to list for all is kept, or asked for by who
	// has not got it. It lasts for some seconds.
	leadEvery = time.Second

	// leadTimeout bounds each step that asks the other replicas.
	leadTimeout = 3 * time.Second

	// warnEvery is how often a fleet that is too large is told of.
	warnEvery = time.Minute

	// touchEvery is how exactly the time of the last read is kept: a write to
	// memory that all processors share, on every read, would cost more than the
	// rest of it.
	touchEvery = 100 * time.Millisecond
)
