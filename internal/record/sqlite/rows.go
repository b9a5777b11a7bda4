package sqlite

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lsapi/internal/record"
)

// each concatenates the rows of one query for each value: SQLite's driver has no arrays.
func each[Value, Row any](values []Value, query func(Value) ([]Row, error)) ([]Row, error) {
	all := make([]Row, 0, len(values))
	for _, value := range values {
		rows, err := query(value)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// micros is a time as it is stored: microseconds since 1970, 0 for none.
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

// toBytes is the id of a change as it is stored, empty for none.
func toBytes(text string) ([]byte, error) {
	if text == "" {
		return []byte{}, nil
	}
	id, ok := record.ParseID(text)
	if !ok {
		return nil, fmt.Errorf("%q is not the id of a change", text)
	}
	return id[:], nil
}

// fromBytes is the id of stored bytes; no valid id for invalid bytes.
func fromBytes(bytes []byte) string {
	if len(bytes) == 0 {
		return ""
	}
	id, err := uuid.FromBytes(bytes)
	if err != nil {
		return fmt.Sprintf("%x", bytes)
	}
	return id.String()
}

func toInt(n *int) sql.NullInt64 {
	if n == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: int64(*n), Valid: true}
}

func fromInt(n sql.NullInt64) *int {
	if !n.Valid {
		return nil
	}
	return new(int(n.Int64))
}

func fromBool(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// toText is a text as it is stored in a column of which most rows have none.
func toText(text string) sql.NullString {
	return sql.NullString{String: text, Valid: text != ""}
}

func fromText(text sql.NullString) string { return text.String }
