package postgres

import (
	"context"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// A replica that started before the database's clock was corrected ages keys by its own
// readings. Another replica's new keys must not count as expired.
func TestReplicasAgreeOnTheAgeOfAKey(t *testing.T) {
	url := postgrestest.URL(t)
	opened := func() *store {
		s, err := Open(t.Context(), url, record.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
		return s.(*store)
	}
	early, late := opened(), opened()
	early.clock.Start(time.Now().Add(-10 * time.Minute))
	reserve := func(s *store, name string) *lsapi.Reservation {
		t.Helper()
		taken, err := s.Reserve(t.Context(), lsapi.IdempotencyKey{Actor: "alice", Key: name}, lsapi.Reservation{ChangeID: name})
		if err != nil {
			t.Fatal(err)
		}
		return taken
	}
	wantYoung := func(s *store, name string) {
		t.Helper()
		if taken := reserve(s, name); taken == nil || time.Since(taken.At) > time.Minute {
			t.Errorf("the key that was reserved just now is taken by %+v", taken)
		}
	}
	reserve(early, "of the early")
	wantYoung(late, "of the early")
	reserve(late, "of the late")
	wantYoung(early, "of the late")
	if err := early.PruneAt(t.Context(), time.Now(), 365*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	wantYoung(late, "of the late")
}
