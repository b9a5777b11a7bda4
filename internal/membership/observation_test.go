package membership_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// observed returns the interval in which an instance was changed past lsapi, by the
// record.
func observed(t *testing.T, record *fakeRecord, member lsapi.MemberID) (since, until time.Time) {
	t.Helper()
	for _, e := range record.recorded() {
		if slices.Contains(e.Added, member) || slices.Contains(e.Removed, member) {
			return e.Since, e.Until
		}
	}
	t.Fatalf("no outside change of %s is on record: %q", member, record.lines())
	return since, until
}

func TestReadOfARoundCountsAsTheLastRead(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Hour)
		wantCode(t, change(s, lsapi.Attach, two), "") // its lane lives on, and has read the record
		time.Sleep(12 * time.Second)
		last := time.Now()
		wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeConflict)
		time.Sleep(time.Second)
		become(aws, two)
		refresh(s, aws)
		if since, _ := observed(t, record, one); since.Before(last) {
			t.Errorf("it happened after %v, by the record; a round had looked %v later", since, last.Sub(since))
		}
	})
}

func TestReadFromBeforeTheLastOneIsIgnored(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Second)
		early := time.Now()
		time.Sleep(time.Second)
		late := time.Now()
		time.Sleep(time.Second)
		become(aws, one, two)
		refresh(s, aws)
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, two}}, early) // does not move the last read back
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, late)
		synctest.Wait()
		wantRecord(t, record, "observed +"+two.String()+" -")
		time.Sleep(time.Second)
		become(aws, one)
		refresh(s, aws)
		wantRecord(t, record, "observed +"+two.String()+" -", "observed + -"+two.String())
	})
}

func TestReadBehindAnOlderRecordDoesNotCount(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		refresh(a, aws)
		time.Sleep(time.Second)
		wantCode(t, change(b, lsapi.Attach, two), "") // of which a has no news
		time.Sleep(time.Second)
		outside := time.Now()
		become(aws, one)
		watch(a, aws, time.Minute)
		wantCode(t, change(a, lsapi.Attach, one), lsapi.CodeConflict)
		if since, _ := observed(t, record, two); since.After(outside) {
			t.Errorf("it happened at %v, and the record says after %v", outside, since)
		}
	})
}

func TestOutsideChangeIsRecordedOnceWhileItsLaneLives(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "")
		time.Sleep(11 * time.Second)
		become(aws, two)
		refresh(s, aws)
		wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeConflict)
		wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" applied", "observed +"+two.String()+" -"+one.String(), "completed attach "+two.String()+" conflict")
	})
}

func TestReadAfterAnAgreeingOneIsNoNews(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "")
		time.Sleep(30 * time.Second)
		refresh(s, aws)
		before := record.calls()
		refresh(s, aws)
		if n := record.calls() - before; n > 0 {
			t.Errorf("it took %d calls to the record", n)
		}
	})
}

func TestReadStillCountsAfterHealthWasRecorded(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		time.Sleep(time.Hour)
		refresh(s, aws)
		last := time.Now()
		time.Sleep(time.Second)
		become(aws)
		refresh(s, aws)
		if since, _ := observed(t, record, one); last.Sub(since) > time.Second {
			t.Errorf("it happened after %v, by the record; the last read was %v later", since, last.Sub(since))
		}
	})
}

func TestObservationLeavesAnUnavailableRecordAlone(t *testing.T) {
	for code, wait := range map[lsapi.Code]time.Duration{lsapi.CodeUnavailable: 3 * time.Second, lsapi.CodeInternal: 0} {
		t.Run(string(code), func(t *testing.T) {
			aws, record := newFakeAWS(one), newFakeRecord()
			synctest.Test(t, func(t *testing.T) {
				s := newService(aws, membership.Options{Record: record})
				record.fails(func(string, []lsapi.Event) error { return &lsapi.Error{Code: code} })
				refresh(s, aws)
				record.fails(nil)
				before := record.calls()
				refresh(s, aws)
				if n := record.calls() - before; (n == 0) != (wait > 0) {
					t.Errorf("the next observation took %d calls to the record", n)
				}
				time.Sleep(wait)
				refresh(s, aws)
				if got := record.recorded(); len(got) != 1 {
					t.Errorf("the record says %v", got)
				}
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestOutsideChangeDuringACallOfAnotherReplicaIsRecordedWithAnIntervalThatHoldsIt(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	var outside time.Time
	aws.next("Register", func(_ context.Context, apply func() error) error {
		err := apply()
		time.Sleep(time.Second)
		outside = time.Now()
		become(aws) // another tool detaches it before the call is answered
		time.Sleep(time.Second)
		return err
	})
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		refresh(a, aws)
		wantCode(t, change(a, lsapi.Attach, one), "")
		watch(b, aws, 30*time.Second)
	})
	if since, until := observed(t, record, one); since.After(outside) || until.Before(outside) || outside.Sub(since) > 10*time.Second {
		t.Errorf("it happened at %v, the record says between %v and %v", outside, since, until)
	}
}

func TestOutsideChangeAfterACrashIsRecordedWithAnIntervalThatHoldsIt(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", func(ctx context.Context, apply func() error) error {
		record.fails(unavailable) // the process is about to crash
		return appliedButCutOff(ctx, apply)
	})
	var outside time.Time
	synctest.Test(t, func(t *testing.T) {
		crashed := started(t, aws, record)
		_, err := leaving(crashed, time.Second, lsapi.Attach, one, "a")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = crashed.Close(ctx) // cut short: it finishes nothing
		record.fails(nil)
		s := started(t, aws, record)
		watch(s, aws, 3*time.Second)
		outside = time.Now()
		become(aws)
		watch(s, aws, 30*time.Second)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if since, until := observed(t, record, one); since.After(outside) || until.Before(outside) {
		t.Errorf("it happened at %v, the record says between %v and %v", outside, since, until)
	}
}

func TestOpenChangeOfARecordWithoutMembershipIsSettled(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	synctest.Test(t, func(t *testing.T) {
		open := elsewhere(lsapi.Attach, 1).Change
		open.Outcome = ""
		record.add(lsapi.Event{Kind: lsapi.EventIntended, At: time.Now(), Change: open})
		s := started(t, aws, record)
		time.Sleep(time.Minute)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" applied inferred")
	for _, e := range record.recorded() {
		if e.Kind == lsapi.EventResolved && e.Change.MembersAfter != nil {
			t.Errorf("of a membership that is not known the record says that it has %d members", *e.Change.MembersAfter)
		}
	}
}

func TestHealthDoesNotMakeAReadBehindAnOlderRecordCount(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	synctest.Test(t, func(t *testing.T) {
		a, b := unstarted(aws, record), started(t, aws, record.replica(0))
		refresh(a, aws)
		wantCode(t, change(b, lsapi.Attach, two), "") // of which a has no news
		time.Sleep(time.Second)
		outside := time.Now()
		become(aws, one)
		watch(a, aws, 30*time.Second)
		observeHealth(a, reportOf([]lsapi.MemberHealth{in(one)}))
		watch(a, aws, time.Minute)
		wantCode(t, change(a, lsapi.Attach, one), lsapi.CodeConflict)
		if since, _ := observed(t, record, two); since.After(outside) {
			t.Errorf("it happened at %v, and the record says after %v", outside, since)
		}
		for _, s := range []*service{a, b} {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestEmptyMembershipIsRecordedAfterHealth(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		observeHealth(s, reportOf([]lsapi.MemberHealth{draining(one)}))
		refresh(s, aws)
	})
	if got := record.recorded(); len(got) != 2 || got[1].Kind != lsapi.EventCheckpoint {
		t.Errorf("the record says %+v", got)
	}
}

func TestDeletionOlderThanTheLastReadIsNotRecorded(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "")
		time.Sleep(time.Second)
		early := time.Now()
		time.Sleep(time.Second)
		refresh(s, aws)
		s.found.ObserveGone(web, early)
		synctest.Wait()
	})
	wantRecord(t, record, "intended attach "+one.String(), "completed attach "+one.String()+" applied")
}

func TestDeletionFoundByAChangeIsRecordedWithTheIntervalSinceTheLastRead(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Hour)
		refresh(s, aws)
		last := time.Now()
		aws.change(func() { aws.gone = true })
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeNotFound)
		synctest.Wait()
		if since, _ := observed(t, record, one); last.Sub(since) > time.Second {
			t.Errorf("it happened after %v, by the record; the last read was %v later", since, last.Sub(since))
		}
	})
}

// Otherwise the next start would read all conflicts since the last change.
func TestConflictsAndHealthMoveTheRecordedTimeOfTheLastRead(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, two), "")
		time.Sleep(time.Hour)
		looked := time.Now()
		wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeConflict)
		if last := lastOf(record.recorded()); last.Until.Before(looked) {
			t.Errorf("a conflict is recorded with a read that began at %v, want %v", last.Until, looked)
		}
		refresh(s, aws)
		time.Sleep(time.Hour)
		looked = time.Now()
		refresh(s, aws)
		s.found.ObserveHealth(reportOf([]lsapi.MemberHealth{in(one)}))
		synctest.Wait()
		if last := lastOf(record.recorded()); last.Kind != lsapi.EventHealth || last.Until.Before(looked) {
			t.Errorf("%s is recorded with a read that began at %v, want %v", last.Kind, last.Until, looked)
		}
	})
}
