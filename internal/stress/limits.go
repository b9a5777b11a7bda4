package stress

import "time"

const (
	// MaxConnections is the most connections of a step: half of the ports that a
	// system has for them.
	MaxConnections = 14_000
	// MaxDuration is the longest that a step may last.
	MaxDuration = 24 * time.Hour
	// maxLatency is the longest that is told apart: a request can be due at a step's
	// start and be answered after its end.
	maxLatency = MaxDuration + MaxTimeout
	// maxUnsentGroups is into how many latencies those of requests are rounded that were
	// never sent.
	maxUnsentGroups = 10_000
	// MaxTimeout is the most that an answer may take.
	MaxTimeout = 5 * time.Minute
	// queueEvery is how often the surge queue is looked at: often enough to see a
	// queue that lasts a second, and nothing beside the load.
	queueEvery = 100 * time.Millisecond
	// maxErrorTexts is how many different errors are told apart: errors name ports,
	// which are all different.
	maxErrorTexts = 20
	// shortestTold is the least that is left of a second for it to be reported by itself:
	// of less, percentiles are meaningless.
	shortestTold = 100 * time.Millisecond
	// kneeShare is the share of the highest throughput that the knee reaches.
	kneeShare = 0.9
)
