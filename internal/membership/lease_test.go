package membership_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// replicas runs a test on a clock of its own, with two Services over aws that share a
// record; the clock of the second is off by so much.
func replicas(t *testing.T, aws *fakeAWS, record *fakeRecord, skew time.Duration, test func(t *testing.T, a, b *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, b := started(t, aws, record), started(t, aws, record.replica(skew))
		test(t, a, b)
		for _, s := range []*service{a, b} {
			if err := s.Close(context.Background()); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	})
}

func TestLaneReadsTheRecordAgainAfterAnotherReplicaAppended(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two, three)
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		wantCode(t, change(a, lsapi.Attach, one), "")
		wantCode(t, change(b, lsapi.Attach, two), "")
		record.fails(func(op string, _ []lsapi.Event) error { // the record hangs until the caller has left
			if op == "LaneState" {
				return unavailable(op, nil)
			}
			return nil
		})
		wantCode(t, change(a, lsapi.Attach, three), lsapi.CodeUnavailable)
		record.fails(nil)
		wantCode(t, change(a, lsapi.Attach, three), "")
	})
	wantNothingInvented(t, record)
}

func TestAttachesOfOneInstanceHaveOneSuccessWhenAReadOfTheRecordFails(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	aws.lag = 8 * time.Second
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		wantCode(t, change(a, lsapi.Attach, two), "")
		wantCode(t, change(b, lsapi.Attach, one), "")
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "LaneState" {
				return unavailable(op, nil)
			}
			return nil
		})
		wantCode(t, change(a, lsapi.Attach, one), lsapi.CodeUnavailable)
		record.fails(nil)
		wantCode(t, change(a, lsapi.Attach, one), lsapi.CodeConflict)
	})
	wantNothingInvented(t, record)
}

func TestLeavingClientsCauseNoExternalChange(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two, three)
	aws.lag = time.Second
	record.wait = 5 * time.Millisecond
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		var clients sync.WaitGroup
		for i, s := range []*service{a, b} {
			for j, member := range []lsapi.MemberID{one, two, three} {
				clients.Go(func() {
					for n := range 60 {
						action := lsapi.Attach
						if n%2 == 1 {
							action = lsapi.Detach
						}
						patience := time.Duration(10+(7*i+13*j+17*n)%60) * time.Millisecond
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						_, _ = s.Change(ctx, request(action, member))
						cancel()
						began := time.Now()
						read, _ := aws.Members(context.Background(), web)
						s.found.Observe(web, read, began)
					}
				})
			}
		}
		clients.Wait()
		time.Sleep(time.Minute)
	})
	wantNothingInvented(t, record)
}

// wantNothingInvented refuses changes by others, of which there are none, and
// instances whose changes do not alternate.
func wantNothingInvented(t *testing.T, record *fakeRecord) {
	t.Helper()
	for _, e := range record.recorded() {
		if e.Kind == lsapi.EventObserved {
			t.Errorf("the record has a change that no client made: +%v -%v", e.Added, e.Removed)
		}
	}
	wantAlternation(t, record)
}

// wantAlternation requires every applied change on record to have changed the membership.
func wantAlternation(t *testing.T, record *fakeRecord) {
	t.Helper()
	member := make(map[lsapi.MemberID]bool)
	for _, e := range record.recorded() {
		for _, id := range e.Added {
			member[id] = true
		}
		for _, id := range e.Removed {
			member[id] = false
		}
		if e.Change.Outcome != lsapi.OutcomeApplied {
			continue
		}
		attach := e.Change.Action == lsapi.Attach
		if member[e.Change.Member] == attach {
			t.Errorf("%s of %s is applied twice in a row", e.Change.Action, e.Change.Member)
		}
		member[e.Change.Member] = attach
	}
}

func TestWithdrawnChangeIsRecordedWhenTheRecordIsBack(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two, three)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		time.Sleep(10 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		result, err := s.Change(ctx, request(lsapi.Attach, two))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		if result.Recorded {
			t.Error("the answer names a change that is not on record yet, and that a crash loses")
		}
		record.fails(leasesAreUnavailable)
		callers.Wait()
		time.Sleep(time.Second)
		record.fails(nil)
		time.Sleep(time.Minute) // no other request comes
	})
	if got := record.lines(); !slices.Contains(got, "completed attach "+two.String()+" withdrawn") {
		t.Errorf("the record says %q", got)
	}
}

func TestWithdrawnChangeIsRecordedWhenItsBatchWasNot(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, events []lsapi.Event) error {
			if op == "Append" {
				return unavailable(op, events)
			}
			return nil
		})
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeUnavailable) })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := s.Change(ctx, request(lsapi.Attach, two))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		callers.Wait()
		time.Sleep(time.Second)
		record.fails(nil)
		time.Sleep(time.Minute)
	})
	if got := record.lines(); !slices.Contains(got, "completed attach "+two.String()+" withdrawn") {
		t.Errorf("the record says %q", got)
	}
}

func TestSharersOfAnOpenCallAreAnsweredWhenTheRecordContradicts(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", lost)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, events []lsapi.Event) error {
			if op == "Append" && slices.ContainsFunc(events, func(e lsapi.Event) bool { return e.Kind == lsapi.EventResolved }) {
				return &lsapi.Error{Code: lsapi.CodeInternal}
			}
			return nil
		})
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) })
		synctest.Wait()
		for range 2 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
				defer cancel()
				start := time.Now()
				_, err := s.Change(ctx, request(lsapi.Attach, one))
				if took := time.Since(start); took > 5*time.Minute {
					t.Errorf("a caller was answered %v after %v", err, took)
				}
			})
		}
		time.Sleep(time.Minute)
		record.fails(nil)
		callers.Wait()
	})
}

func TestAttachIsAConflictUnderAnyClockOffset(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, -6 * time.Second, 6 * time.Second, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.lag = 8 * time.Second // below the overlay window of 10 s
			aws.run(one)
			replicas(t, aws, record, skew, func(t *testing.T, a, b *service) {
				wantCode(t, change(b, lsapi.Attach, one), "")
				time.Sleep(5 * time.Second)
				wantCode(t, change(a, lsapi.Attach, one), lsapi.CodeConflict)
				wantCode(t, change(a, lsapi.Detach, one), "")
				time.Sleep(5 * time.Second)
				wantCode(t, change(b, lsapi.Detach, one), lsapi.CodeConflict)
			})
			wantNothingInvented(t, record)
		})
	}
}

func TestOutsideChangeShowsUnderAnyClockOffset(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	replicas(t, aws, record, time.Hour, func(t *testing.T, a, b *service) {
		wantCode(t, change(b, lsapi.Attach, two), "")
		if err := a.CatchUp(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		become(aws) // another tool detaches it
		if got := listed(t, aws, a); slices.Contains(got, two) {
			t.Errorf("after an outside detach the list still is %v", got)
		}
	})
}

func TestOpenChangeIsJudgedAfterTheLagUnderAnyClockOffset(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			aws.lag = 8 * time.Second
			aws.next("Register", func(_ context.Context, apply func() error) error {
				record.fails(unavailable)                              // the process is about to crash
				time.AfterFunc(19*time.Second, func() { _ = apply() }) // its deadline is 20 s after the intent
				return cutOff()
			})
			synctest.Test(t, func(t *testing.T) {
				crashed := started(t, aws, record.replica(skew))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := crashed.Change(ctx, request(lsapi.Attach, one))
				wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
				_ = crashed.Close(ctx)
				record.fails(nil)
				s := started(t, aws, record)
				time.Sleep(time.Minute)
				if err := s.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
			wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" applied inferred")
		})
	}
}

func TestDetachesGoOutBeforeAttaches(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		if len(aws.now()) > 0 {
			return lsapi.Errorf(lsapi.CodeInvalid, "TooManyTargets")
		}
		return apply()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // the lane is busy
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, two), "") })
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, one), "") })
		callers.Wait()
	})
	wantMembers(t, aws, two)
}

func TestAttachesHaveTheirTimeAfterDetachesThatHang(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	aws.next("Deregister", hangs)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) })
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, two), "") })
		callers.Go(func() { change(s, lsapi.Detach, one) })
		callers.Wait()
	})
	wantMembers(t, aws, one, two)
}

func TestLaneReadsTheRecordAgainWhenItHasRefusedAnOutcome(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, two), "") // the lane has read the record
		record.fails(func(op string, events []lsapi.Event) error {
			if op == "Append" && events[0].Kind == lsapi.EventCompleted {
				return &lsapi.Error{Code: lsapi.CodeInternal}
			}
			return nil
		})
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeTimeout)
		record.fails(nil)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict)
	})
	if got := record.lines(); !slices.Contains(got, "resolved attach "+one.String()+" applied inferred") {
		t.Errorf("the record says %q", got)
	}
}

func TestAnswerNamesNoChangeThatMayBeUnrecorded(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "Append" {
				return &lsapi.Error{Code: lsapi.CodeTimeout}
			}
			return nil
		})
		result, err := asked(s, lsapi.Attach, one, "a")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeUnavailable)
		if result.Recorded {
			t.Error("the answer says that the change is on record")
		}
		record.fails(nil)
	})
	wantMembers(t, aws)
}

func TestLaneDecidesNothingWhenItsLeaseIsLostWhileItReadsTheRecord(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.lag = 8 * time.Second
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "LaneState" { // another replica has taken the lease, and attaches the instance
				log := record.log(web)
				log.epoch++
				log.add(lsapi.Event{Kind: lsapi.EventHealth, At: time.Now()})
			}
			return nil
		})
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeUnavailable)
		record.fails(nil)
	})
	if n := aws.count("Members"); n > 0 {
		t.Errorf("AWS was asked %d times under a lease that is lost", n)
	}
}

func TestSharersOfAChangeThatAnotherReplicaResolvedAreTriedAgain(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", late(time.Hour))
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, two) }) // the lane is busy, so that the others share a round
		synctest.Wait()
		open := request(lsapi.Attach, one)
		callers.Go(func() {
			_, err := s.Change(t.Context(), open)
			wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		})
		synctest.Wait()
		for range 2 {
			callers.Go(func() {
				_, err := s.Change(t.Context(), request(lsapi.Attach, one))
				if err != nil && lsapi.ErrorCode(err) != lsapi.CodeConflict {
					t.Errorf("a sharer was answered %v", err)
				}
			})
		}
		time.Sleep(2 * time.Second)
		record.takeOver()
		record.settle(open.ChangeID, lsapi.OutcomeFailed)
		callers.Wait()
	})
	wantMembers(t, aws, one)
}

func TestOpenChangeOfACrashIsNotJudgedByAReadThatLagsBehindTheChangeBefore(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.lag = 8 * time.Second
	synctest.Test(t, func(t *testing.T) {
		crashed := started(t, aws, record)
		wantCode(t, change(crashed, lsapi.Attach, one), "")
		aws.next("Deregister", func(ctx context.Context, apply func() error) error {
			record.fails(unavailable) // the process is about to crash
			return lost(ctx, apply)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := crashed.Change(ctx, request(lsapi.Detach, one))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		_ = crashed.Close(ctx)
		record.fails(nil)
		s := started(t, aws, record)
		time.Sleep(time.Minute)
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if got := lastOf(record.recorded()).Change; got.Outcome != lsapi.OutcomeFailed {
		t.Errorf("the record says %q", record.lines())
	}
	wantMembers(t, aws, one)
}

func TestCallThatTakesEffectAtItsDeadlineIsNotFailedWhileReadsLag(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.lag = 8 * time.Second
	aws.next("Register", late(9*time.Second)) // its deadline is after 10 s
	recorded(t, aws, record, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "")
	})
}

func TestCloseDoesNotWaitForAnUnavailableRecord(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	record.wait = 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s := started(t, aws, record)
		record.fails(leasesAreUnavailable)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := s.Change(ctx, request(lsapi.Attach, one))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		time.Sleep(time.Minute)
		began := time.Now()
		closing, end := context.WithTimeout(t.Context(), 30*time.Second)
		defer end()
		if err := s.Close(closing); err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("closing took %v: %v", time.Since(began), err)
		}
	})
}

func TestCloseTriesWithdrawnChangesAtOnce(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	synctest.Test(t, func(t *testing.T) {
		s := started(t, aws, record)
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		_, _ = leaving(s, time.Millisecond, lsapi.Attach, two, "left")
		record.fails(appendsFail(unavailable("", nil), isWithdrawn))
		callers.Wait()
		time.Sleep(time.Minute) // the tries are two seconds apart by now
		for before := record.calls(); record.calls() < before+2; {
			time.Sleep(10 * time.Millisecond)
		}
		record.fails(nil)
		began := time.Now()
		if err := s.Close(t.Context()); err != nil || time.Since(began) > 500*time.Millisecond || !hasChange(record, "left") {
			t.Errorf("closing took %v: %v, and the record says %q", time.Since(began), err, record.lines())
		}
	})
}
