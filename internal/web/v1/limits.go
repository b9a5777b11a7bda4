package v1

import "time"

const (
	// defaultPage is the number of changes in a page without a limit. The tag of
	// poolsQuery.Limit repeats it.
	defaultPage = 100
	// maxPage is the maximal number, some 600 KB. The tag of changesQuery.Limit repeats it.
	maxPage = 1000
	// streamPage is the number of changes of a stream that are in memory at once.
	streamPage = maxPage
	// pageTime is a client's time to read a page of a stream: at least 20 KB/s.
	pageTime = 30 * time.Second
	// eventTime is a client's time to read pending events, which are few.
	eventTime = 20 * time.Second
	// endTime is that time when the service stops.
	endTime = time.Second
	// maxSent is the number of bytes that a client may send on a stream. Clients send none.
	maxSent = 4 << 10
	// keepAlive is the interval of messages on a stream without events. Load balancers and
	// proxies cut off a silent connection after 60 s and more.
	keepAlive = 15 * time.Second
	// maxHeld is the number of changes in memory for all lists: 16 full pages, some 30 MB.
	// They are held until their clients have read them.
	maxHeld = 16 * maxPage
	// maxLargeBodies is the number of bodies over 64 KiB in memory, each with up to 20 MB of
	// what its parser holds.
	maxLargeBodies = 8
	// maxChanging is the number of members in memory of all bulks: 200 of the largest, some
	// 300 MB with their results. They are held until their clients are answered.
	maxChanging = 200 * maxBulk
	// answerLifetime is how long an encoded answer about an instance is kept: short beside the
	// time within which a change of another replica shows (100 ms).
	answerLifetime = 50 * time.Millisecond
	// maxAnswers is how many are kept, each of about a kilobyte.
	maxAnswers = 10_000
	// maxMembersAnswers is how many encoded sets of members are kept, each of up to 25 KB at
	// AWS's quota of 1,000 members.
	maxMembersAnswers = 1000
	// acquireTimeout is a reader's time in the queue. The record answers within some tens of
	// milliseconds.
	acquireTimeout = 5 * time.Second
	// retryAfter is the Retry-After after acquireTimeout.
	retryAfter = 5 * time.Second
	// maxDetails is the number of mistakes that an error lists.
	maxDetails = 16
	// maxEchoed is the number of a client's characters in an error.
	maxEchoed = 64
)
