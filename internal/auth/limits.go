package auth

import "time"

// The bounds on what credentials may cost, each with its reason.
const (
	// maxEncoded is how long base64 of user:password may be.
	maxEncoded = 1024

	// maxName is how long a user's name in a users file may be: it goes into every
	// line of the log and into the record of every change.
	maxName = 128

	// maxFileSize is room for some ten thousand users.
	maxFileSize = 1 << 20

	// maxToldLines is how many bad lines of a users file are told at once. A file
	// that is something else altogether has thousands.
	maxToldLines = 5

	// maxCost is the highest cost of a bcrypt hash: a check then takes about 2 s on
	// today's processors, and twice as long with each one more.
	maxCost = 15

	// pollEvery is how often the users file is looked at. A look is one stat, and a
	// file is read when two looks saw the same, so that a change counts within 2 s.
	// (Notifications of the kernel would be quicker, and are silent on network file
	// systems and when a symbolic link above the file is swapped.)
	pollEvery = time.Second
)

// A password is checked by bcrypt, which is slow on purpose: tens of milliseconds
// of a processor, for right and wrong ones alike.
const (
	// maxQueued is how many checks wait for a processor at once: far more than
	// there are people and scripts that begin their day in the same second.
	maxQueued = 200

	// maxWait is how long one waits. A client that is told to come back then has
	// most of its own timeout left.
	maxWait = 3 * time.Second

	// busyRetryAfter is what it is told: a few checks later.
	busyRetryAfter = time.Second
)

// Failures are limited. A wrong password costs a token of the bucket of the client's
// address and one of the bucket of the user that was named; while either is empty the
// password is not checked, and the answer is "too much at once" (503 with Retry-After).
// It is not 401: a script with the right password would take its password for wrong, and
// could not tell when to retry. A right password costs nothing.
//
// This must not become a way to lock a user out. So:
//
//   - Credentials that were right before are accepted before any limit is consulted, for
//     as long as the account is in force, from any address. Only the first login since a
//     start, or since a change of the password, can meet a limit.
//   - Beyond the user's limit each address still has a check of its own for that user
//     every reserveEvery. However many addresses guess at a user, the user logs in from
//     an address that does not.
//   - The user's bucket is larger than the address's and fills twice as fast, so that
//     one address, or two, cannot keep it empty.
//   - Names of no user have buckets like any other, so that a limit does not reveal
//     which users exist.
//
// What is left: a guesser behind the same address can hold up a first login there; and a
// user can be guessed at once in reserveEvery from each address of which the guesser has
// many.
//
// Fifty wrong passwords at once are an office behind one address whose people
// mistype, or scripts with an old password; 14,400 a day at an
// address, or twice as many at a user, guess no password that is worth the name.
const (
	addressBurst = 50
	addressEvery = 6 * time.Second

	userBurst = 4 * addressBurst
	userEvery = addressEvery / 2

	reserveEvery = time.Minute

	// maxBuckets bounds the memory for each of the three kinds to some megabytes. The
	// least recently used are forgotten first, and count as full then: under millions
	// of addresses the limits become wider, never a lock-out.
	maxBuckets = 10_000
)
