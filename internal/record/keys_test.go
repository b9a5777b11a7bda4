package record_test

import (
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

func reserveKey(t *testing.T, s record.Store, key lsapi.IdempotencyKey, r lsapi.Reservation) *lsapi.Reservation {
	t.Helper()
	taken, err := s.Reserve(t.Context(), key, r)
	if err != nil {
		t.Fatalf("reserve: %v", err)
	}
	return taken
}

// wantKeyFree reserves a key that must be free.
func wantKeyFree(t *testing.T, s record.Store, key lsapi.IdempotencyKey, r lsapi.Reservation) {
	t.Helper()
	if taken := reserveKey(t, s, key, r); taken != nil {
		t.Errorf("%s is taken by %+v", key.Key, *taken)
	}
}

func wantKeyTaken(t *testing.T, s record.Store, key lsapi.IdempotencyKey, changeID string) {
	t.Helper()
	taken := reserveKey(t, s, key, lsapi.Reservation{ChangeID: "of the test"})
	if taken == nil || taken.ChangeID != changeID {
		t.Errorf("%s is taken by %+v, want %s", key.Key, taken, changeID)
	}
}

func freeKey(t *testing.T, s record.Store, key lsapi.IdempotencyKey, changeID string) {
	t.Helper()
	if err := s.Free(t.Context(), key, changeID); err != nil {
		t.Fatalf("free: %v", err)
	}
}

// steadyLag is more than the clock by which keys expire is behind the one by which they
// are stamped: it starts a moment after its first reading, and takes part in no jump of
// the machine's clock.
const steadyLag = time.Minute

// pruneKeys prunes keys alone, and returns how many there are less.
func pruneKeys(t *testing.T, s record.Store) int {
	t.Helper()
	before := countKeys(t, s)
	if err := pruneAt(t, s, noon, 365*dayLong); err != nil {
		t.Fatalf("prune: %v", err)
	}
	return before - countKeys(t, s)
}
