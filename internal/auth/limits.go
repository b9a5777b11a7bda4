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
	// memoryLifetime is how long after its last use a right password is known
	// without bcrypt. A script that asks every minute or oftener pays once; what
	// nobody uses is forgotten.
	memoryLifetime = 5 * time.Minute

	// maxQueued is how many checks wait for a processor at once: far more than
	// there are people and scripts that begin their day in the same second.
	maxQueued = 200

	// maxWait is how long one waits. A client that is told to come back then has
	// most of its own timeout left.
	maxWait = 3 * time.Second

	// busyRetryAfter is what it is told: a few checks later.
	busyRetryAfter = time.Second
)

// Who fails is slowed down. A failure draws a token from the bucket of the
// client's address and one from the bucket of the user that was named; while
// either is empty the password is not looked at, and the answer is "too much at
// once" (503 with Retry-After). It is not 401: that would tell a script with the
// right password that it is wrong, and the client could not tell when to try
// again. A right password draws nothing.
//
// What this must not become is a way to lock somebody out. So:
//
//   - Whoever is remembered is let in before any bucket is looked at. A script that
//     is at work stays at work, whoever guesses at its password, from wherever.
//   - The user's bucket is larger than the address's and fills twice as fast, so
//     that one address, or two, cannot keep it empty. Three or more can, against
//     a user who is not at work; that is the price of bounding what a thousand
//     addresses may guess.
//   - Names that no user has have buckets like any other, so that being slowed
//     down tells nothing about who exists.
//
// Fifty wrong passwords at once are an office behind one address whose people
// mistype, or scripts that have not heard of a new password; 14,400 a day at an
// address, or twice as many at a user, guess no password that is worth the name.
const (
	addressBurst = 50
	addressEvery = 6 * time.Second

	userBurst = 4 * addressBurst
	userEvery = addressEvery / 2

	// maxBuckets bounds the memory for each of the two kinds to some megabytes.
	// Those that were not needed for longest are forgotten first, so that whoever
	// wants a bucket forgotten has to fail ten thousand times elsewhere, which takes
	// hundreds of addresses.
	maxBuckets = 10_000
)
