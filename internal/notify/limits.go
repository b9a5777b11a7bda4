package notify

import "time"

const (
	// timeout bounds an attempt, from the look-up of the name to the status. It is well below
	// record.DeliveryLease.
	timeout = 10 * time.Second
	// minBackoff and maxBackoff bound the pause before a retry.
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
	// claimEvery is the interval in which the right to send is renewed, or sought.
	claimEvery = 5 * time.Second
	// saveEvery is the interval in which the position is stored while nothing is sent.
	saveEvery = time.Minute
	// outEvery is the interval of looks for members that are out for too long.
	outEvery = 15 * time.Second
	// recordPause is the pause after a failure of the record.
	recordPause = time.Second
	// recordTimeout bounds a call of the record.
	recordTimeout = 10 * time.Second
	// lookupTimeout bounds a lookup of instances.
	lookupTimeout = 10 * time.Second
	// stopTimeout bounds how long a stop stores what was sent.
	stopTimeout = 2 * time.Second
	// attendEvery is the interval of Touch.
	attendEvery = time.Second

	// pageSize is the number of events of one read of the record.
	pageSize = 500
	// maxListed bounds the changes and members in a notification: receivers expect some 20 KB.
	maxListed = 50
	// maxNamed bounds the members that its text names.
	maxNamed = 5
	// MaxReceivers bounds the receivers, each with a connection of its own.
	MaxReceivers = 100
	// minSecret and maxSecret are the sizes of a key for HMAC-SHA256 by Standard Webhooks.
	minSecret, maxSecret = 24, 64
)
