package membership_test

import (
	"bytes"
	"context"
	"errors"
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

// withHealth runs a test on a clock of its own, with a Service that records health.
func withHealth(t *testing.T, aws *fakeAWS, record *fakeRecord, test func(t *testing.T, s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := unstarted(aws, record)
		test(t, s)
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// unstarted returns a Service that records health. It is not started, so that only
// what is tested asks the record.
func unstarted(aws *fakeAWS, record membership.Record) *service {
	return newService(aws, membership.Options{Record: record})
}

// reportOf is a report of now, of these members, without the absent instances.
func reportOf(members []lsapi.MemberHealth, absent ...lsapi.MemberID) lsapi.HealthReport {
	return lsapi.HealthReport{Pool: web, Members: members, Absent: absent, AsOf: time.Now()}
}

func in(id lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{Member: id, State: lsapi.InService, Reason: "N/A"}
}

func out(id lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{Member: id, State: lsapi.OutOfService, Reason: "ELB", Description: "Instance registration is still in progress."}
}

func draining(id lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{Member: id, State: lsapi.InService, Draining: true}
}

// observeHealth gives the Service a report, and waits for what comes of it.
func observeHealth(s *service, report lsapi.HealthReport) {
	s.found.ObserveHealth(report)
	time.Sleep(time.Second) // on the bubble's clock
}

func TestChangedHealthIsRecorded(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, two}}, time.Now())
		time.Sleep(time.Second)
		for _, said := range [][]lsapi.MemberHealth{
			{out(two), in(one)}, {in(one), out(two)}, {in(one), in(two)}, {in(one)}, nil,
		} {
			observeHealth(s, reportOf(said))
		}
		wantRecord(t, record, "health "+one.String()+" InService "+two.String()+" OutOfService", "health "+two.String()+" InService")
		calls := record.calls()
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one), in(two)}))
		if asked := record.calls() - calls; asked != 1 {
			t.Errorf("what is on record takes %d calls to see", asked)
		}
	})
}

func TestDrainedInstanceIsRecordedOnce(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one), in(two)}))
		if _, err := asked(s, lsapi.Detach, two, "a"); err != nil {
			t.Fatal(err)
		}
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one), draining(two)}))
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)})) // no one asked about it
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}, two, three))
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}, two, three))
		wantRecord(t, record, "health "+one.String()+" InService "+two.String()+" InService", "intended detach "+two.String(), "completed detach "+two.String()+" applied",
			"health "+two.String()+" InService draining", "health "+two.String()+" drained")
	})
}

// Of a terminated instance its load balancer says nothing, and lists it for a while.
func TestAbsentMemberIsNotDrained(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, two}}, time.Now())
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one), in(two)}))
		before := record.calls()
		for range 30 {
			observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}, two))
		}
		if calls := record.calls() - before; calls > 30+3*5 {
			t.Errorf("30 reports took %d calls to the record", calls)
		}
		wantRecord(t, record, "health "+one.String()+" InService "+two.String()+" InService")
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		time.Sleep(time.Second)
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}, two))
		wantRecord(t, record, "health "+one.String()+" InService "+two.String()+" InService", "observed + -"+two.String(), "health "+two.String()+" drained")
	})
}

func TestReportFromBeforeADetachProvesNoDraining(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		early := reportOf(nil, one)
		time.Sleep(time.Millisecond)
		if _, err := asked(s, lsapi.Detach, one, "a"); err != nil {
			t.Fatal(err)
		}
		observeHealth(s, early)
		wantRecord(t, record, "health "+one.String()+" InService", "intended detach "+one.String(), "completed detach "+one.String()+" applied")
		observeHealth(s, reportOf(nil, one))
		if lines := record.lines(); lines[len(lines)-1] != "health "+one.String()+" drained" {
			t.Errorf("the record says %q", lines)
		}
	})
}

func TestRecordingHealthDelaysNoChange(t *testing.T) {
	took := make(map[bool]time.Duration)
	for _, news := range []bool{false, true} {
		aws, record := newFakeAWS(), newFakeRecord()
		record.wait = time.Second
		aws.run(one)
		withHealth(t, aws, record, func(t *testing.T, s *service) {
			if news {
				s.found.ObserveHealth(reportOf([]lsapi.MemberHealth{in(two)}))
				time.Sleep(500 * time.Millisecond) // it waits for the lease
			}
			began := time.Now()
			if _, err := asked(s, lsapi.Attach, one, "a"); err != nil {
				t.Error(err)
			}
			took[news] = time.Since(began)
			synctest.Wait()
			if lines := record.lines(); news && (len(lines) != 3 || lines[2] != "health "+two.String()+" InService") {
				t.Errorf("the record says %q", lines)
			}
		})
	}
	if took[true] > took[false] {
		t.Errorf("a change takes %v, and %v while health is recorded", took[false], took[true])
	}
}

func TestUnrecordedHealthIsRecordedByTheNextReport(t *testing.T) {
	for _, op := range []string{"Health", "Acquire", "LaneState", "Append"} {
		t.Run(op, func(t *testing.T) {
			aws, record := newFakeAWS(one), newFakeRecord()
			withHealth(t, aws, record, func(t *testing.T, s *service) {
				record.fails(func(asked string, events []lsapi.Event) error {
					if asked == op {
						return unavailable(asked, events)
					}
					return nil
				})
				said := []lsapi.MemberHealth{in(one)}
				observeHealth(s, reportOf(said))
				calls := record.calls()
				s.found.ObserveHealth(reportOf(said)) // at once it is not tried again
				synctest.Wait()
				if record.calls() != calls {
					t.Error("the record is asked again at once although it is away")
				}
				time.Sleep(2 * time.Second)
				observeHealth(s, reportOf(said))
				wantRecord(t, record)
				record.fails(nil)
				time.Sleep(2 * time.Second)
				observeHealth(s, reportOf(said))
				wantRecord(t, record, "health "+one.String()+" InService")
			})
		})
	}
}

func TestHealthIsNotRecordedUnderALostLease(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "Append" {
				record.log(web).epoch++ // another process takes it now
			}
			return nil
		})
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		wantRecord(t, record)
		record.fails(nil)
		time.Sleep(2 * time.Second)
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		wantRecord(t, record, "health "+one.String()+" InService")
	})
}

// sharedRecord gives a lease to one at a time, as a record of several replicas does.
type sharedRecord struct {
	*fakeRecord
	lease chan struct{}
}

func (r *sharedRecord) Acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error) {
	select {
	case r.lease <- struct{}{}:
	case <-ctx.Done():
		return lsapi.Lease{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	r.takeOver()
	lease, err := r.fakeRecord.Acquire(ctx, pool)
	if err != nil {
		<-r.lease
	}
	return lease, err
}

func (r *sharedRecord) Release(context.Context, lsapi.Lease) error {
	select {
	case <-r.lease:
		return nil
	default:
		return errors.New("the lease is not held")
	}
}

func TestSeveralReplicasRecordHealthOnce(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	record.wait = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		shared := &sharedRecord{record, make(chan struct{}, 1)}
		var replicas []*service
		for range 3 {
			replicas = append(replicas, unstarted(aws, shared))
		}
		toAll := func(report lsapi.HealthReport) {
			var all sync.WaitGroup
			for _, s := range replicas {
				all.Go(func() { observeHealth(s, report) })
			}
			all.Wait()
		}
		replicas[0].found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, two}}, time.Now())
		time.Sleep(time.Second)
		toAll(reportOf([]lsapi.MemberHealth{in(one), out(two)}))
		toAll(reportOf([]lsapi.MemberHealth{in(one), in(two)}))
		if _, err := asked(replicas[1], lsapi.Detach, two, "a"); err != nil {
			t.Fatal(err)
		}
		toAll(reportOf([]lsapi.MemberHealth{in(one), draining(two)}))
		toAll(reportOf([]lsapi.MemberHealth{in(one)}, two))
		wantRecord(t, record, "health "+one.String()+" InService "+two.String()+" OutOfService", "health "+two.String()+" InService",
			"intended detach "+two.String(), "completed detach "+two.String()+" applied", "health "+two.String()+" InService draining", "health "+two.String()+" drained")
		for _, s := range replicas {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
}

// That health was recorded does not make the next read of the membership news.
func TestListingAfterRecordedHealthIsNoNews(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		calls := record.calls()
		for range 10 {
			s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
			time.Sleep(time.Second)
		}
		if asked := record.calls() - calls; asked > 0 {
			t.Errorf("ten listings took %d calls to the record", asked)
		}
		if !slices.Contains(record.lines(), "health "+one.String()+" InService") {
			t.Errorf("the record says %q", record.lines())
		}
	})
}

func TestUncomparedHealthReachesNoLane(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "Health" {
				return &lsapi.Error{Code: lsapi.CodeInternal}
			}
			return nil
		})
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		if n := record.calls(); n != 1 {
			t.Errorf("it made %d calls to the record", n)
		}
		record.fails(nil)
	})
}

func TestHealthThatCannotBeReadUnderTheLeaseIsNotRecorded(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		reads := 0
		record.fails(func(op string, _ []lsapi.Event) error {
			if op != "Health" {
				return nil
			}
			if reads++; reads == 2 {
				return &lsapi.Error{Code: lsapi.CodeInternal}
			}
			return nil
		})
		said := []lsapi.MemberHealth{in(one), out(two)}
		observeHealth(s, reportOf(said))
		wantRecord(t, record, "health "+one.String()+" InService")
		observeHealth(s, reportOf(said))
		wantRecord(t, record, "health "+one.String()+" InService", "health "+two.String()+" OutOfService")
	})
}

func TestHealthAndDrainedOfOneReportAreRecorded(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one), draining(two)}))
		observeHealth(s, reportOf([]lsapi.MemberHealth{out(one)}, two))
		wantRecord(t, record, "health "+one.String()+" InService "+two.String()+" InService draining", "health "+one.String()+" OutOfService "+two.String()+" drained")
	})
}

func TestUnknownMembershipHasNoDrainedInstances(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
		observeHealth(s, reportOf(nil, one))
		wantRecord(t, record, "health "+one.String()+" InService")
	})
}

func TestDetachByAnotherReplicaIsRecordedAsDrained(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	aws.run(one, two)
	synctest.Test(t, func(t *testing.T) {
		a, b := unstarted(aws, record), started(t, aws, record.replica(0))
		a.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, two}}, time.Now())
		observeHealth(a, reportOf([]lsapi.MemberHealth{in(one), in(two)}))
		observeHealth(a, reportOf([]lsapi.MemberHealth{in(one)}, two)) // still a member
		wantCode(t, change(b, lsapi.Detach, two), "")
		time.Sleep(15 * time.Second)
		observeHealth(a, reportOf([]lsapi.MemberHealth{in(one)}, two))
		if lines := record.lines(); lines[len(lines)-1] != "health "+two.String()+" drained" {
			t.Errorf("the record says %q", lines)
		}
		for _, s := range []*service{a, b} {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestUnrecordedHealthIsLoggedUnlessTheRecordIsUnavailable(t *testing.T) {
	for code, want := range map[lsapi.Code]bool{lsapi.CodeUnavailable: false, lsapi.CodeInternal: true} {
		for read := 1; read <= 2; read++ { // beside the lane, and in it
			synctest.Test(t, func(t *testing.T) {
				record, reads := newFakeRecord(), 0
				record.fails(func(op string, _ []lsapi.Event) error {
					if op != "Health" {
						return nil
					}
					if reads++; reads == read {
						return &lsapi.Error{Code: code}
					}
					return nil
				})
				var log bytes.Buffer
				s := newService(newFakeAWS(one), membership.Options{Record: record, Log: slog.New(slog.NewTextHandler(&log, nil))})
				observeHealth(s, reportOf([]lsapi.MemberHealth{in(one)}))
				synctest.Wait()
				if got := strings.Contains(log.String(), "could not be recorded"); got != want {
					t.Errorf("%s at read %d is logged: %v", code, read, got)
				}
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
