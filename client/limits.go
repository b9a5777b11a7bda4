package client

import "time"

const (
	// dialTimeout bounds the time to connect: a host that takes longer drops packets.
	dialTimeout = 5 * time.Second
	// requestTimeout bounds a request that does not wait. The service responds within
	// 30 s by default.
	requestTimeout = 60 * time.Second
	// maxResponse is in bytes: a full page of pools, or a pool with a
	// thousand members, takes some 600 KB.
	maxResponse = 32 << 20
	// maxIdleConnections suffices for the instances of a usual change, each of which is
	// awaited on a connection of its own.
	maxIdleConnections = 64

	// maxWait bounds the wait of one request. Proxies cut off connections that are silent
	// for a minute.
	maxWait = 50 * time.Second
	// minWait is positive, because the service rejects a timeout of 0.
	minWait = 10 * time.Millisecond
	// waitGrace is added to a wait for the response to arrive.
	waitGrace = 15 * time.Second
	// lateWait is the time of a wait that begins late, because others took the connections.
	// A poll of the health takes less.
	lateWait = 5 * time.Second
	// progressInterval is the time between two reports of a wait's progress.
	progressInterval = 2 * time.Second

	// maxAttempts bounds how often a change is sent. The attempts and their pauses take as
	// long as a restart of the service.
	maxAttempts = 6
	// maxSettling bounds the wait for the outcome of a change in progress: after a crash
	// of the service, the record settles it sooner.
	maxSettling = 75 * time.Second
	// maxPause bounds the pause before a retry, whatever the service advises.
	maxPause = 10 * time.Second
	// firstPause is the first pause without advice. Each is twice the last.
	firstPause = 250 * time.Millisecond
	// maxOutage bounds an outage during a wait or an event stream. Restarts and failovers
	// take less.
	maxOutage = 60 * time.Second

	// maxEvent is in bytes. An event takes a few kilobytes.
	maxEvent = 1 << 20
	// maxSilence bounds the silence of an event stream: the service sends something every
	// 15 s.
	maxSilence = 50 * time.Second
)

// limits are those of the constants that tests shorten.
type limits struct{ wait, outage, settling, pause, silence time.Duration }

func defaultLimits() limits {
	return limits{wait: maxWait, outage: maxOutage, settling: maxSettling, pause: firstPause, silence: maxSilence}
}
