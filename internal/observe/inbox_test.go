package observe

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lsapi"
	"lsapi/internal/overlay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// web is the load balancer of most tests.
var web = lsapi.ELB("web")

var (
	one = lsapi.InstanceMember("i-00000001")
	two = lsapi.InstanceMember("i-00000002")
)

// fakeRecord has the health of "web" on record.
type fakeRecord struct {
	known map[lsapi.MemberID]lsapi.MemberHealth
	err   error
	reads atomic.Int64
	hangs chan struct{} // until closed; nil is closed
}

func (f *fakeRecord) Health(context.Context, lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
	f.reads.Add(1)
	if f.hangs != nil {
		<-f.hangs
	}
	return f.known, f.err
}

// world is an Inbox with the load balancers whose lanes it notified.
type world struct {
	*Inbox
	recent *overlay.Overlay
	record *fakeRecord
	woken  []lsapi.PoolID
}

// inBubble runs a test on a clock of its own, with an Inbox that is closed at the end.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{recent: overlay.New(overlay.DefaultWindow), record: &fakeRecord{}}
		w.Inbox = New(w.recent, w.record, nil)
		w.Notify(func(pool lsapi.PoolID) { w.woken = append(w.woken, pool) })
		test(t, w)
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// wantPending takes the findings of "web" and checks which there are.
func (w *world) wantPending(t *testing.T, members, health bool) Pending {
	t.Helper()
	synctest.Wait()
	p := w.Take(web)
	if (len(p.Members) > 0) != members || (p.Health != nil) != health {
		t.Fatalf("the findings are %+v, want members %v, health %v", p, members, health)
	}
	return p
}

// record takes the observation of "web" as its lane does.
func (w *world) recordOf(t *testing.T, seq int64) {
	t.Helper()
	p := w.wantPending(t, true, false)
	w.Forget(web)
	w.Recorded(web, p.Members[0], lsapi.ChainEnd{Seq: seq}, time.Time{})
}

func TestObservationIsPendingUntilItIsOnRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 2 {
			w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		}
		if len(w.woken) != 2 {
			t.Errorf("the lane was notified %d times", len(w.woken))
		}
		w.recordOf(t, 1)
		time.Sleep(time.Second)
		w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		w.wantPending(t, false, false)
		if got := w.LastRead(web, lsapi.ChainEnd{Seq: 1}); !got.Equal(time.Now()) {
			t.Errorf("the last read began at %v", got)
		}
		if got := w.LastRead(web, lsapi.ChainEnd{Seq: 2}); !got.IsZero() {
			t.Errorf("a read counts for a log that has moved on: %v", got)
		}
		w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{two}}, time.Now())
		w.wantPending(t, true, false)
	})
}

func TestLastTwoDifferentObservationsArePending(t *testing.T) {
	for found, want := range map[string]string{"a": "a", "aa": "a", "ab": "ab", "abb": "ab", "aab": "ab", "abc": "bc", "aba": "ba"} {
		inBubble(t, func(t *testing.T, w *world) {
			for _, id := range found {
				time.Sleep(time.Second)
				w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{lsapi.InstanceMember(string(id))}}, time.Now())
			}
			p, got := w.wantPending(t, true, false), ""
			for _, o := range p.Members {
				got += o.IDs[0].String()
			}
			if last := p.Members[len(p.Members)-1]; got != want || !last.Began.Equal(time.Now()) {
				t.Errorf("after %q, %q are pending, the last from %v", found, got, last.Began)
			}
		})
	}
}

func TestUnknownIncarnationIsNoNews(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		read := func(incarnation string) {
			time.Sleep(time.Second)
			w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}, Incarnation: incarnation}, time.Now())
		}
		read("a")
		read("") // while the first is pending
		p := w.wantPending(t, true, false)
		if o := p.Members[0]; len(p.Members) != 1 || o.Incarnation != "a" || !o.Began.Equal(time.Now()) {
			t.Errorf("the findings are %+v", p)
		}
		w.Recorded(web, p.Members[0], lsapi.ChainEnd{}, time.Time{})
		read("")
		w.wantPending(t, false, false)
		read("b")
		w.wantPending(t, true, false)
	})
}

func TestObservationMovesOnWithTheLog(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.Observe(web, lsapi.PoolRead{}, time.Now())
		w.recordOf(t, 1)
		w.Advance(web, lsapi.ChainEnd{Seq: 7}, lsapi.ChainEnd{Seq: 8})
		w.Advance(web, lsapi.ChainEnd{Seq: 1}, lsapi.ChainEnd{Seq: 2})
		if w.LastRead(web, lsapi.ChainEnd{Seq: 2}).IsZero() || !w.LastRead(web, lsapi.ChainEnd{Seq: 8}).IsZero() {
			t.Error("the read counts for another end of the log")
		}
		w.Forget(web)
		w.Advance(web, lsapi.ChainEnd{}, lsapi.ChainEnd{Seq: 3})
		w.Observe(web, lsapi.PoolRead{}, time.Now())
		w.wantPending(t, true, false)
	})
}

func TestObservationUnderAnExpiredChangeIsNews(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		change := lsapi.Change{ID: "a", Action: lsapi.Attach, Member: two}
		w.recent.Apply(web, []lsapi.AppliedChange{{Change: change, At: time.Now()}})
		w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		w.recordOf(t, 1)
		w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		w.wantPending(t, false, false)
		time.Sleep(overlay.DefaultWindow)
		w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now()) // AWS still does not show it
		w.wantPending(t, true, false)
	})
}

func TestOlderObservationThanTheLastLookIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		o := Observation{Began: time.Now()}
		w.Recorded(web, o, lsapi.ChainEnd{Seq: 1}, o.Began.Add(1))
		if got := w.LastRead(web, lsapi.ChainEnd{Seq: 1}); !got.IsZero() {
			t.Errorf("it counts as a read of %v", got)
		}
	})
}

func TestDeletionIsRetriedUntilItIsOnRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.recent.Apply(web, []lsapi.AppliedChange{{Change: lsapi.Change{Action: lsapi.Attach, Member: one}, At: time.Now()}})
		time.Sleep(time.Second)
		w.BackOff(lsapi.Errorf(lsapi.CodeUnavailable, "the record is unavailable"))
		w.ObserveGone(web, time.Now())
		if got := w.recent.Over(web, nil, time.Now()); len(got) > 0 {
			t.Errorf("a new load balancer has the members %v", got)
		}
		w.RetryGone()
		w.wantPending(t, false, false)
		time.Sleep(pause)
		w.RetryGone()
		p := w.wantPending(t, true, false)
		w.RetryGone() // the lane could not record it
		w.wantPending(t, true, false)
		w.Recorded(web, p.Members[0], lsapi.ChainEnd{}, time.Time{})
		w.RetryGone()
		w.wantPending(t, false, false)
		if len(w.gone)+len(w.last)+len(w.pending) > 0 {
			t.Errorf("it keeps %v, %v and %v", w.gone, w.last, w.pending)
		}
	})
}

func TestDeletionIsForgottenWhenALaterReadFindsTheLoadBalancer(t *testing.T) {
	for after, want := range map[time.Duration]int{-time.Second: 1, time.Second: 0} {
		inBubble(t, func(t *testing.T, w *world) {
			began := time.Now()
			w.ObserveGone(web, began)
			w.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, began.Add(after))
			if len(w.gone) != want {
				t.Errorf("after a read %v later, %v are gone", after, w.gone)
			}
		})
	}
}

func TestUnavailableRecordIsLeftAlone(t *testing.T) {
	for code, want := range map[lsapi.Code]bool{lsapi.CodeUnavailable: false, lsapi.CodeInternal: true} {
		inBubble(t, func(t *testing.T, w *world) {
			w.BackOff(&lsapi.Error{Code: code})
			w.Observe(web, lsapi.PoolRead{}, time.Now())
			w.ObserveHealth(lsapi.HealthReport{Pool: web, AsOf: time.Now()})
			w.wantPending(t, want, false)
			if (w.record.reads.Load() > 0) != want {
				t.Errorf("after %q the record was read %d times", code, w.record.reads.Load())
			}
		})
	}
}

func TestFindingsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for i := range maxPending + 2 {
			w.Observe(lsapi.ELB(fmt.Sprint("elb-", i)), lsapi.PoolRead{}, time.Now())
		}
		w.Observe(lsapi.ELB("elb-0"), lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
		if len(w.pending) != maxPending || len(w.woken) != maxPending+1 {
			t.Errorf("%d findings are pending, after %d notifications", len(w.pending), len(w.woken))
		}
	})
}

func TestClosedInboxTakesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Observe(web, lsapi.PoolRead{}, time.Now())
		w.ObserveHealth(lsapi.HealthReport{Pool: web, AsOf: time.Now()})
		w.wantPending(t, false, false)
		if w.record.reads.Load() > 0 || len(w.woken) > 0 {
			t.Errorf("the record was read %d times, and %q were notified", w.record.reads.Load(), w.woken)
		}
	})
}

func TestReportReachesTheLaneIfItDiffersFromTheRecord(t *testing.T) {
	in := lsapi.MemberHealth{Member: one, State: lsapi.InService}
	for name, test := range map[string]struct {
		report lsapi.HealthReport
		want   bool
	}{
		"as on record":    {lsapi.HealthReport{Members: []lsapi.MemberHealth{in}}, false},
		"another state":   {lsapi.HealthReport{Members: []lsapi.MemberHealth{{Member: one, State: lsapi.OutOfService}}}, true},
		"a new member":    {lsapi.HealthReport{Members: []lsapi.MemberHealth{in, {Member: two}}}, true},
		"an absent one":   {lsapi.HealthReport{Absent: []lsapi.MemberID{one}}, true},
		"a stranger":      {lsapi.HealthReport{Absent: []lsapi.MemberID{two}}, false},
		"not asked about": {lsapi.HealthReport{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.record.known = map[lsapi.MemberID]lsapi.MemberHealth{one: in}
				test.report.Pool, test.report.AsOf = web, time.Now()
				w.ObserveHealth(test.report)
				w.wantPending(t, false, test.want)
			})
		})
	}
}

func TestAbsentMemberIsNotReportedAgainForAWhile(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.record.known = map[lsapi.MemberID]lsapi.MemberHealth{one: {Member: one}}
		observe := func(want bool) {
			t.Helper()
			w.ObserveHealth(lsapi.HealthReport{Pool: web, Absent: []lsapi.MemberID{one}, AsOf: time.Now()})
			w.wantPending(t, false, want)
		}
		observe(true)
		w.KeepStale(web, map[lsapi.MemberID]bool{one: true})
		observe(false)
		time.Sleep(staleLifetime + 1)
		observe(true)
		w.KeepStale(web, map[lsapi.MemberID]bool{one: true})
		w.Forget(web)
		observe(true)
		w.KeepStale(web, map[lsapi.MemberID]bool{one: true})
		w.KeepStale(web, nil)
		observe(true)
	})
}

func TestOnlyTheLatestReportIsComparedAfterASlowOne(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.record.hangs = make(chan struct{})
		report := func(state lsapi.HealthState) lsapi.HealthReport {
			return lsapi.HealthReport{Pool: web, Members: []lsapi.MemberHealth{{Member: one, State: state}}, AsOf: time.Now()}
		}
		for range 50 {
			w.ObserveHealth(report(lsapi.OutOfService))
			time.Sleep(time.Millisecond)
		}
		older := report(lsapi.OutOfService)
		time.Sleep(time.Millisecond)
		w.ObserveHealth(report(lsapi.InService))
		w.ObserveHealth(older)
		close(w.record.hangs)
		p := w.wantPending(t, false, true)
		if w.record.reads.Load() != 2 || p.Health.Members[0].State != lsapi.InService {
			t.Errorf("after %d reads of the record the report is %+v", w.record.reads.Load(), p.Health)
		}
	})
}

func TestComparisonsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.record.hangs = make(chan struct{})
		for i := range maxComparisons + 2 {
			w.ObserveHealth(lsapi.HealthReport{Pool: lsapi.ELB(fmt.Sprint("elb-", i)), AsOf: time.Now()})
		}
		synctest.Wait()
		if w.record.reads.Load() != maxComparisons {
			t.Errorf("the health of %d load balancers is compared at once", w.record.reads.Load())
		}
		close(w.record.hangs)
	})
}
