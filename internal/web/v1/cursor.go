package v1

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/google/uuid"

	"lsapi"
)

// A cursor holds the id of a page's last change, and a mark of the page's filters: with
// other filters it would silently continue another list. It is no secret.
const (
	cursorMark  = 8
	cursorBytes = len(uuid.UUID{}) + cursorMark
)

// newCursor returns the cursor behind a change, or "" if its id is invalid.
func newCursor(filter lsapi.ChangeFilter, lastID string) string {
	id, ok := parseChangeID(lastID)
	if !ok {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(id[:], filterMark(filter, id)...))
}

// parseCursor returns the id in a cursor of the same filters.
func parseCursor(filter lsapi.ChangeFilter, cursor string) (string, bool) {
	content, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(content) != cursorBytes {
		return "", false
	}
	id := uuid.UUID(content[:len(uuid.UUID{})]).String()
	return id, newCursor(filter, id) == cursor // base64 has several texts of the same bytes
}

// filterMark returns a hash of the filters and the id. Without a bulk and a kind it is that of
// versions that had no such filters.
func filterMark(f lsapi.ChangeFilter, id uuid.UUID) []byte {
	return mark("%s %q %q %q %q %q %d %d%s%s", id,
		f.Pool, f.Member, f.Actor, f.Action, f.Outcome, f.From.UnixMilli(), f.To.UnixMilli(), f.Bulk, f.Kind)
}

// newFleetCursor returns the cursor behind a pool.
func newFleetCursor(filter lsapi.FleetFilter, last lsapi.PoolID) string {
	return base64.RawURLEncoding.EncodeToString(append(fleetMark(filter, last), last.Path()...))
}

// parseFleetCursor returns the pool in a cursor of the same filters.
func parseFleetCursor(filter lsapi.FleetFilter, cursor string) (lsapi.PoolID, bool) {
	content, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(content) < cursorMark {
		return lsapi.PoolID{}, false
	}
	pool, ok := lsapi.ParsePoolPath(string(content[cursorMark:]))
	return pool, ok && newFleetCursor(filter, pool) == cursor
}

// fleetMark returns a hash of the filters and the pool.
func fleetMark(f lsapi.FleetFilter, pool lsapi.PoolID) []byte {
	return mark("%q %q %q %q %q %q %q", pool, f.Kind, f.Name, f.Tags, f.Health, f.Instance, f.VPC) // maps are printed in order
}

func mark(format string, args ...any) []byte {
	digest := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return digest[:cursorMark]
}

// parseChangeID parses a change's id in the only form that the record has.
func parseChangeID(text string) (uuid.UUID, bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && id.Version() == 7 && id.String() == text
}
