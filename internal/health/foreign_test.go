package health_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

// foreign is a replica whose reports are all those of another one.
type foreign struct {
	b   *board
	aws *fakeAWS
	p   *health.Poller

	mu       sync.Mutex
	recorded []lsapi.HealthReport
}

func withForeignReports(t *testing.T, test func(t *testing.T, f *foreign)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &foreign{b: new(board), aws: newFakeAWS(lsapi.ELB("web"))}
		f.p = newPoller(health.Options{AWS: f.aws, Replicas: f.b.replica(), Observer: observe(func(r lsapi.HealthReport) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.recorded = append(f.recorded, r)
		})})
		f.leave(time.Now().Add(1000 * time.Hour))
		f.p.Start()
		test(t, f)
		if err := f.p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// leave makes the right to poll the other replica's until then.
func (f *foreign) leave(until time.Time) {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	f.b.claimed[web] = until
}

// publish shows a report of the other replica that was asked for now.
func (f *foreign) publish(t *testing.T, members ...lsapi.MemberHealth) {
	t.Helper()
	report := lsapi.HealthReport{Pool: web, Members: members, AsOf: time.Now()}
	if err := f.b.replica().PublishHealth(t.Context(), report); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

// check waits for the first report after one, and for what it says of the second
// instance, after so many lookups by id in all.
func (f *foreign) check(t *testing.T, w *health.Follower, after time.Time, want string, asked int) {
	t.Helper()
	if report := next(t, w, after); said(report, two) != want {
		t.Errorf("the second instance is %s, want %s: %+v", said(report, two), want, report)
	}
	if got := len(f.aws.asked(web, true)); got != asked {
		t.Errorf("there were %d lookups, want %d", got, asked)
	}
}

var (
	serving  = lsapi.MemberHealth{Member: one, State: lsapi.InService}
	returned = lsapi.MemberHealth{Member: two, State: lsapi.OutOfService}
	draining = lsapi.MemberHealth{Member: two, State: lsapi.InService, Draining: true}
)

func TestDrainIsLookedUpAtOnceAfterAForeignReport(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		w := f.p.FollowDrain(web, two, time.Now().Add(-time.Minute), 0)
		defer w.Close()
		time.Sleep(time.Second)
		after := time.Now()
		time.Sleep(time.Millisecond)
		f.publish(t, serving)
		published := time.Now()
		f.check(t, w, after, "silent", 1)
		if took := time.Since(published); took != f.aws.latency {
			t.Errorf("it took %v", took)
		}
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.recorded) != 1 || said(f.recorded[0], two) != "silent" {
			t.Errorf("to be recorded there are %+v", f.recorded)
		}
	})
}

// What the load balancer does not report is not asked again for a while.
func TestForeignReportsGainOurAbsences(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		w := f.p.FollowDrain(web, two, time.Now().Add(-time.Minute), 0)
		defer w.Close()
		step := func(want string, asked int, members ...lsapi.MemberHealth) {
			t.Helper()
			after := time.Now()
			time.Sleep(time.Second)
			f.publish(t, members...)
			f.check(t, w, after, want, asked)
		}
		step("silent", 1, serving)
		step("silent", 1, serving)
		step("OutOfService", 1, serving, returned)
		step("silent", 2, serving) // it is another detach that is waited for now
		step("silent", 2, serving)
		f.p.Detached(web, instance(two)) // it was attached meanwhile
		f.aws.detach(two, true)
		step("draining", 3, serving)
		step("draining", 3, serving, draining)
	})
}

func TestForeignReportIsCompletedOnce(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		w := f.p.FollowDrain(web, two, time.Now().Add(-time.Minute), 0)
		defer w.Close()
		f.aws.change(func() { f.aws.fail = func([]lsapi.MemberID) error { return lsapi.Errorf(lsapi.CodeUpstream, "no") } })
		time.Sleep(time.Second)
		f.publish(t, serving)
		time.Sleep(time.Minute)
		if asked := len(f.aws.asked(web, true)); asked != 1 || f.p.Stats().Failures != 1 {
			t.Errorf("it was asked about %d times, and the state is %+v", asked, f.p.Stats())
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.recorded) > 0 {
			t.Errorf("to be recorded there are %+v", f.recorded)
		}
	})
}

// A report that was asked for before a waiter came says nothing to it: nothing is asked
// because of it.
func TestForeignReportOlderThanAFollowerIsNotCompleted(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		defer f.p.Follow(web).Close()
		time.Sleep(time.Second)
		f.publish(t, serving)
		time.Sleep(time.Millisecond)
		old := f.p.FollowDrain(web, two, time.Now().Add(-time.Minute), 0)
		defer old.Close()
		time.Sleep(time.Second)
		if got := f.aws.requests(); got > 0 {
			t.Errorf("there are %d requests", got)
		}
		after := time.Now()
		f.publish(t, serving)
		young := f.p.FollowDrain(web, two, time.Now().Add(-time.Minute), 0)
		defer young.Close()
		f.check(t, old, after.Add(-1), "silent", 1)
	})
}

// A poll's report does not replace one that was asked for later.
func TestReportsDoNotRunBackwards(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		f.aws.latency = 3 * time.Second
		f.leave(time.Time{})
		w := f.p.Follow(web)
		defer w.Close()
		time.Sleep(2 * time.Second)
		asked := time.Now()
		f.publish(t, serving, returned)
		time.Sleep(4500 * time.Millisecond) // the poll here has ended, with the lookup for the former follower
		report, err := f.p.Recent(t.Context(), web, time.Minute)
		if err != nil || report.AsOf.Before(asked) || said(report, two) != "OutOfService" {
			t.Errorf("got %+v, %v", report, err)
		}
	})
}

// A report of another replica counts as a poll: nothing is asked for before the next is
// due.
func TestForeignReportPutsOffTheNextPoll(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		w := f.p.Follow(web)
		defer w.Close()
		time.Sleep(time.Minute)
		f.publish(t, serving)
		f.b.mu.Lock()
		claims := f.b.claims
		f.b.mu.Unlock()
		time.Sleep(1900 * time.Millisecond)
		f.b.mu.Lock()
		defer f.b.mu.Unlock()
		if f.b.claims != claims {
			t.Errorf("the right to poll was asked for %d times", f.b.claims-claims)
		}
	})
}

func TestForeignReportsFollowEachOtherWithoutAPause(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		w := f.p.Follow(web)
		defer w.Close()
		for range 5 {
			time.Sleep(10 * time.Millisecond)
			after := time.Now()
			time.Sleep(10 * time.Millisecond)
			f.publish(t, serving)
			published := time.Now()
			next(t, w, after)
			if took := time.Since(published); took > 0 {
				t.Errorf("it took %v", took)
			}
		}
	})
}

// A drain of which another replica's poll reported is remembered when its report is not
// kept any more, until the load balancer says that it is over.
func TestDrainOfAForeignReportIsRemembered(t *testing.T) {
	for name, test := range map[string]struct {
		later []lsapi.MemberHealth
		want  string
		asked int
	}{
		"going on":       {[]lsapi.MemberHealth{serving, draining}, "draining", 1},
		"attached again": {[]lsapi.MemberHealth{serving, returned}, "unknown", 0},
	} {
		t.Run(name, func(t *testing.T) {
			withForeignReports(t, func(t *testing.T, f *foreign) {
				f.aws.detach(two, true)
				w := f.p.Follow(web)
				time.Sleep(time.Second)
				f.publish(t, serving, draining)
				time.Sleep(time.Second)
				f.publish(t, test.later...)
				w.Close()
				time.Sleep(5 * time.Minute)
				f.leave(time.Time{})
				w = f.p.Follow(web)
				defer w.Close()
				f.check(t, w, time.Now().Add(-1), test.want, test.asked)
			})
		})
	}
}

// Whoever is attached again after its drain is not reported as absent and as a member
// both.
func TestReportNamesAnInstanceOnce(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		p.Detached(web, instance(two))
		f := follow(t, p, web)
		report := next(t, f, time.Time{})
		if said(report, two) != "silent" {
			t.Fatalf("the report is %+v", report)
		}
		aws.change(func() { aws.members[web][two] = lsapi.OutOfService })
		if report = next(t, f, report.AsOf); said(report, two) != "OutOfService" || len(report.Absent) > 0 {
			t.Errorf("the report is %+v", report)
		}
	})
}

// Of several callers that need a poll at the same time, the one with the shortest interval
// decides whether another replica's is enough.
func TestClaimIsForTheShortestInterval(t *testing.T) {
	aws := newFakeAWS(web)
	inReplicas(t, aws, 1, func(t *testing.T, b *board, pollers []*health.Poller) {
		p := pollers[0]
		if _, err := p.Recent(t.Context(), web, 0); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		b.mu.Lock()
		b.claimed[web] = time.Now() // by one that has died since
		b.mu.Unlock()
		began := time.Now()
		var done sync.WaitGroup
		for i := range 50 {
			done.Go(func() {
				if _, err := p.Recent(t.Context(), web, time.Duration(i)*100*time.Millisecond); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if took := time.Since(began); took != aws.latency {
			t.Errorf("it took %v", took)
		}
	})
}

// A process that is refused the right to poll asks again a few times in an interval.
func TestRefusedClaimPauses(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		defer f.p.Watch(web)()
		time.Sleep(time.Minute)
		f.b.mu.Lock()
		defer f.b.mu.Unlock()
		if f.b.claims > 25 || f.b.claims < 20 {
			t.Errorf("it asked %d times in a minute", f.b.claims)
		}
	})
}

func TestForeignReportIsCompletedInOrder(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		f.aws.detach(two, true)
		var waiters []*health.Follower
		ids := []lsapi.MemberID{two, lsapi.InstanceMember("i-0000000d"), lsapi.InstanceMember("i-0000000a"), lsapi.InstanceMember("i-0000000c")}
		for _, id := range ids {
			w := f.p.FollowDrain(web, id, time.Now().Add(-time.Minute), 0)
			t.Cleanup(w.Close)
			waiters = append(waiters, w)
		}
		last := lsapi.MemberHealth{Member: three, State: lsapi.InService}
		for range 5 {
			after := time.Now()
			time.Sleep(time.Second)
			f.publish(t, serving, last)
			for i, w := range waiters {
				report := next(t, w, after)
				if len(report.Members) == 3 && report.Members[1].Member != two || !slices.IsSortedFunc(report.Absent, lsapi.MemberID.Compare) {
					t.Errorf("the report is %+v", report)
				}
				want := "silent"
				if i == 0 {
					want = "draining"
				}
				if said(report, ids[i]) != want {
					t.Errorf("%s is %s, want %s", ids[i], said(report, ids[i]), want)
				}
			}
			f.publish(t, serving, draining, last) // so that it is not asked about again
		}
	})
}

// A report of a load balancer that there is no room for is passed over.
func TestForeignReportBeyondTheBoundIsIgnored(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		f.aws.latency = time.Hour
		for _, pool := range manyNames(3100) {
			follow(t, f.p, pool)
		}
		f.publish(t, serving)
		if got := code(t, follow(t, f.p, web), time.Second); got != lsapi.CodeThrottled {
			t.Errorf("its follower gets %q", got)
		}
	})
}
