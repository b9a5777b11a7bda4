package dataplane

import "time"

const (
	// maxQueue is how many requests wait in a surge queue: AWS's number.
	maxQueue = 1024
	// heldBody is how large a request may be to be read before a member is taken for it,
	// so that a client that sends slowly keeps no member from others.
	heldBody = 64 << 10
	// dialTimeout is how long it may take to connect to a member.
	dialTimeout = 5 * time.Second
	// maxTries is how many members are tried when they cannot be connected to.
	maxTries = 3
	// keptConnections is how many idle connections are kept to each member: as many as
	// it serves at a time under any load that one machine makes.
	keptConnections = 1024
	// copySize is that of the buffers through which answers go.
	copySize = 32 << 10
	// keptMinutes is for how long metrics are kept: AWS keeps those of one minute for
	// 15 days, of which nobody looks back further than an afternoon here.
	keptMinutes = 180
	// maxSleep bounds the time that a request can ask an emulated instance to take.
	maxSleep = time.Minute
)
