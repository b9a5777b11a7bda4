package record

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
)

func openOwn(t *testing.T) *sqliteStore {
	t.Helper()
	opened, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "lsapi.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close(context.Background()) })
	return opened.(*sqliteStore)
}

func intentOf(at time.Time, instance string) lsapi.Event {
	id := uuid.Must(uuid.NewV7())
	stamp(&id, at)
	return lsapi.Event{Kind: lsapi.EventIntended, At: at, Change: lsapi.Change{
		ID: id.String(), Action: lsapi.Attach, LoadBalancer: "web", InstanceID: instance, Deadline: at.Add(20 * time.Second),
	}}
}

// An append that its lane gave up on, because the disk hung, may still land: the next
// lease must have seen it.
func TestTurnWaitsForAnAppendThatWasGivenUp(t *testing.T) {
	s, ctx := openOwn(t), t.Context()
	first, err := s.Acquire(ctx, "web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(ctx, first, []lsapi.Event{{Kind: lsapi.EventCheckpoint, At: time.Now(), Until: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	disk, began, given := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	impatient, cancel := context.WithCancel(ctx)
	go func() { // it hangs in the middle of its transaction
		var head lsapi.Head
		err := s.update(impatient, func(ctx context.Context, t tables) (err error) {
			close(began)
			<-disk
			_, head, err = appendEvents(ctx, t, "web", []lsapi.Event{intentOf(time.Now(), "i-00000001")})
			return err
		})
		s.noteUnknown("web", err)
		_ = head
		given <- err
	}()
	<-began
	cancel()
	if err := <-given; lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		t.Fatalf("the append was given up with %v", err)
	}
	if err := s.Release(ctx, first); err != nil {
		t.Fatal(err)
	}
	hurried, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop()
	if lease, err := s.Acquire(hurried, "web"); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		t.Errorf("while the disk hangs the lease is %+v (%v)", lease, err)
	}
	close(disk)
	next, err := s.Acquire(ctx, "web")
	if err != nil {
		t.Fatal(err)
	}
	state, err := s.LaneState(ctx, "web", time.Minute)
	if err != nil || state.Head != next.Head || len(state.Open) != 1 {
		t.Errorf("the lease is %+v, and the record has %+v (%v)", next, state, err)
	}
}

// an intent for a change whose outcome is on record is passed over in silence: its
// lane goes on and calls AWS.
func TestChangeThatHasEndedCannotBeIntended(t *testing.T) {
	s, ctx := openOwn(t), t.Context()
	lease, err := s.Acquire(ctx, "web")
	if err != nil {
		t.Fatal(err)
	}
	intent := intentOf(time.Now(), "i-00000001")
	conflict := intent
	conflict.Kind, conflict.Change.Outcome = lsapi.EventCompleted, lsapi.OutcomeConflict
	if _, err := s.Append(ctx, lease, []lsapi.Event{conflict}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(ctx, lease, []lsapi.Event{intent})
	state, _ := s.LaneState(ctx, "web", time.Minute)
	if err == nil && len(state.Open) == 0 {
		t.Error("the intent is said to be durable, but there is none")
	}
}

func TestLabelsOfAReplicaAreConvertedToTheRecordsClock(t *testing.T) {
	now := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	for ahead, want := range map[time.Duration]time.Duration{
		0: 0, 100 * time.Millisecond: 0, -100 * time.Millisecond: 0, // that may be the time that asking takes
		4 * time.Second: -4 * time.Second, -4 * time.Second: 4 * time.Second,
	} {
		local := now.Add(ahead)
		c := databaseClock(now, local, local)
		looked := local.Add(-time.Minute)
		if got := c.label(looked); got.Sub(looked) != want {
			t.Errorf("by a clock that is %v ahead, %v is labelled %v", ahead, looked, got)
		}
	}
	if c := databaseClock(now, now.Add(time.Hour), now); !c.label(time.Time{}).IsZero() {
		t.Error("no time became one")
	}
}
