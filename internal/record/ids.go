package record

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Exact returns a time as databases store it: whole microseconds, in UTC.
func Exact(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// ParseID parses the id of a change.
func ParseID(text string) (uuid.UUID, bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && id.Version() == 7 && len(text) == len("00000000-0000-7000-8000-000000000000")
}

// IntendedAt returns the time in a change's id.
func IntendedAt(id uuid.UUID) time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}

// FirstID returns the lower bound of the ids of changes intended at t or later. Earlier
// ids are less.
func FirstID(t time.Time) uuid.UUID {
	var id uuid.UUID
	stamp(&id, t.Add(time.Millisecond-1)) // ids hold whole milliseconds: round up
	return id
}

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
