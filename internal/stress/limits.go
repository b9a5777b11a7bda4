package stress

import "time"

const (
	// MaxConnections of a step: half of the ephemeral ports of a system.
	MaxConnections = 14_000
	// MaxDuration of a step.
	MaxDuration = 24 * time.Hour
	// maxLatency is the upper bound of the histograms: a request can be due at the start
	// of a step and be answered after its end.
	maxLatency = MaxDuration + MaxTimeout
	// maxUnsentGroups is the number of groups in which unsent requests are recorded.
	maxUnsentGroups = 10_000
	// MaxTimeout of a request.
	MaxTimeout = 5 * time.Minute
	// queueInterval is the interval of reads of the surge queue.
	queueInterval = 100 * time.Millisecond
	// maxErrorTexts bounds the distinct errors, because error texts can contain ports.
	maxErrorTexts = 20
	// minRest is the shortest rest of a second that is reported separately. Percentiles
	// of less are meaningless.
	minRest = 100 * time.Millisecond
	// kneeShare is the share of the highest throughput at the knee.
	kneeShare = 0.9
)
