package health

import "time"

// The bounds of the polls, each with its reason.
const (
	// DefaultPerSecond is half of what AWS gives a small account for reading Classic
	// load balancers (10 requests a second), on which lists and lanes live too.
	DefaultPerSecond = 5

	// followEvery is how often a load balancer is polled that somebody waits for. Its
	// own health checks come every 5 s at the shortest, so that a third of the time
	// that they take is all that is added to a wait.
	followEvery = 2 * time.Second

	// watchEvery is how often one is polled whose events are watched while nobody
	// waits: about as often as a health check finds something new.
	watchEvery = 10 * time.Second

	// followShare is the part of the requests a second that goes to polls for which
	// somebody waits, if there are so many. The rest is for those who watch.
	followShare = 0.75

	// drainDelay is how long after a detach it is first asked whether the instance is
	// drained. AWS ends draining when the last request in flight is done, which
	// takes a moment even when there is none.
	drainDelay = time.Second

	// maxDrain is how long an instance can be drained: an hour is AWS's limit. One
	// that was detached longer ago is not asked about for that.
	maxDrain = time.Hour + 5*time.Minute

	// maxDrains is how many instances that may be drained are remembered: the whole
	// membership of ten load balancers at AWS's quota (1,000). One more is still asked
	// about when somebody waits for it, or when it is on record.
	maxDrains = 10_000

	// silenceLifetime is how long it is believed of an instance that the load
	// balancer says nothing of it, although the record does. A terminated instance
	// can be listed as a member for hours.
	silenceLifetime = time.Minute

	// maxStrangers is how many instances are asked about in a poll of which nobody but
	// who waits for them has ever told. Anybody can make them up, and each takes a
	// request.
	maxStrangers = 4

	// keepReport is how long a report is kept when nobody follows: pages of load
	// balancers are looked at again and again, and show health that old.
	keepReport = time.Minute

	// pollTimeout bounds the requests of a poll, with the SDK's retries.
	pollTimeout = 10 * time.Second

	// recordTimeout bounds the look into the record that goes with a poll. Whoever
	// waits for a member does not need it.
	recordTimeout = time.Second

	// maxPolls is how many load balancers are asked at once: enough to use up any
	// bucket that AWS gives, however long it takes to answer.
	maxPolls = 16

	// maxBalancers is how many load balancers are polled or kept at all: far above the
	// quota of a region (20, adjustable). Each takes some kilobytes, and up to 200 KB
	// when it has 1,000 members.
	maxBalancers = 2000

	// maxBackOff is how long polls pause at most that fail again and again, by doubling
	// their interval. The SDK has tried three times each time.
	maxBackOff = 30 * time.Second

	// namesEvery is how often it is looked for new load balancers while all are
	// watched. It costs nothing but a look into memory.
	namesEvery = 2 * time.Second

	// claimShare is the part of the interval by which the right to poll is asked for
	// earlier than it is due: clocks and networks are not even.
	claimShare = 20

	// claimPauseShare is the part of the interval after which a process that was not
	// given the right asks for it again: the one that has it may be gone.
	claimPauseShare = 4

	// replicaTimeout bounds each step that asks the other replicas.
	replicaTimeout = 3 * time.Second

	// listenFor is how long it is listened to the other replicas before it is looked
	// whether somebody still wants that, and listenPause the pause when they cannot
	// be heard.
	listenFor   = 10 * time.Second
	listenPause = time.Second

	// sameReport is how far the times of a report can be apart that a replica gets
	// back from a database, which cuts off some digits.
	sameReport = time.Millisecond

	// retryAfter is what is advised to whoever is refused.
	retryAfter = 2 * time.Second
)
