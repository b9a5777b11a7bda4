package record

import (
	"database/sql"
	"fmt"

	"github.com/google/uuid"
)

// convert turns the rows of a query into those that every engine has.
func convert[From, To any](rows []From, err error, one func(From) (To, error)) ([]To, error) {
	if err != nil {
		return nil, err
	}
	converted := make([]To, len(rows))
	for i, row := range rows {
		if converted[i], err = one(row); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

// first returns the first row, the zero value for none.
func first[T any](rows []T, err error) (T, error) {
	if err != nil || len(rows) == 0 {
		return *new(T), err
	}
	return rows[0], nil
}

func toHash(bytes []byte) (hash, error) {
	if len(bytes) != len(hash{}) {
		return hash{}, errDamaged("reading a hash", fmt.Errorf("it has %d bytes", len(bytes)))
	}
	return hash(bytes), nil
}

// toBytes is the id of a change as it is stored: empty for none.
func toBytes(text string) ([]byte, error) {
	if text == "" {
		return []byte{}, nil
	}
	id, ok := changeID(text)
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
