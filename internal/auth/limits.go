package auth

import "time"

// Bounds on credentials and on the users file.
const (
	// maxEncoded is the longest base64 of user:password.
	maxEncoded = 1024

	// maxName is the longest user name in a users file. Names go into every log line and
	// every recorded change.
	maxName = 128

	// maxFileSize is room for some ten thousand users.
	maxFileSize = 1 << 20

	// maxReportedLines is how many bad lines of a users file one message lists.
	maxReportedLines = 5

	// maxCost is the highest cost of a bcrypt hash. A check takes about 2 s at this cost;
	// each step doubles it.
	maxCost = 15
)

// Bounds on password checks. bcrypt takes tens of milliseconds of a processor for each.
const (
	// maxQueued is how many checks wait for a processor: far more than there are people
	// and scripts that log in within the same second.
	maxQueued = 200

	// maxWait is how long a check waits. It leaves clients time for a retry.
	maxWait = 3 * time.Second

	// busyRetryAfter is the Retry-After when the queue is full: the time of a few checks.
	busyRetryAfter = time.Second
)

// Limits on failures. A wrong password costs a token of the bucket of the client's
// address and one of the bucket of the user. While either is empty the password is not
// checked, and the answer is 503 with Retry-After. It is not 401: a script with the right
// password would take its password for wrong. A right password costs nothing.
//
// The limits must not lock a user out. So:
//
//   - Credentials that were accepted before are accepted without any limit, from any
//     address, as long as the account is valid. Only the first login after a start or a
//     change of the password is limited.
//   - Beyond the user's limit each address has one more check for that user every
//     reserveEvery. So guesses from other addresses never keep the user out.
//   - The user's bucket is larger than the address's and fills twice as fast, so that two
//     addresses cannot keep it empty.
//   - Unknown users have buckets too, so that a limit does not reveal which users exist.
//
// What remains: a guesser behind the same address can delay a first login there, and a
// guesser with many addresses has one guess every reserveEvery from each.
//
// Fifty wrong passwords at once are an office behind one address, or scripts with an old
// password. The rates allow 14,400 guesses a day for an address and twice as many for a
// user, too few for any reasonable password.
const (
	addressBurst = 50
	addressEvery = 6 * time.Second

	userBurst = 4 * addressBurst
	userEvery = addressEvery / 2

	reserveEvery = time.Minute

	// maxBuckets bounds each of the three kinds to some megabytes. The least recently used
	// are evicted first, and count as full: millions of addresses widen the limits, and
	// lock no user out.
	maxBuckets = 10_000
)
