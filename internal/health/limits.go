package health

import "time"

// The limits of polls, with their reasons.
const (
	// followEvery is the poll interval for followers. AWS's health checks run every 5 s
	// at most, so polls add less than half of that to a wait.
	followEvery = 2 * time.Second

	// watchEvery is the poll interval for watchers: about the time in which health
	// checks can find a change.
	watchEvery = 10 * time.Second

	// followShare is the share of the requests per second for followers. Watchers have
	// the rest.
	followShare = 0.75

	// drainDelay is the time from a detach to the first poll for its draining. AWS takes
	// about so long even without requests in flight.
	drainDelay = time.Second

	// maxDrain is the maximum duration of draining: AWS's limit of an hour, and a margin.
	maxDrain = time.Hour + 5*time.Minute

	// maxDrains is the maximum number of remembered draining members: ten pools at AWS's
	// quota of 1,000 members. Those beyond it are still looked up for followers, or if
	// they are on record.
	maxDrains = 10_000

	// absentLifetime is the time for which an absent member is not looked up again,
	// although it is on record. A terminated instance can be a member for hours.
	absentLifetime = time.Minute

	// maxUnknown is the maximum number of lookups per poll of members that neither AWS
	// nor the record has named. Callers can invent them, and each takes a request.
	maxUnknown = 4

	// keepReport is the time for which a report is kept without followers, for repeated
	// views of the same page.
	keepReport = time.Minute

	// pollTimeout bounds the requests of a poll, with the SDK's retries.
	pollTimeout = 10 * time.Second

	// recordTimeout bounds the read of the record in a poll, which can do without it.
	recordTimeout = time.Second

	// maxPolls is the maximum number of concurrent polls: enough to use any of AWS's
	// rates up, however slowly it answers.
	maxPolls = 16

	// maxPools is the maximum number of polled or kept pools of a kind: above the quotas of
	// Classic load balancers (20) and of target groups (3,000). Each takes some kilobytes,
	// and up to 200 KB with 1,000 members.
	maxPools = 3100

	// maxWatchedByAll is how many of them watchers of all pools may take: the rest is for waits,
	// queries and hot pools. Target groups beyond it are polled by the sweep.
	maxWatchedByAll = maxPools * 3 / 4

	// maxBackOff is the maximum pause between failing polls, which doubles each time.
	// Each failure includes the SDK's three attempts.
	maxBackOff = 30 * time.Second

	// namesEvery is the interval at which watched and hot pools are compared with the
	// existing ones, in memory.
	namesEvery = 2 * time.Second

	// sweepClaim is the time for which one replica's poll of the sweep keeps the others from
	// another one: more than a report takes to arrive, less than any interval of the sweep.
	sweepClaim = 20 * time.Second

	// claimShare is the fraction of the interval by which claims come early, for jitter.
	claimShare = 20

	// claimPauseShare is the fraction of the interval after which a failed claim is
	// retried: its holder may have crashed.
	claimPauseShare = 4

	// replicaTimeout bounds each request to the other replicas.
	replicaTimeout = 3 * time.Second

	// listenFor is the interval at which the demand for other replicas' reports is
	// checked, and listenPause the pause after a failure.
	listenFor   = 10 * time.Second
	listenPause = time.Second

	// sameReport is the maximum difference between the times of a report and of its
	// copy from a database, which truncates them.
	sameReport = time.Millisecond

	// retryAfter is the advice to rejected callers.
	retryAfter = 2 * time.Second
)
