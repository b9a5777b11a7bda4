package stress

import "time"

const (
	// MaxConnections is the most connections of a step: half of the ports that a
	// system has for them.
	MaxConnections = 14_000
	// maxDue is how many requests may be due and not answered at a constant rate; a
	// service that far behind has shown what it cannot do, and memory is finite.
	maxDue = 20_000
	// maxLatency is the longest that is told apart; it is more than MaxTimeout.
	maxLatency = 10 * time.Minute
	// MaxTimeout is the most that an answer may take.
	MaxTimeout = 5 * time.Minute
	// queueEvery is how often the surge queue is looked at: often enough to see a
	// queue that lasts a second, and nothing beside the load.
	queueEvery = 100 * time.Millisecond
	// maxErrorTexts is how many different errors are told apart: errors name ports,
	// which are all different.
	maxErrorTexts = 20
	// shortestTold is the least that is left of a second for it to be told of by
	// itself: of less, percentiles say nothing. The step's figures have it all.
	shortestTold = 100 * time.Millisecond
	// kneeShare is the share of the highest throughput that the knee reaches.
	kneeShare = 0.9
)
