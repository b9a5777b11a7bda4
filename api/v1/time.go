// Package v1 is the vocabulary of the /v1 API: the JSON that the service answers
// with and that the client reads. The OpenAPI document at /v1/openapi.json is made
// of these types; their tags say there what each field means.
//
// It imports the standard library only. A field that is not known is absent from
// the JSON, and has its zero value here.
package v1

import (
	"fmt"
	"time"
)

// timeFormat is RFC 3339 in UTC, with milliseconds even when they are 0.
const timeFormat = "2006-01-02T15:04:05.000Z"

// Time is a time in RFC 3339, UTC, whole milliseconds.
type Time struct{ time.Time }

// String returns the time as in JSON, empty for the zero time.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(timeFormat)+2)
	return append(t.UTC().AppendFormat(append(b, '"'), timeFormat), '"'), nil
}

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return t.UTC().AppendFormat(nil, timeFormat), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("not an RFC 3339 time: %w", err)
	}
	t.Time = parsed.UTC()
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(text []byte) error {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return fmt.Errorf("a time is a string, not %.40s", text)
	}
	return t.UnmarshalText(text[1 : len(text)-1])
}
