package budget

import (
	"fmt"
	"time"
)

// WaitError is the error of an attempt whose context ended while it waited for a token.
// The attempt was not sent; an earlier one of the same call may have been.
type WaitError struct {
	Category Category
	Waited   time.Duration
	Err      error // the context's
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("no token for an %s request within %s: %v", e.Category, e.Waited, e.Err)
}

// Unwrap returns the context's error.
func (e *WaitError) Unwrap() error { return e.Err }

// CanceledError keeps the SDK from a retry: without it, the SDK takes a passed deadline
// for a network timeout.
func (e *WaitError) CanceledError() bool { return true }
