package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
)

func openOwn(t *testing.T) *store {
	t.Helper()
	opened, err := Open(t.Context(), filepath.Join(t.TempDir(), "lsapi.db"), record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close(context.Background()) })
	return opened.(*store)
}

func intentOf(at time.Time, member lsapi.MemberID) lsapi.Event {
	id := uuid.Must(uuid.NewV7())
	stamp := record.FirstID(at.Truncate(time.Millisecond))
	copy(id[:6], stamp[:])
	return lsapi.Event{Kind: lsapi.EventIntended, At: at, Change: lsapi.Change{
		ID: id.String(), Action: lsapi.Attach, Pool: lsapi.ELB("web"), Member: member, Deadline: at.Add(20 * time.Second),
	}}
}

// An append that its lane gave up on, because the disk hung, may still land: the next
// lease must have seen it.
func TestLeaseWaitsForAnAbandonedAppend(t *testing.T) {
	s, ctx := openOwn(t), t.Context()
	first, err := s.Acquire(ctx, lsapi.ELB("web"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(ctx, first, []lsapi.Event{{Kind: lsapi.EventCheckpoint, At: time.Now(), Until: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	disk, began, given := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	impatient, cancel := context.WithCancel(ctx)
	go func() { // it hangs in the middle of its transaction
		var end lsapi.ChainEnd
		err := s.Update(impatient, func(ctx context.Context, t record.Tables) (err error) {
			close(began)
			<-disk
			_, end, err = record.AppendEvents(ctx, t, lsapi.ELB("web"), []lsapi.Event{intentOf(time.Now(), lsapi.InstanceMember("i-00000001"))})
			return err
		})
		s.noteUnknown(lsapi.ELB("web"), err)
		_ = end
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
	if lease, err := s.Acquire(hurried, lsapi.ELB("web")); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		t.Errorf("while the disk hangs the lease is %+v (%v)", lease, err)
	}
	close(disk)
	next, err := s.Acquire(ctx, lsapi.ELB("web"))
	if err != nil {
		t.Fatal(err)
	}
	state, err := s.LaneState(ctx, lsapi.ELB("web"), time.Minute)
	if err != nil || state.ChainEnd != next.ChainEnd || len(state.Open) != 1 {
		t.Errorf("the lease is %+v, and the record has %+v (%v)", next, state, err)
	}
}

// an intent for a change whose outcome is on record is passed over in silence: its
// lane goes on and calls AWS.
func TestCompletedChangeCannotBeIntended(t *testing.T) {
	s, ctx := openOwn(t), t.Context()
	lease, err := s.Acquire(ctx, lsapi.ELB("web"))
	if err != nil {
		t.Fatal(err)
	}
	intent := intentOf(time.Now(), lsapi.InstanceMember("i-00000001"))
	conflict := intent
	conflict.Kind, conflict.Change.Outcome = lsapi.EventCompleted, lsapi.OutcomeConflict
	if _, err := s.Append(ctx, lease, []lsapi.Event{conflict}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(ctx, lease, []lsapi.Event{intent})
	state, _ := s.LaneState(ctx, lsapi.ELB("web"), time.Minute)
	if err == nil && len(state.Open) == 0 {
		t.Error("the intent is said to be durable, but there is none")
	}
}
