package client

import "time"

const (
	// dialTimeout is how long a connection may take to come about: longer is a
	// host that swallows packets.
	dialTimeout = 5 * time.Second
	// requestTimeout bounds a request that waits for nothing but its own work. The
	// service answers after 30 s at the latest, unless it is told otherwise.
	requestTimeout = 60 * time.Second
	// maxAnswer is how large an answer may be, in bytes: a full page of load
	// balancers, or a load balancer with a thousand members, has some 600 KB.
	maxAnswer = 32 << 20
	// maxConnections is how many idle connections are kept: as many as there are
	// instances in a usual change, each of which waits on its own.
	maxConnections = 64

	// waitRound is how long one request waits at most. Proxies cut off what is
	// silent for a minute.
	waitRound = 50 * time.Second
	// progressEvery is how often a caller is told meanwhile who wants to be: soon enough
	// for a person to see something move.
	progressEvery = 2 * time.Second
	// minRound keeps the last round of a wait from being no time at all, which the
	// service would refuse.
	minRound = 10 * time.Millisecond
	// roundGrace is how much later than it said the service may answer a wait.
	roundGrace = 15 * time.Second

	// maxAttempts is how often a change is sent that can be sent again: with the
	// pauses between them, for as long as a restart of the service takes.
	maxAttempts = 6
	// maxSettling is how long is waited for the outcome of a change that is under way:
	// after a crash of the service the record settles it in less.
	maxSettling = 75 * time.Second
	// maxPause is how long is waited before a request is sent again, whatever the
	// service advises.
	maxPause = 10 * time.Second
	// firstPause is the first such wait without advice; each is twice the last.
	firstPause = 250 * time.Millisecond
	// maxOutage is for how long a wait or a stream of events goes on while the
	// service does not answer: a restart, or a failover, takes less.
	maxOutage = 60 * time.Second

	// maxLine is how long a line of a stream of events may be, in bytes. An event
	// has a few kilobytes.
	maxLine = 1 << 20
	// maxSilence is how long a stream may be silent before it counts as broken: the
	// service sends something every 15 s.
	maxSilence = 50 * time.Second
)
