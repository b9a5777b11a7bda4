package v1

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/google/uuid"

	"lsapi"
)

// A cursor is the id of the last change of a page, and a mark of the filters that
// the page was made with: given with others, it would go on in another list
// without anybody noticing. It is no secret, and forging one gains nothing.
const (
	cursorMark  = 8
	cursorBytes = len(uuid.UUID{}) + cursorMark
)

// newCursor returns the cursor behind a change, empty if its id is not one.
func newCursor(filter lsapi.ChangeFilter, lastID string) string {
	id, ok := changeID(lastID)
	if !ok {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(id[:], filterMark(filter, id)...))
}

// parseCursor returns the id in a cursor that was made with the same filters.
func parseCursor(filter lsapi.ChangeFilter, cursor string) (string, bool) {
	content, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(content) != cursorBytes {
		return "", false
	}
	id := uuid.UUID(content[:len(uuid.UUID{})]).String()
	return id, newCursor(filter, id) == cursor // a text that decodes to the same is not the same
}

// filterMark tells filters apart, whatever page they are at.
func filterMark(f lsapi.ChangeFilter, id uuid.UUID) []byte {
	text := fmt.Sprintf("%s %q %q %q %q %q %d %d", id,
		f.LoadBalancer, f.InstanceID, f.Actor, f.Action, f.Outcome, f.From.UnixMilli(), f.To.UnixMilli())
	digest := sha256.Sum256([]byte(text))
	return digest[:cursorMark]
}

// newFleetCursor returns the cursor behind a load balancer: its name, and a mark of
// the filters.
func newFleetCursor(filter lsapi.FleetFilter, lastName string) string {
	return base64.RawURLEncoding.EncodeToString(append(fleetMark(filter, lastName), lastName...))
}

// parseFleetCursor returns the name in a cursor that was made with the same filters.
func parseFleetCursor(filter lsapi.FleetFilter, cursor string) (string, bool) {
	content, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(content) < cursorMark {
		return "", false
	}
	name := string(content[cursorMark:])
	return name, lsapi.ValidLoadBalancerName(name) && newFleetCursor(filter, name) == cursor
}

// fleetMark tells filters apart, whatever page they are at.
func fleetMark(f lsapi.FleetFilter, name string) []byte {
	digest := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", name, f.Name, f.Tags, f.Health)) // maps are printed in order
	return digest[:cursorMark]
}
