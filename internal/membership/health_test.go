package membership_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// hearing runs a test on a clock of its own, with a Service that records health.
func hearing(t *testing.T, aws *fakeAWS, record *fakeRecord, test func(t *testing.T, s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := listening(aws, record)
		test(t, s)
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// listening returns a Service that records health. It is not started, so that only
// what is tested asks the record.
func listening(aws *fakeAWS, record membership.Record) *service {
	return newService(aws, membership.Options{Record: record})
}

// saying is a report of now, of these members, which says nothing of the silent.
func saying(members []lsapi.MemberHealth, silent ...string) lsapi.HealthReport {
	return lsapi.HealthReport{LoadBalancer: "web", Members: members, Absent: silent, AsOf: time.Now()}
}

func in(id string) lsapi.MemberHealth {
	return lsapi.MemberHealth{InstanceID: id, State: lsapi.InService, Reason: "N/A"}
}

func out(id string) lsapi.MemberHealth {
	return lsapi.MemberHealth{InstanceID: id, State: lsapi.OutOfService, Reason: "ELB", Description: "Instance registration is still in progress."}
}

func draining(id string) lsapi.MemberHealth {
	return lsapi.MemberHealth{InstanceID: id, State: lsapi.InService, Draining: true}
}

// hear gives the Service a report, and waits for what comes of it.
func hear(s *service, report lsapi.HealthReport) {
	s.found.ObserveHealth(report)
	time.Sleep(time.Second) // on the bubble's clock
}

func TestChangedHealthIsRecorded(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe("web", []string{one, two}, time.Now())
		time.Sleep(time.Second)
		for _, said := range [][]lsapi.MemberHealth{
			{out(two), in(one)}, {in(one), out(two)}, {in(one), in(two)}, {in(one)}, nil,
		} {
			hear(s, saying(said))
		}
		wantTold(t, record, "health "+one+" InService "+two+" OutOfService", "health "+two+" InService")
		calls := record.calls()
		hear(s, saying([]lsapi.MemberHealth{in(one), in(two)}))
		if asked := record.calls() - calls; asked != 1 {
			t.Errorf("what is on record takes %d calls to see", asked)
		}
	})
}

func TestDrainedInstanceIsRecordedOnce(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		hear(s, saying([]lsapi.MemberHealth{in(one), in(two)}))
		if _, err := asked(s, lsapi.Detach, two, "a"); err != nil {
			t.Fatal(err)
		}
		hear(s, saying([]lsapi.MemberHealth{in(one), draining(two)}))
		hear(s, saying([]lsapi.MemberHealth{in(one)})) // nobody has asked about it
		hear(s, saying([]lsapi.MemberHealth{in(one)}, two, three))
		hear(s, saying([]lsapi.MemberHealth{in(one)}, two, three))
		wantTold(t, record, "health "+one+" InService "+two+" InService", "intended detach "+two, "completed detach "+two+" applied",
			"health "+two+" InService draining", "health "+two+" drained")
	})
}

// Of a terminated instance its load balancer says nothing, and lists it for a while.
func TestAbsentMemberIsNotDrained(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe("web", []string{one, two}, time.Now())
		hear(s, saying([]lsapi.MemberHealth{in(one), in(two)}))
		before := record.calls()
		for range 30 {
			hear(s, saying([]lsapi.MemberHealth{in(one)}, two))
		}
		if calls := record.calls() - before; calls > 30+3*5 {
			t.Errorf("30 reports took %d calls to the record", calls)
		}
		wantTold(t, record, "health "+one+" InService "+two+" InService")
		s.found.Observe("web", []string{one}, time.Now())
		time.Sleep(time.Second)
		hear(s, saying([]lsapi.MemberHealth{in(one)}, two))
		wantTold(t, record, "health "+one+" InService "+two+" InService", "observed + -"+two, "health "+two+" drained")
	})
}

func TestReportFromBeforeADetachProvesNoDraining(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
		early := saying(nil, one)
		time.Sleep(time.Millisecond)
		if _, err := asked(s, lsapi.Detach, one, "a"); err != nil {
			t.Fatal(err)
		}
		hear(s, early)
		wantTold(t, record, "health "+one+" InService", "intended detach "+one, "completed detach "+one+" applied")
		hear(s, saying(nil, one))
		if told := record.told(); told[len(told)-1] != "health "+one+" drained" {
			t.Errorf("the record says %q", told)
		}
	})
}

func TestRecordingHealthDelaysNoChange(t *testing.T) {
	took := make(map[bool]time.Duration)
	for _, news := range []bool{false, true} {
		aws, record := newFakeAWS(), newFakeRecord()
		record.wait = time.Second
		aws.run(one)
		hearing(t, aws, record, func(t *testing.T, s *service) {
			if news {
				s.found.ObserveHealth(saying([]lsapi.MemberHealth{in(two)}))
				time.Sleep(500 * time.Millisecond) // it waits for the lease
			}
			began := time.Now()
			if _, err := asked(s, lsapi.Attach, one, "a"); err != nil {
				t.Error(err)
			}
			took[news] = time.Since(began)
			synctest.Wait()
			if told := record.told(); news && (len(told) != 3 || told[2] != "health "+two+" InService") {
				t.Errorf("the record says %q", told)
			}
		})
	}
	if took[true] > took[false] {
		t.Errorf("a change takes %v, and %v while health is recorded", took[false], took[true])
	}
}

func TestUnrecordedHealthIsRecordedByTheNextReport(t *testing.T) {
	for _, op := range []string{"Health", "Take", "LaneState", "Append"} {
		t.Run(op, func(t *testing.T) {
			aws, record := newFakeAWS(one), newFakeRecord()
			hearing(t, aws, record, func(t *testing.T, s *service) {
				record.fails(func(asked string, events []lsapi.Event) error {
					if asked == op {
						return isAway(asked, events)
					}
					return nil
				})
				said := []lsapi.MemberHealth{in(one)}
				hear(s, saying(said))
				calls := record.calls()
				s.found.ObserveHealth(saying(said)) // at once it is not tried again
				synctest.Wait()
				if record.calls() != calls {
					t.Error("the record is asked again at once although it is away")
				}
				time.Sleep(2 * time.Second)
				hear(s, saying(said))
				wantTold(t, record)
				record.fails(nil)
				time.Sleep(2 * time.Second)
				hear(s, saying(said))
				wantTold(t, record, "health "+one+" InService")
			})
		})
	}
}

func TestHealthIsNotRecordedUnderALostLease(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "Append" {
				record.log("web").epoch++ // another process takes it now
			}
			return nil
		})
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
		wantTold(t, record)
		record.fails(nil)
		time.Sleep(2 * time.Second)
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
		wantTold(t, record, "health "+one+" InService")
	})
}

func TestReportsDuringAComparisonAreDroppedExceptTheLast(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var asked atomic.Int64
		s := newService(aws, membership.Options{Record: &healthRecord{record, func(ctx context.Context, name string) (map[string]lsapi.MemberHealth, error) {
			if asked.Add(1) == 1 {
				<-free
			}
			return record.Health(ctx, name)
		}}})
		for range 50 {
			s.found.ObserveHealth(saying([]lsapi.MemberHealth{out(one)}))
			time.Sleep(time.Millisecond)
		}
		s.found.ObserveHealth(saying([]lsapi.MemberHealth{in(one)}))
		close(free)
		synctest.Wait()
		if told := record.told(); asked.Load() > 5 || told[len(told)-1] != "health "+one+" InService" {
			t.Errorf("51 reports had the record read %d times, and it says %q", asked.Load(), told)
		}
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		asked.Store(0)
		s.found.ObserveHealth(saying([]lsapi.MemberHealth{out(one)}))
		synctest.Wait()
		if asked.Load() > 0 {
			t.Error("a Service that is closed reads the record")
		}
	})
}

// sharedRecord gives a lease to one at a time, as a record of several replicas does.
type sharedRecord struct {
	*fakeRecord
	lease chan struct{}
}

func (r *sharedRecord) Acquire(ctx context.Context, loadBalancer string) (lsapi.Lease, error) {
	select {
	case r.lease <- struct{}{}:
	case <-ctx.Done():
		return lsapi.Lease{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	r.takeOver()
	lease, err := r.fakeRecord.Acquire(ctx, loadBalancer)
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
		return errors.New("nobody has the lease")
	}
}

func TestSeveralReplicasRecordHealthOnce(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	record.wait = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		shared := &sharedRecord{record, make(chan struct{}, 1)}
		var replicas []*service
		for range 3 {
			replicas = append(replicas, listening(aws, shared))
		}
		tell := func(report lsapi.HealthReport) {
			var all sync.WaitGroup
			for _, s := range replicas {
				all.Go(func() { hear(s, report) })
			}
			all.Wait()
		}
		replicas[0].found.Observe("web", []string{one, two}, time.Now())
		time.Sleep(time.Second)
		tell(saying([]lsapi.MemberHealth{in(one), out(two)}))
		tell(saying([]lsapi.MemberHealth{in(one), in(two)}))
		if _, err := asked(replicas[1], lsapi.Detach, two, "a"); err != nil {
			t.Fatal(err)
		}
		tell(saying([]lsapi.MemberHealth{in(one), draining(two)}))
		tell(saying([]lsapi.MemberHealth{in(one)}, two))
		wantTold(t, record, "health "+one+" InService "+two+" OutOfService", "health "+two+" InService",
			"intended detach "+two, "completed detach "+two+" applied", "health "+two+" InService draining", "health "+two+" drained")
		for _, s := range replicas {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
}

// That health was recorded does not make the next look at the membership news.
func TestListingAfterRecordedHealthIsNoNews(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe("web", []string{one}, time.Now())
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
		calls := record.calls()
		for range 10 {
			s.found.Observe("web", []string{one}, time.Now())
			time.Sleep(time.Second)
		}
		if asked := record.calls() - calls; asked > 0 {
			t.Errorf("ten listings took %d calls to the record", asked)
		}
		if !slices.Contains(record.told(), "health "+one+" InService") {
			t.Errorf("the record says %q", record.told())
		}
	})
}

func TestReportOlderThanThePendingOneIsDropped(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var asked atomic.Int64
		s := newService(aws, membership.Options{Record: &healthRecord{record, func(ctx context.Context, name string) (map[string]lsapi.MemberHealth, error) {
			if asked.Add(1) == 1 {
				<-free
			}
			return record.Health(ctx, name)
		}}})
		s.found.ObserveHealth(saying([]lsapi.MemberHealth{out(one)}))
		older := saying([]lsapi.MemberHealth{draining(one)})
		time.Sleep(time.Second)
		s.found.ObserveHealth(saying([]lsapi.MemberHealth{in(one)}))
		s.found.ObserveHealth(older)
		close(free)
		synctest.Wait()
		if told := record.told(); told[len(told)-1] != "health "+one+" InService" {
			t.Errorf("the record says %q", told)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestUncomparedHealthReachesNoLane(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "Health" {
				return &lsapi.Error{Code: lsapi.CodeInternal}
			}
			return nil
		})
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
		if n := record.calls(); n != 1 {
			t.Errorf("it made %d calls to the record", n)
		}
		record.fails(nil)
	})
}

func TestHealthThatCannotBeReadUnderTheLeaseIsNotRecorded(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
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
		hear(s, saying(said))
		wantTold(t, record, "health "+one+" InService")
		hear(s, saying(said))
		wantTold(t, record, "health "+one+" InService", "health "+two+" OutOfService")
	})
}

func TestHealthAndDrainedOfOneReportAreRecorded(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		s.found.Observe("web", []string{one}, time.Now())
		hear(s, saying([]lsapi.MemberHealth{in(one), draining(two)}))
		hear(s, saying([]lsapi.MemberHealth{out(one)}, two))
		wantTold(t, record, "health "+one+" InService "+two+" InService draining", "health "+one+" OutOfService "+two+" drained")
	})
}

func TestUnknownMembershipHasNoDrainedInstances(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	hearing(t, aws, record, func(t *testing.T, s *service) {
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
		hear(s, saying(nil, one))
		wantTold(t, record, "health "+one+" InService")
	})
}

func TestDetachByAnotherReplicaIsRecordedAsDrained(t *testing.T) {
	aws, record := newFakeAWS(one, two), newFakeRecord()
	aws.run(one, two)
	synctest.Test(t, func(t *testing.T) {
		a, b := listening(aws, record), started(t, aws, record.replica(0))
		a.found.Observe("web", []string{one, two}, time.Now())
		hear(a, saying([]lsapi.MemberHealth{in(one), in(two)}))
		hear(a, saying([]lsapi.MemberHealth{in(one)}, two)) // still a member
		wantCode(t, change(b, lsapi.Detach, two), "")
		time.Sleep(15 * time.Second)
		hear(a, saying([]lsapi.MemberHealth{in(one)}, two))
		if told := record.told(); told[len(told)-1] != "health "+two+" drained" {
			t.Errorf("the record says %q", told)
		}
		for _, s := range []*service{a, b} {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
