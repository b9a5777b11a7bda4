package membership_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// appendsFail returns a failure of the appends in which an event matches.
func appendsFail(err error, matches func(e lsapi.Event) bool) func(op string, events []lsapi.Event) error {
	return func(op string, events []lsapi.Event) error {
		if op == "Append" && slices.ContainsFunc(events, matches) {
			return err
		}
		return nil
	}
}

func isResolved(e lsapi.Event) bool  { return e.Kind == lsapi.EventResolved }
func isApplied(e lsapi.Event) bool   { return e.Change.Outcome == lsapi.OutcomeApplied }
func isWithdrawn(e lsapi.Event) bool { return e.Change.Outcome == lsapi.OutcomeWithdrawn }

func leaseLost() error {
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Err: lsapi.ErrLeaseLost}
}

// eventsOf returns the events of a change.
func eventsOf(record *fakeRecord, id string) []lsapi.Event {
	return slices.DeleteFunc(record.recorded(), func(e lsapi.Event) bool { return e.Change.ID != id })
}

func TestConflictIsRecordedWithTheNumberOfMembers(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		_, err := asked(s, lsapi.Attach, one, "a")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeConflict)
	})
	c := lastOf(record.recorded()).Change
	if c.MembersBefore == nil || *c.MembersBefore != 2 || c.MembersAfter == nil || *c.MembersAfter != 2 {
		t.Errorf("the conflict is recorded as %+v", c)
	}
}

func TestRoundSendsNothingWhenASettlementIsUnrecorded(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	aws.next("Register", appliedButCutOff)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(appendsFail(unavailable("", nil), isResolved))
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		time.Sleep(time.Second)
		wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeUnavailable)
		wantMembers(t, aws, one)
		record.fails(nil)
		callers.Wait()
	})
}

func TestRoundAppendsNothingAfterAnAppendThatFailed(t *testing.T) {
	aws, record := newFakeAWS(two), newFakeRecord()
	aws.run(one, two)
	aws.next("Register", func(context.Context, func() error) error {
		aws.change(func() { aws.gone = true })
		return cutOff()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		record.fails(appendsFail(unavailable("", nil), isResolved))
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeTimeout) })
		time.Sleep(5 * time.Second)
		wantRecord(t, record, "intended attach "+one.String())
		record.fails(nil)
		callers.Wait()
		synctest.Wait()
		wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" unknown", "observed + -"+two.String())
	})
}

func TestCallerThatLeftIsRecordedOnceWhenItsBatchWasNot(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(appendsFail(unavailable("", nil), func(lsapi.Event) bool { return true }))
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next two share a round
		synctest.Wait()
		callers.Go(func() {
			_, _ = leaving(s, aws.latency+aws.latency/2, lsapi.Attach, one, "left") // during the round's read
		})
		synctest.Wait()
		callers.Go(func() {
			_, err := asked(s, lsapi.Attach, one, "stays")
			wantCode(t, lsapi.ErrorCode(err), lsapi.CodeUnavailable)
		})
		callers.Wait()
		record.fails(nil)
		time.Sleep(time.Minute)
	})
	wantRecord(t, record, "completed attach "+one.String()+" withdrawn")
}

func TestSharersAreAnsweredWhenTheOutcomeIsLost(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		time.Sleep(time.Second)
		record.takeOver()
		return apply()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next three share a round
		synctest.Wait()
		for id, want := range map[string]lsapi.Code{"maker": lsapi.CodeTimeout, "sharer": lsapi.CodeUnavailable} {
			callers.Go(func() {
				if id == "sharer" {
					time.Sleep(time.Millisecond)
				}
				began := time.Now()
				_, err := asked(s, lsapi.Attach, one, id)
				wantCode(t, lsapi.ErrorCode(err), want)
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("the %s was answered after %v", id, took)
				}
			})
		}
		callers.Go(func() {
			time.Sleep(2 * time.Millisecond)
			_, _ = leaving(s, 500*time.Millisecond, lsapi.Attach, one, "left")
		})
		callers.Wait()
		time.Sleep(time.Minute)
	})
	if got := eventsOf(record, "left"); len(got) != 1 || got[0].Change.Outcome != lsapi.OutcomeWithdrawn {
		t.Errorf("the record says of the sharer that left %+v", got)
	}
}

func TestWithdrawnChangeIsKeptWhenTheLeaseIsLost(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(appendsFail(leaseLost(), isWithdrawn))
		time.AfterFunc(5*time.Second, func() { record.fails(nil) })
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		_, _ = leaving(s, time.Millisecond, lsapi.Attach, two, "left")
		callers.Wait()
		time.Sleep(time.Minute)
	})
	if got := eventsOf(record, "left"); len(got) != 1 {
		t.Errorf("the record has %d events of the withdrawn change", len(got))
	}
}

func TestWithdrawnChangeThatTheRecordRefusesIsGivenUpAlone(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newService(aws, membership.Options{Record: record, Log: slog.New(slog.NewTextHandler(&log, nil))})
		attempts := 0
		record.fails(appendsFail(&lsapi.Error{Code: lsapi.CodeInternal}, func(e lsapi.Event) bool {
			if e.Change.ID == "refused" {
				attempts++
			}
			return e.Change.ID == "refused"
		}))
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		for _, id := range []string{"before", "refused", "after"} {
			callers.Go(func() { _, _ = leaving(s, time.Millisecond, lsapi.Attach, two, id) })
			synctest.Wait()
		}
		callers.Wait()
		time.Sleep(time.Minute)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if attempts != 2 { // with the others, and alone
			t.Errorf("the record was asked %d times", attempts)
		}
		if !strings.Contains(log.String(), "withdrawn changes could not be recorded") {
			t.Errorf("the log says\n%s", &log)
		}
	})
	if !hasChange(record, "before") || !hasChange(record, "after") {
		t.Errorf("the record says %q", record.lines())
	}
}

// timeoutRecord keeps the first intents a second later and then returns a timeout.
type timeoutRecord struct {
	*fakeRecord
	done bool
}

func (r *timeoutRecord) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	end, err := r.fakeRecord.Append(ctx, lease, events)
	if !r.done && lastOf(events).Kind == lsapi.EventIntended {
		r.done = true
		time.Sleep(time.Second)
		return lsapi.ChainEnd{}, &lsapi.Error{Code: lsapi.CodeTimeout}
	}
	return end, err
}

func TestIntentThatEndedAsWithdrawnIsNotSettled(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		s := newService(aws, membership.Options{Record: &timeoutRecord{fakeRecord: record}})
		result, err := leaving(s, 500*time.Millisecond, lsapi.Attach, one, "left")
		if lsapi.ErrorCode(err) != lsapi.CodeTimeout || result.Recorded || !result.Pending {
			t.Errorf("got %+v, %v", result, err)
		}
		time.Sleep(time.Minute)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" withdrawn")
}

func TestOutcomeIsRetriedSoonAndThenSeldom(t *testing.T) {
	tests := []struct {
		err         error
		away        time.Duration
		late        time.Duration // after the record is back, at most
		least, most int           // attempts
	}{
		{unavailable("", nil), 500 * time.Millisecond, 300 * time.Millisecond, 4, 6},
		{&lsapi.Error{Code: lsapi.CodeTimeout}, time.Minute, 2 * time.Second, 25, 50},
	}
	for _, test := range tests {
		t.Run(test.away.String(), func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := newService(aws, membership.Options{Record: record, Log: slog.New(slog.NewTextHandler(&log, nil))})
				began, attempts := time.Now(), 0
				record.fails(func(op string, events []lsapi.Event) error {
					if op != "Append" || !slices.ContainsFunc(events, isApplied) {
						return nil
					}
					attempts++
					if time.Since(began) < test.away {
						return test.err
					}
					return nil
				})
				_, err := s.Change(t.Context(), request(lsapi.Attach, one))
				wantCode(t, lsapi.ErrorCode(err), "")
				if took := time.Since(began); took > test.away+test.late || attempts < test.least || attempts > test.most {
					t.Errorf("the record was back after %v; the outcome was recorded after %v, at attempt %d", test.away, took, attempts)
				}
				if n := strings.Count(log.String(), "outcomes cannot be recorded"); n != 1 {
					t.Errorf("the log says %d times that outcomes cannot be recorded", n)
				}
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestCloseThatIsCutShortEndsTheWaitForTheRecord(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		s := newService(aws, membership.Options{Record: record})
		record.fails(outcomesAreUnavailable)
		var callers sync.WaitGroup
		callers.Go(func() {
			result, err := asked(s, lsapi.Attach, one, "a")
			if lsapi.ErrorCode(err) != lsapi.CodeTimeout || !result.Recorded {
				t.Errorf("got %+v, %v", result, err)
			}
		})
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Close(ctx); err == nil || time.Since(began) > 2*time.Second {
			t.Errorf("closing took %v: %v", time.Since(began), err)
		}
		callers.Wait()
	})
}
