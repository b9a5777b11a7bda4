package membership_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// leaving makes a change, and its caller leaves after a while.
func leaving(s *service, after time.Duration, action lsapi.Action, member lsapi.MemberID, id string) (lsapi.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	r := request(action, member)
	r.ChangeID = id
	return s.Change(ctx, r)
}

func hasChange(record *fakeRecord, id string) bool {
	return slices.ContainsFunc(record.recorded(), func(e lsapi.Event) bool { return e.Change.ID == id })
}

// a sharer that left during the read is lost when the intent cannot be recorded.
func TestSharerThatLeftIsRecordedWhenTheIntentWasNot(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "Append" {
				return unavailable(op, nil)
			}
			return nil
		})
		var callers sync.WaitGroup
		record.wait = 10 * time.Millisecond
		callers.Go(func() { _, _ = asked(s, lsapi.Attach, one, "maker") })
		synctest.Wait()
		callers.Go(func() { // queued behind, in the same lane; the first round takes "maker" alone
			_, _ = asked(s, lsapi.Attach, one, "maker2")
		})
		synctest.Wait()
		_, _ = leaving(s, 100*time.Millisecond, lsapi.Attach, one, "left")
		callers.Wait()
		record.fails(nil)
		_, _ = asked(s, lsapi.Attach, one, "later")
		time.Sleep(10 * time.Second)
		if !hasChange(record, "left") {
			t.Errorf("the withdrawn change is not on record: %q", record.lines())
		}
	})
}

// a caller that leaves during the lookup of an instance that is unfit.
func TestCallerThatLeftBeforeItsInstanceWasFoundUnfitIsRecorded(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = asked(s, lsapi.Attach, one, "first") })
		synctest.Wait()
		callers.Go(func() { _, _ = asked(s, lsapi.Detach, two, "stays") })
		synctest.Wait()
		_, _ = leaving(s, 120*time.Millisecond, lsapi.Attach, three, "left") // in the read of the second round
		callers.Wait()
		time.Sleep(10 * time.Second)
		if !hasChange(record, "left") {
			t.Errorf("the withdrawn change is not on record: %q", record.lines())
		}
	})
}

// the maker leaves while its intent is being recorded, which fails.
func TestAnswerDuringTheRecordingOfAnIntentHasNoID(t *testing.T) {
	for _, action := range []lsapi.Action{lsapi.Attach, lsapi.Detach} {
		t.Run(string(action), func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			slow := &slowRecord{fakeRecord: record, pause: 2 * time.Second}
			synctest.Test(t, func(t *testing.T) {
				s := newService(aws, membership.Options{Record: slow})
				record.fails(func(op string, _ []lsapi.Event) error {
					if op == "Append" {
						return unavailable(op, nil)
					}
					return nil
				})
				result, err := leaving(s, time.Second, action, one, "left")
				if lsapi.ErrorCode(err) != lsapi.CodeTimeout || result.Recorded || !result.Pending {
					t.Errorf("got %+v, %v", result, err)
				}
				time.Sleep(5 * time.Second)
				record.fails(nil)
				_, _ = asked(s, lsapi.Attach, one, "later")
				time.Sleep(30 * time.Second)
				if !hasChange(record, "left") {
					t.Errorf("the change is not on record: %q", record.lines())
				}
				if err := s.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

type slowRecord struct {
	*fakeRecord
	pause time.Duration
}

func (r *slowRecord) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	select {
	case <-time.After(r.pause):
	case <-ctx.Done():
		return lsapi.ChainEnd{}, &lsapi.Error{Code: lsapi.CodeTimeout}
	}
	return r.fakeRecord.Append(ctx, lease, events)
}

// A withdrawn change that the record contradicts must not be in the same append as the
// changes of other callers.
func TestWithdrawnChangeThatTheRecordRefusesStopsNoOther(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, events []lsapi.Event) error {
			if slices.ContainsFunc(events, func(e lsapi.Event) bool { return e.Change.ID == "ahead" }) {
				return &lsapi.Error{Code: lsapi.CodeInternal}
			}
			return nil
		})
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = asked(s, lsapi.Attach, one, "first") })
		synctest.Wait()
		_, _ = leaving(s, time.Millisecond, lsapi.Attach, two, "ahead")
		callers.Wait()
		for range 30 {
			time.Sleep(10 * time.Second)
			if _, err := asked(s, lsapi.Attach, two, "b"); err == nil || lsapi.ErrorCode(err) == lsapi.CodeConflict {
				record.fails(nil)
				return
			}
		}
		record.fails(nil)
		t.Error("for 5 minutes every change of the load balancer was refused")
	})
}

// uncertainRecord keeps the first intent, but its answer is lost.
type uncertainRecord struct {
	*fakeRecord
	kept bool
}

func (r *uncertainRecord) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	end, err := r.fakeRecord.Append(ctx, lease, events)
	if err == nil && !r.kept && lastOf(events).Kind == lsapi.EventIntended {
		r.kept = true
		return lsapi.ChainEnd{}, &lsapi.Error{Code: lsapi.CodeTimeout}
	}
	return end, err
}

// The lane knows that the change was not sent, although its intent is on record: what
// another tool does to the instance is not its effect, and the instance need not wait.
func TestChangeWhoseIntentMayBeOnRecordIsRecordedAsFailed(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		s := newService(aws, membership.Options{Record: &uncertainRecord{fakeRecord: record}})
		_, err := asked(s, lsapi.Attach, one, "c1")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeUnavailable)
		become(aws, one) // another tool attaches it
		began := time.Now()
		_, err = asked(s, lsapi.Attach, one, "c2")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeConflict)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the next change took %v", took)
		}
		time.Sleep(time.Minute)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" failed", "observed +"+one.String()+" -", "completed attach "+one.String()+" conflict")
}

// cutRecord keeps the first outcome that is applied, but its answer is lost, and the
// database with it until back is closed.
type cutRecord struct {
	*fakeRecord
	back chan struct{}
	cut  bool
}

func (r *cutRecord) gone() bool {
	select {
	case <-r.back:
		return false
	default:
		return r.cut
	}
}

func (r *cutRecord) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	if r.gone() {
		return lsapi.ChainEnd{}, unavailable("", nil)
	}
	end, err := r.fakeRecord.Append(ctx, lease, events)
	if err == nil && !r.cut && events[0].Change.Outcome == lsapi.OutcomeApplied {
		r.cut = true
		return lsapi.ChainEnd{}, &lsapi.Error{Code: lsapi.CodeTimeout} // errUncertain
	}
	return end, err
}

// a sharer whose conflict may be on record is tried anew under the
// same id, is sent, and gets another answer than the record has.
func TestChangeWhoseOutcomeMayBeOnRecordIsNotSentAgain(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		cut := &cutRecord{fakeRecord: record, back: make(chan struct{})}
		a := newService(aws, membership.Options{Record: cut})
		b := newService(aws, membership.Options{Record: record.replica(0)})
		aws.change(func() { aws.latency = 50 * time.Millisecond })
		var callers sync.WaitGroup
		record.wait = 10 * time.Millisecond
		callers.Go(func() { _, _ = asked(a, lsapi.Detach, two, "zero") }) // so that the next two share a round
		synctest.Wait()
		for _, id := range []string{"c1", "c2"} {
			callers.Go(func() {
				_, err := asked(a, lsapi.Attach, one, id)
				t.Logf("%s: %v", id, err)
			})
		}
		time.Sleep(time.Second)
		_, err := asked(b, lsapi.Detach, one, "d")
		t.Logf("d: %v", err)
		close(cut.back)
		callers.Wait()
		ended := make(map[string]bool)
		for _, e := range record.recorded() {
			if e.Change.ID != "" && e.Kind == lsapi.EventIntended && ended[e.Change.ID] {
				t.Errorf("%s was intended, and sent, after its end: %q", e.Change.ID, record.lines())
			}
			if e.Kind == lsapi.EventCompleted {
				ended[e.Change.ID] = true
			}
		}
		_ = a.Close(context.Background())
		_ = b.Close(context.Background())
	})
}

// the overlay may hold another's change for longer than the lane believes, because each
// has the time from a reading of the record's clock of its own.
func TestReadAlteredByTheOverlayProvesNothing(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	synctest.Test(t, func(t *testing.T) {
		a, b := started(t, aws, record), started(t, aws, record.replica(0))
		wantCode(t, change(b, lsapi.Attach, two), "")
		wantCode(t, change(a, lsapi.Attach, one), "")
		applied, err := record.Applied(t.Context(), web, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		c := applied[len(applied)-1]
		done := c.At
		c.At = c.At.Add(300 * time.Millisecond) // the feed's query took that long
		if err := b.recent.Learn(web, []lsapi.AppliedChange{c}); err != nil {
			t.Fatal(err)
		}
		see := func(at time.Duration) {
			time.Sleep(time.Until(done.Add(at)))
			began := time.Now()
			read, err := aws.Members(t.Context(), web)
			if err != nil {
				t.Fatal(err)
			}
			b.found.Observe(web, read, began)
			time.Sleep(100 * time.Millisecond)
		}
		see(time.Second)
		see(2 * time.Second)
		time.Sleep(time.Until(done.Add(10*time.Second + 50*time.Millisecond)))
		outside := time.Now()
		aws.change(func() { aws.versions = append(aws.versions, version{outside, []lsapi.MemberID{two}}) })
		see(10*time.Second + 100*time.Millisecond) // hidden by the overlay of b
		see(10*time.Second + 400*time.Millisecond)
		last := lastOf(record.recorded())
		if last.Kind != lsapi.EventObserved {
			t.Fatalf("the record says %q", record.lines())
		}
		if last.Since.After(outside) {
			t.Errorf("it happened at %v, and the record says after %v", outside, last.Since)
		}
		_ = a.Close(context.Background())
		_ = b.Close(context.Background())
	})
}
