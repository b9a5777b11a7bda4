package membership_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// unfinished adds an open change to the logs of n load balancers.
func unfinished(record *fakeRecord, n int) {
	for i := range n {
		open := elsewhere(lsapi.Attach, int64(i)).Change
		open.Outcome, open.Deadline = "", open.IntendedAt
		record.log(lsapi.ELB(fmt.Sprint("elb-", i))).add(lsapi.Event{Kind: lsapi.EventIntended, At: time.Now(), Change: open})
	}
}

func other(action lsapi.Action, member lsapi.MemberID, pool lsapi.PoolID) lsapi.Request {
	r := request(action, member)
	r.Pool = pool
	return r
}

func TestServiceBoundsItsLanes(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	record.wait = time.Second
	synctest.Test(t, func(t *testing.T) {
		unfinished(record, 3101)
		s := started(t, aws, record)
		synctest.Wait()
		if n := s.Stats().Lanes; n != 3100 {
			t.Errorf("there are %d lanes", n)
		}
		_, err := s.Change(t.Context(), other(lsapi.Attach, one, lsapi.ELB("one more")))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeThrottled)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFindingsStartAtMostHalfOfTheLanes(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	record.wait = time.Second
	synctest.Test(t, func(t *testing.T) {
		s := unstarted(aws, record)
		for i := range 1552 {
			s.found.Observe(lsapi.ELB(fmt.Sprint("elb-", i)), lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
			if i%100 == 0 {
				synctest.Wait() // only so many findings may be pending
			}
		}
		report := reportOf([]lsapi.MemberHealth{in(one)})
		report.Pool = lsapi.ELB("one more")
		s.found.ObserveHealth(report)
		synctest.Wait()
		if n := s.Stats().Lanes; n != 1550 {
			t.Errorf("readers have started %d lanes", n)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestStatsCountWaitingRequests(t *testing.T) {
	aws := newFakeAWS()
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		for range 2 { // the first request of each lane is in its round
			for pool, n := range map[lsapi.PoolID]int{lsapi.ELB("a"): 3, lsapi.ELB("b"): 1} {
				for range n {
					callers.Go(func() { _, _ = s.Change(t.Context(), other(lsapi.Attach, one, pool)) })
				}
			}
			synctest.Wait()
		}
		for range 20 { // in whatever order the lanes are counted
			got := s.Stats()
			if got.Lanes != 2 || got.Waiting < 4 || got.Deepest < 3 || got.Deepest >= got.Waiting {
				t.Fatalf("got %+v", got)
			}
		}
		callers.Wait()
	})
}

func TestUnrecordedWithdrawnChangesFillTheQueue(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	record.wait = 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		s := started(t, aws, record)
		record.fails(leasesAreUnavailable)
		var callers sync.WaitGroup
		for i := range 1000 {
			callers.Go(func() { _, _ = leaving(s, time.Second, lsapi.Attach, one, fmt.Sprint("left-", i)) })
		}
		callers.Wait()
		for full := range 100 { // while the lane waits for its next try
			if full == 99 {
				t.Fatal("the lane was never full")
			}
			time.Sleep(500 * time.Millisecond)
			_, err := leaving(s, time.Millisecond, lsapi.Attach, one, "one more")
			if lsapi.ErrorCode(err) == lsapi.CodeThrottled {
				break
			}
		}
		record.fails(nil)
		time.Sleep(time.Minute)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if !hasChange(record, "left-0") || !hasChange(record, "left-999") {
		t.Error("the record lacks withdrawn changes")
	}
}

func TestRecoveryLogsErrorsThatAreNoOutage(t *testing.T) {
	for code, want := range map[lsapi.Code]bool{lsapi.CodeUnavailable: false, lsapi.CodeInternal: true} {
		record := newFakeRecord()
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			s := newService(newFakeAWS(), membership.Options{Record: record, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			record.fails(func(string, []lsapi.Event) error { return &lsapi.Error{Code: code} })
			time.Sleep(5 * time.Second)
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if got := strings.Contains(log.String(), "cannot be looked for"); got != want {
				t.Errorf("%s is logged: %v", code, got)
			}
		})
	}
}

func TestClosingServiceStartsNoLane(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		time.Sleep(5 * time.Second)
		return apply()
	})
	synctest.Test(t, func(t *testing.T) {
		s := unstarted(aws, record)
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		time.Sleep(time.Second)
		callers.Go(func() {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		calls := record.calls()
		s.found.Observe(lsapi.ELB("other"), lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		synctest.Wait()
		if n := record.calls() - calls; n > 0 || s.Stats().Lanes != 1 {
			t.Errorf("it made %d calls to the record, and has %d lanes", n, s.Stats().Lanes)
		}
		wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeThrottled)
		began := time.Now()
		callers.Wait()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("closing took %v", took)
		}
	})
}

func TestCloseDoesNotWaitForTheOverlay(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "") // reads may miss it for a while
		synctest.Wait()
		began := time.Now()
		if err := s.Close(t.Context()); err != nil || time.Since(began) > 0 {
			t.Errorf("closing took %v: %v", time.Since(began), err)
		}
	})
}

// hangingRecord is a record whose LaneState and Unfinished take as long as their callers wait.
type hangingRecord struct {
	*fakeRecord
	slow atomic.Bool
}

func (r *hangingRecord) LaneState(ctx context.Context, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error) {
	if r.slow.Load() {
		<-ctx.Done()
		return lsapi.LaneState{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	return r.fakeRecord.LaneState(ctx, pool, within)
}

func (r *hangingRecord) Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error) {
	if r.slow.Load() {
		<-ctx.Done()
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	return r.fakeRecord.Unfinished(ctx, within)
}

func TestCloseDoesNotWaitForReadsOfTheRecordThatNoCallerNeeds(t *testing.T) {
	aws, record := newFakeAWS(one), &hangingRecord{fakeRecord: newFakeRecord()}
	synctest.Test(t, func(t *testing.T) {
		s := newService(aws, membership.Options{Record: record})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		record.slow.Store(true)
		refresh(s, aws)             // starts a lane
		time.Sleep(3 * time.Second) // the look for open changes hangs, too
		began := time.Now()
		if err := s.Close(t.Context()); err != nil || time.Since(began) > 0 {
			t.Errorf("closing took %v: %v", time.Since(began), err)
		}
	})
}
