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

// started returns a Service that records in record.
func started(t *testing.T, aws *fakeAWS, record *fakeRecord) *service {
	t.Helper()
	s := newService(aws, membership.Options{Record: record})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// recorded runs a test on a clock of its own, with a Service over aws that
// records in record and is closed at the end.
func recorded(t *testing.T, aws *fakeAWS, record *fakeRecord, test func(t *testing.T, s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := started(t, aws, record)
		test(t, s)
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// asked makes one change under an id of its own, within the client's 30 s.
func asked(s *service, action lsapi.Action, member lsapi.MemberID, id string) (lsapi.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r := request(action, member)
	r.ChangeID = id
	return s.Change(ctx, r)
}

func wantRecord(t *testing.T, record *fakeRecord, want ...string) {
	t.Helper()
	if got := record.lines(); !slices.Equal(got, want) {
		t.Errorf("the record says\n%q, want\n%q", got, want)
	}
}

func TestIntentIsRecordedBeforeTheCallAndOutcomeBeforeTheAnswer(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		if got := record.lines(); !slices.Equal(got, []string{"intended attach " + one.String()}) {
			t.Errorf("when AWS was asked, the record said %q", got)
		}
		return apply()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		result, err := asked(s, lsapi.Attach, one, "a")
		if err != nil || !result.Recorded {
			t.Errorf("got %+v, %v", result, err)
		}
		wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" applied")
		last := lastOf(record.recorded()).Change
		if last.Actor != "alice" || last.RequestID != "r" || last.AWSRequestID != "aws-request" || *last.MembersBefore != 0 || *last.MembersAfter != 1 {
			t.Errorf("the change is recorded as %+v", last)
		}
	})
}

func TestUnsentRequestsAreRecorded(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		if result, err := asked(s, lsapi.Attach, one, "a"); lsapi.ErrorCode(err) != lsapi.CodeConflict || !result.Recorded {
			t.Errorf("got %+v, %v", result, err)
		}
		if result, err := asked(s, lsapi.Attach, three, "b"); lsapi.ErrorCode(err) != lsapi.CodeInvalid || result.Recorded {
			t.Errorf("an instance that EC2 does not know: got %+v, %v", result, err)
		}
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = asked(s, lsapi.Detach, one, "c") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if result, err := s.Change(ctx, request(lsapi.Attach, two)); lsapi.ErrorCode(err) != lsapi.CodeTimeout || result.Recorded {
			t.Errorf("a caller that leaves got %+v, %v", result, err)
		}
		callers.Wait()
	})
	wantRecord(t, record, "completed attach "+one.String()+" conflict", "intended detach "+one.String(), "completed detach "+one.String()+" applied", "completed attach "+two.String()+" withdrawn")
}

func TestRequestsThatShareACallAreRecordedEach(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		codes := inOneRound(s, lsapi.Attach, one, one, one)
		if codes[""] != 1 || codes[lsapi.CodeConflict] != 2 {
			t.Errorf("got %v", codes)
		}
	})
	wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" applied", "completed attach "+one.String()+" conflict", "completed attach "+one.String()+" conflict")
}

func TestUnrecordedChangeIsNotSent(t *testing.T) {
	for _, op := range []string{"Acquire", "LaneState", "Append"} {
		t.Run(op, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			recorded(t, aws, record, func(t *testing.T, s *service) {
				record.fails(func(asked string, _ []lsapi.Event) error {
					if asked != op {
						return nil
					}
					return unavailable(op, nil)
				})
				result, err := asked(s, lsapi.Attach, one, "a")
				if lsapi.ErrorCode(err) != lsapi.CodeUnavailable || result.Recorded || lsapi.AsError(err).RetryAfter <= 0 {
					t.Errorf("got %+v, %v", result, err)
				}
				wantMembers(t, aws)
				record.fails(nil)
				wantCode(t, change(s, lsapi.Attach, one), "")
				wantMembers(t, aws, one)
			})
		})
	}
}

func TestUnrecordedOutcomeIsNotAnswered(t *testing.T) {
	for _, test := range []struct {
		name string
		away time.Duration
		want lsapi.Code
	}{{"away for a while", 5 * time.Second, ""}, {"away past the deadline", 40 * time.Second, lsapi.CodeTimeout}} {
		t.Run(test.name, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one, two)
			record.fails(outcomesAreUnavailable)
			recorded(t, aws, record, func(t *testing.T, s *service) {
				time.AfterFunc(test.away, func() { record.fails(nil) })
				var callers sync.WaitGroup
				callers.Go(func() {
					result, err := asked(s, lsapi.Attach, one, "a")
					wantCode(t, lsapi.ErrorCode(err), test.want)
					if !result.Recorded {
						t.Error("the answer does not say that the change is on record")
					}
				})
				time.Sleep(time.Second)
				start := time.Now()
				wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeUnavailable)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("a later request waited %v", took)
				}
				callers.Wait()
				time.Sleep(test.away)
				wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" applied")
			})
		})
	}
}

func TestLostLeaseIsNeverASuccess(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		record.takeOver()
		return apply()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		result, err := asked(s, lsapi.Attach, one, "a")
		if lsapi.ErrorCode(err) != lsapi.CodeTimeout || !result.Recorded {
			t.Errorf("got %+v, %v", result, err)
		}
		time.Sleep(time.Minute) // the next holder of the lease settles it, here the same process
		wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" applied inferred")
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict)
	})
}

func TestChangesLeftOpenByACrashAreSettledByReading(t *testing.T) {
	tests := []struct {
		name string
		goes hook
		want string
	}{
		{"applied", appliedButCutOff, "resolved attach " + one.String() + " applied inferred"},
		{"not applied", lost, "resolved attach " + one.String() + " failed inferred"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			aws.next("Register", func(ctx context.Context, apply func() error) error {
				record.fails(unavailable) // the process is about to crash
				return test.goes(ctx, apply)
			})
			synctest.Test(t, func(t *testing.T) {
				crashed := started(t, aws, record)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := crashed.Change(ctx, request(lsapi.Attach, one))
				wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
				_ = crashed.Close(ctx) // cut short: it finishes nothing
				record.fails(nil)

				s := started(t, aws, record)
				time.Sleep(time.Minute)
				wantRecord(t, record, "intended attach "+one.String(), test.want)
				if calls := aws.count("Register"); calls != 1 {
					t.Errorf("the call was made %d times", calls)
				}
				if err := s.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestChangesBeforeARestartShowWhileReadsLag(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.lag = 9 * time.Second
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		s := started(t, aws, record)
		wantCode(t, change(s, lsapi.Attach, one), "")
		_ = s.Close(t.Context())

		record.fails(leasesAreUnavailable) // so that it reads nothing but at its start
		s = started(t, aws, record)
		if got := listed(t, aws, s); !slices.Equal(got, []lsapi.MemberID{one}) {
			t.Errorf("the list after the restart is %v", got)
		}
		record.fails(nil)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict)
		_ = s.Close(t.Context())
	})
}

// The first request after a restart comes before anything is known of the record.
func TestInstanceOfAnOpenChangeWaitsAfterACrash(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	aws.next("Register", func(ctx context.Context, apply func() error) error {
		record.fails(unavailable) // the process is about to crash
		return lost(ctx, apply)
	})
	synctest.Test(t, func(t *testing.T) {
		crashed := started(t, aws, record)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := crashed.Change(ctx, request(lsapi.Attach, one))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		_ = crashed.Close(ctx) // cut short: it finishes nothing
		record.fails(nil)

		s := started(t, aws, record)
		var callers sync.WaitGroup
		callers.Go(func() {
			patient, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := s.Change(patient, request(lsapi.Attach, one))
			wantCode(t, lsapi.ErrorCode(err), "")
		})
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, two), "") })
		callers.Wait()
		wantRecord(t, record,
			"intended attach "+one.String(),
			"intended attach "+two.String(), "completed attach "+two.String()+" applied",
			"resolved attach "+one.String()+" failed inferred",
			"intended attach "+one.String(), "completed attach "+one.String()+" applied")
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// leasesAreUnavailable is the record of a standby.
func leasesAreUnavailable(op string, _ []lsapi.Event) error {
	if op == "Acquire" {
		return unavailable(op, nil)
	}
	return nil
}

func TestStandbySettlesOpenChangesAsSoonAsItMay(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	synctest.Test(t, func(t *testing.T) {
		crashed := started(t, aws, record)
		wantCode(t, change(crashed, lsapi.Attach, one), "")
		aws.next("Register", func(ctx context.Context, apply func() error) error {
			record.fails(unavailable) // the process is about to crash
			return appliedButCutOff(ctx, apply)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := crashed.Change(ctx, request(lsapi.Attach, two))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		_ = crashed.Close(ctx) // cut short: it finishes nothing

		record.fails(leasesAreUnavailable)
		s := started(t, aws, record)
		time.Sleep(5 * time.Second)
		record.fails(nil)
		time.Sleep(3 * time.Second)
		wantRecord(t, record,
			"intended attach "+one.String(), "completed attach "+one.String()+" applied",
			"intended attach "+two.String(), "resolved attach "+two.String()+" applied inferred")
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestServiceDoesNotStartOnAnUnreadableRecord(t *testing.T) {
	record := newFakeRecord()
	record.fails(unavailable)
	s := newService(newFakeAWS(), membership.Options{Record: record})
	wantCode(t, lsapi.ErrorCode(s.Start(t.Context())), lsapi.CodeUnavailable)
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// refresh observes what AWS shows.
func refresh(s *service, aws *fakeAWS) {
	began := time.Now()
	read, _ := aws.Members(context.Background(), web)
	s.found.Observe(web, read, began)
	synctest.Wait()
}

func TestOutsideChangeIsRecordedWithItsInterval(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two, three)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		wantRecord(t, record) // the first read finds no change
		time.Sleep(time.Minute)
		refresh(s, aws)
		before := time.Now()
		time.Sleep(time.Minute)
		aws.change(func() { aws.versions = append(aws.versions, version{time.Now(), []lsapi.MemberID{two, three}}) })
		refresh(s, aws)
		wantRecord(t, record, "observed +"+two.String()+","+three.String()+" -"+one.String())
		if last := lastOf(record.recorded()); last.Since.After(before) || before.Sub(last.Since) > time.Second || last.Until.Sub(last.Since) < time.Minute {
			t.Errorf("it happened between %v and %v; the read before was at %v", last.Since, last.Until, before)
		}
	})
}

func TestOwnChangesAreNoOutsideChanges(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.lag = 5 * time.Second
	aws.run(one, two)
	aws.next("Register", late(3*time.Second)) // open for a while
	recorded(t, aws, record, func(t *testing.T, s *service) {
		time.Sleep(10 * time.Second)
		refresh(s, aws)
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, two), "") })
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, one), "") })
		for range 60 {
			refresh(s, aws)
			time.Sleep(time.Second)
		}
		callers.Wait()
	})
	for _, line := range record.lines() {
		if line[:8] == "observed" {
			t.Errorf("the record says %q", record.lines())
		}
	}
}

func TestObservationOnRecordCostsNoCall(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		before := record.asked
		for range 100 {
			s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		}
		synctest.Wait()
		if record.asked != before {
			t.Errorf("the record was asked %d times", record.asked-before)
		}
	})
}

func TestRequestIsWithdrawnWhenItsCallerLeavesASharedCall(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next two share a round
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2*aws.latency+aws.latency/2) // the call is under way
		defer cancel()
		_, err := s.Change(ctx, request(lsapi.Attach, one))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		callers.Wait()
	})
	wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" applied", "completed attach "+one.String()+" withdrawn")
}

func TestOpenChangeThatShowsIsNoOutsideChange(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", appliedButCutOff)
	record.fails(outcomesAreUnavailable) // it shows, and that cannot be recorded yet
	recorded(t, aws, record, func(t *testing.T, s *service) {
		time.AfterFunc(5*time.Second, func() { record.fails(nil) })
		wantCode(t, change(s, lsapi.Attach, one), "")
	})
	wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" applied inferred")
}

func TestContradictingRecordIsNotRetriedForever(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	record.fails(func(op string, events []lsapi.Event) error {
		if outcomesAreUnavailable(op, events) != nil {
			return &lsapi.Error{Code: lsapi.CodeInternal}
		}
		return nil
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		start := time.Now()
		if result, err := asked(s, lsapi.Attach, one, "a"); lsapi.ErrorCode(err) != lsapi.CodeTimeout || !result.Recorded || time.Since(start) > 5*time.Second {
			t.Errorf("got %+v, %v after %v", result, err, time.Since(start))
		}
		record.fails(nil)
		wantCode(t, change(s, lsapi.Attach, two), "")
	})
}

func TestSharersOfACallWhoseOutcomeIsLostAreTriedAnew(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", func(context.Context, func() error) error {
		record.takeOver()
		return &lsapi.Error{Code: lsapi.CodeUpstream} // certainly not applied
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next two share a round
		synctest.Wait()
		codes := make(chan lsapi.Code, 2)
		for _, id := range []string{"a", "b"} {
			callers.Go(func() {
				r := request(lsapi.Attach, one)
				r.ChangeID = id
				_, err := s.Change(context.Background(), r) // for as long as it takes
				codes <- lsapi.ErrorCode(err)
			})
		}
		callers.Wait()
		if got := []lsapi.Code{<-codes, <-codes}; !slices.Equal(got, []lsapi.Code{lsapi.CodeTimeout, ""}) {
			t.Errorf("got %q, want one whose outcome is lost, and then one that is tried anew", got)
		}
	})
}

func TestWithdrawnRequestIsRecordedAtAnyStageOfTheLane(t *testing.T) {
	for name, slow := range map[string]func(*fakeAWS, *fakeRecord){
		"it takes the lease": func(_ *fakeAWS, record *fakeRecord) { record.wait = 3 * time.Second },
		"it reads":           func(aws *fakeAWS, _ *fakeRecord) { aws.latency = 3 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			slow(aws, record)
			recorded(t, aws, record, func(t *testing.T, s *service) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if result, err := s.Change(ctx, request(lsapi.Attach, one)); lsapi.ErrorCode(err) != lsapi.CodeTimeout || result.Recorded {
					t.Errorf("got %+v, %v", result, err)
				}
				time.Sleep(time.Minute)
			})
			wantRecord(t, record, "completed attach "+one.String()+" withdrawn")
		})
	}
}

func TestOfTwoChangesOfOneTimeTheLastCounts(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.lag = 9 * time.Second
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		at := time.Now()
		for _, action := range []lsapi.Action{lsapi.Attach, lsapi.Detach} {
			record.add(lsapi.Event{Kind: lsapi.EventCompleted, At: at, Change: lsapi.Change{
				ID: string(action), Action: action, Pool: web, Member: one, Outcome: lsapi.OutcomeApplied, CompletedAt: at,
			}})
		}
		time.Sleep(time.Second)
		s := newService(aws, membership.Options{Record: record})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, aws, s); len(got) > 0 {
			t.Errorf("the list is %v", got)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// become makes the instances the members, past lsapi.
func become(aws *fakeAWS, members ...lsapi.MemberID) {
	aws.change(func() { aws.versions = append(aws.versions, version{time.Now(), members}) })
}

func TestOutsideChangeBackToAnEarlierMembershipIsRecorded(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Minute)
		wantCode(t, change(s, lsapi.Detach, two), "")
		time.Sleep(time.Minute)
		become(aws, one, two)
		refresh(s, aws)
	})
	wantRecord(t, record, "intended detach "+two.String(), "completed detach "+two.String()+" applied", "observed +"+two.String()+" -")
}

func TestLateObservationHidesNoOutsideChange(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Minute)
		late := time.Now()
		time.Sleep(time.Second)
		wantCode(t, change(s, lsapi.Attach, two), "")
		wantCode(t, change(s, lsapi.Detach, one), "")
		time.Sleep(time.Second)
		refresh(s, aws)
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, late) // asked for before all that
		synctest.Wait()
		time.Sleep(time.Minute)
		become(aws, one)
		refresh(s, aws)
	})
	wantRecord(t, record, "intended attach "+two.String(), "completed attach "+two.String()+" applied", "intended detach "+one.String(), "completed detach "+one.String()+" applied", "observed +"+one.String()+" -"+two.String())
}

func TestRoundFindsOutsideChangesSinceTheLastRead(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Hour)
		refresh(s, aws)
		last := time.Now()
		time.Sleep(time.Second)
		become(aws, two)
		wantCode(t, change(s, lsapi.Attach, one), "")
		seen := slices.IndexFunc(record.recorded(), func(e lsapi.Event) bool { return e.Kind == lsapi.EventObserved })
		if seen < 0 || last.Sub(record.recorded()[seen].Since) > time.Second {
			t.Errorf("the last read was at %v, the record says %+v", last, record.recorded())
		}
	})
}

func TestAnotherProcessMaySettleASentChange(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", lost)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		time.AfterFunc(time.Second, func() {
			record.takeOver()
			record.settle("a", lsapi.OutcomeFailed)
		})
		start := time.Now()
		result, err := asked(s, lsapi.Attach, one, "a")
		if lsapi.ErrorCode(err) != lsapi.CodeTimeout || !result.Recorded || time.Since(start) > 5*time.Second {
			t.Errorf("got %+v, %v after %v", result, err, time.Since(start))
		}
	})
}

func TestCallIsNotMadeWithoutTheLease(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	record.fails(func(op string, _ []lsapi.Event) error {
		if op == "Renew" {
			return &lsapi.Error{Code: lsapi.CodeUnavailable, Err: lsapi.ErrLeaseLost}
		}
		return nil
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		if result, err := asked(s, lsapi.Attach, one, "a"); lsapi.ErrorCode(err) != lsapi.CodeUnavailable || !result.Recorded {
			t.Errorf("got %+v, %v", result, err)
		}
		wantMembers(t, aws)
	})
	wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" failed")
}

func TestUnrecordedConflictIsNotAnswered(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, events []lsapi.Event) error {
			if op == "Append" {
				return unavailable(op, events)
			}
			return nil
		})
		if result, err := asked(s, lsapi.Attach, one, "a"); lsapi.ErrorCode(err) != lsapi.CodeUnavailable || result.Recorded {
			t.Errorf("got %+v, %v", result, err)
		}
	})
}

// A read that shows a change before the record does would be followed by one on another
// replica that does not.
func TestChangeIsVisibleOnlyOnceItsOutcomeIsOnRecord(t *testing.T) {
	for name, call := range map[string]hook{"answered": nil, "settled": late(0)} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			if call != nil {
				aws.next("Register", call)
			}
			recorded(t, aws, record, func(t *testing.T, s *service) {
				record.fails(outcomesAreUnavailable)
				began := time.Now()
				var caller sync.WaitGroup
				caller.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
				time.Sleep(5 * time.Second)
				if members := s.recent.Over(web, nil, began); len(members) > 0 {
					t.Errorf("before its outcome is on record, a read shows %v", members)
				}
				record.fails(nil)
				caller.Wait()
				if members := s.recent.Over(web, nil, began); !slices.Equal(members, []lsapi.MemberID{one}) {
					t.Errorf("after that it shows %v", members)
				}
			})
		})
	}
}
