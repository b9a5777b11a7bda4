package v1

import "time"

const (
	// defaultPage is how many changes an answer has when nobody asks for more: a
	// screen or two. The tag of loadBalancersQuery.Limit says the same.
	defaultPage = 100
	// maxPage is how many it has at most, some 600 KB. The tag of
	// changesQuery.Limit says the same.
	maxPage = 1000
	// streamPage is how many changes of a stream are in memory at once.
	streamPage = maxPage
	// pageTime is how long a client may take for a page of a stream. Whoever reads
	// slower than 20 KB/s has gone, or holds a connection for nothing.
	pageTime = 30 * time.Second
	// eventTime is the same for what a stream of events has at once, which is little.
	eventTime = 20 * time.Second
	// maxSent is how many bytes a client may send on a stream, on which it has nothing to
	// say.
	maxSent = 4 << 10
	// endTime is the same when the service stops.
	endTime = time.Second
	// keepAlive is after how long a stream of events shows that it is alive: sooner
	// than proxies and load balancers cut off a silent connection (AWS: 60 s).
	keepAlive = 15 * time.Second
	// maxHeld is how many changes are in memory at once, for all who list them: 16
	// full pages, some 30 MB. Each is held until its client has taken it.
	maxHeld = 16 * maxPage
	// patience is how long a reader waits for others: the record answers within
	// some tens of milliseconds.
	patience = 5 * time.Second
	// retryAfter is when one who waited in vain may ask again.
	retryAfter = 5 * time.Second
	// DefaultWait is how long a wait lasts without a timeout: about as long as
	// proxies bear a silent connection. The tag of memberQuery.Timeout and the
	// Swagger document declare it as 60s.
	DefaultWait = time.Minute
	// maxWait is how long one may wait. AWS drains for an hour at most. ParseTimeout
	// says the same.
	maxWait = time.Hour
	// answerTime is how long the answer at the end of a wait may take: what is looked
	// up last, and the transfer over a poor line.
	answerTime = 30 * time.Second
	// maxDetails is how many things an error names; nobody corrects more at once.
	maxDetails = 16
	// maxEchoed is how many characters of a name that the client made up go into
	// an error.
	maxEchoed = 64
	// maxRanges is how many entries of an Accept are looked at: browsers send
	// fewer than ten.
	maxRanges = 32
)
