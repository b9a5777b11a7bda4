package sqlite

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lsapi/internal/record"
)

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// micros is how a time is stored: in microseconds since 1970, zero for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// toBytes is the id of a change as it is stored: empty for none.
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

// fromBytes is the text of what toBytes gives; of anything else it is no id.
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

func toNull(n *int) sql.NullInt64 {
	if n == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: int64(*n), Valid: true}
}

func fromNull(n sql.NullInt64) *int {
	if !n.Valid {
		return nil
	}
	return new(int(n.Int64))
}
