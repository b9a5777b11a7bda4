package v1

import (
	"testing"
	"time"
)

// The record has microseconds, responses have milliseconds.
func TestTimeOfAnswerIncludesItsChange(t *testing.T) {
	recorded := time.Date(2026, time.November, 24, 18, 54, 0, 217_999_000, time.UTC)
	told := parseTime(instant(recorded).String())
	if at := endOfMillisecond(told); at.Before(recorded) {
		t.Errorf("%v is before %v", at, recorded)
	}
	for _, at := range []time.Time{told, recorded} {
		if then := endOfMillisecond(at); instant(then).String() != instant(recorded).String() {
			t.Errorf("%v is asked about, and the answer is about %v", at, then)
		}
	}
}
