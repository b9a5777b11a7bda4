package budget

import (
	"fmt"
	"time"
)

// WaitError tells that a call's context ended while an attempt waited for its
// token. That attempt was not sent; an earlier one of the same call may have
// been.
type WaitError struct {
	Category Category
	// Waited is how long the attempt had waited.
	Waited time.Duration
	// Err is the context's error.
	Err error
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("no %s request was left to send within %s: %v", e.Category, e.Waited, e.Err)
}

// Unwrap returns the context's error.
func (e *WaitError) Unwrap() error { return e.Err }

// CanceledError tells the SDK that the call is over. Without it, the SDK would
// take a passed deadline for a network's timeout, which it retries.
func (e *WaitError) CanceledError() bool { return true }
