package record_test

import (
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// The newest event was recorded long ago by the clock, which may
// have jumped, so that nothing is removed but what grows old while the process runs.
func TestPruneIgnoresAClockThatJumpsForward(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, o record.Options) record.Store{
		"sqlite": func(t *testing.T, o record.Options) record.Store { return openURL(t, "sqlite://"+newFile(t), o) },
		"postgres": func(t *testing.T, o record.Options) record.Store {
			return openURL(t, postgrestest.URL(t), o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, text := logged()
			s := open(t, record.Options{Log: log})
			l := newLane(t, s, lsapi.ELB("web"))
			l.now = time.Now().Add(-500 * dayLong) // before the clock jumped
			l.know()
			l.do(lsapi.Attach, one)
			l.after(dayLong).do(lsapi.Attach, two)
			noted := chainEnds(t, s)
			for range 3 {
				if err := s.Prune(t.Context(), 400*dayLong); err != nil {
					t.Fatal(err)
				}
			}
			if found := wantWhole(t, s, noted...); len(found.Pruned) > 0 || found.Events != 6 {
				t.Errorf("something was removed: %+v", found)
			}
			if said := text(); strings.Contains(said, "removed") {
				t.Errorf("the log says %s", said)
			}
		})
	}
}

// A log beside the one whose newest event is of now is pruned, after the first call.
func TestPruneLogsWhatItRemoves(t *testing.T) {
	log, text := logged()
	s := openURL(t, "sqlite://"+newFile(t), record.Options{Log: log})
	l := newLane(t, s, lsapi.ELB("web"))
	l.now = time.Now().Add(-500 * dayLong)
	l.know()
	l.do(lsapi.Attach, one)
	fresh := newLane(t, s, lsapi.ELB("fresh"))
	fresh.now = time.Now()
	fresh.know()
	prune := func() {
		t.Helper()
		if err := s.Prune(t.Context(), 400*dayLong); err != nil {
			t.Fatal(err)
		}
	}
	prune()
	if found := wantWhole(t, s); found.Events != 4 || strings.Contains(text(), "removed") {
		t.Errorf("the first call removed something: %+v, %s", found, text())
	}
	prune()
	if found := wantWhole(t, s); found.Events != 2 || !strings.Contains(text(), "old events were removed from the record of changes") || !strings.Contains(text(), "events=3") {
		t.Errorf("got %+v, and the log says %s", found, text())
	}
	wantKeyFree(t, s, lsapi.IdempotencyKey{Key: "k"}, lsapi.Reservation{ChangeID: "c1"})
	ageKeys(t, s, dayLong+steadyLag)
	prune()
	if !strings.Contains(text(), "expired idempotency keys were removed") || !strings.Contains(text(), "keys=1") {
		t.Errorf("the log says %s", text())
	}
}
