package record

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// micros is how a time is stored: in microseconds since 1970, zero for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// exact is a time as it comes back from being stored.
func exact(t time.Time) time.Time { return fromMicros(micros(t)) }

// midnight is the beginning of the UTC day.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// intendedAt is the time that a change's id holds. The id must be one.
func intendedAt(id uuid.UUID) time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}

// firstID is less than every id of a change that was intended at t or later, and
// greater than every other.
func firstID(t time.Time) uuid.UUID {
	var id uuid.UUID
	stamp(&id, t.Add(time.Millisecond-1)) // ids hold whole milliseconds: round up
	return id
}

// newID makes the id of a change that was seen at t.
func newID(t time.Time) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("making an id: %w", err)
	}
	stamp(&id, t)
	return id, nil
}

func stamp(id *uuid.UUID, t time.Time) {
	ms := max(0, t.UnixMilli())
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
}

// changeID parses the id of a change.
func changeID(text string) (uuid.UUID, bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && id.Version() == 7 && len(text) == len("00000000-0000-7000-8000-000000000000")
}
