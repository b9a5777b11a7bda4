package change

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// newID returns the id of a change, a UUID of version 7, and its time, which is now. The
// library's own time never runs backwards, so it would stay ahead after the clock was.
func newID() (string, time.Time, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", time.Time{}, err
	}
	now := time.Now()
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(now.UnixMilli())<<16)
	copy(id[:6], stamp[:])
	return id.String(), time.UnixMilli(now.UnixMilli()).UTC(), nil
}
