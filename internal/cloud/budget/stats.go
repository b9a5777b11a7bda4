package budget

import "time"

// Stats is what happened in one category. The counts only grow; they start at 0
// with the process.
type Stats struct {
	Category Category
	// Tokens is how many requests may go out at once now.
	Tokens float64
	// Waiting is how many attempts wait for a token now.
	Waiting int
	// Attempts counts the attempts that drew a token, retries included.
	Attempts uint64
	// Waits counts the attempts that found no token to spare, GivenUp those of
	// them that ended without one.
	Waits, GivenUp uint64
	// Waited is how long the waits that are over took, together.
	Waited time.Duration
	// Throttles counts the attempts that AWS throttled although they had a token.
	Throttles uint64
}
