package health_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

// recorded is a record that has these instances.
func recorded(ids ...lsapi.MemberID) onRecord {
	return func(context.Context) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
		known := make(map[lsapi.MemberID]lsapi.MemberHealth)
		for _, id := range ids {
			known[id] = lsapi.MemberHealth{Member: id, State: lsapi.InService}
		}
		return known, nil
	}
}

func instance(id lsapi.MemberID) []lsapi.Member {
	return []lsapi.Member{{ID: id, Instance: lsapi.Instance{ID: id.Instance}}}
}

func TestPollLooksUpDrainingInstancesOfEverySource(t *testing.T) {
	for name, test := range map[string]struct {
		recorded []lsapi.MemberID
		sign     func(t *testing.T, aws *fakeAWS, p *health.Poller) (end func())
	}{
		"a detach by lsapi": {nil, func(_ *testing.T, aws *fakeAWS, p *health.Poller) func() {
			aws.detach(two, true)
			p.Detached(web, instance(two))
			return func() {}
		}},
		"the record": {[]lsapi.MemberID{one, two}, func(_ *testing.T, aws *fakeAWS, _ *health.Poller) func() {
			aws.detach(two, true)
			return func() {}
		}},
		"an earlier poll": {nil, func(t *testing.T, aws *fakeAWS, p *health.Poller) func() {
			f := p.Follow(web)
			next(t, f, time.Now().Add(-1))
			aws.detach(two, true)
			return f.Close
		}},
		"a follower of its drain": {nil, func(_ *testing.T, aws *fakeAWS, p *health.Poller) func() {
			aws.detach(two, true)
			return p.FollowDrain(web, two, time.Time{}, 0).Close
		}},
	} {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(web)
			aws.members[web][two] = lsapi.InService
			inBubble(t, health.Options{AWS: aws, Record: recorded(test.recorded...)}, func(t *testing.T, p *health.Poller) {
				end := test.sign(t, aws, p)
				f := follow(t, p, web)
				report := next(t, f, time.Now())
				if said(report, one) != "InService" || said(report, two) != "draining" {
					t.Fatalf("the report is %+v", report)
				}
				end() // from now on it is known
				for range 5 {
					report = next(t, f, report.AsOf)
				}
				if said(report, two) != "draining" || len(report.Members) != 2 {
					t.Errorf("the report is %+v", report)
				}
				aws.detach(two, false)
				if report = next(t, f, time.Now()); said(report, two) != "silent" || said(report, one) != "InService" {
					t.Errorf("when it is drained, the report is %+v", report)
				}
				if asked := aws.asked(web, true); slices.ContainsFunc(asked, func(c call) bool { return !slices.Equal(c.ids, []lsapi.MemberID{two}) }) {
					t.Errorf("asked about %+v", asked)
				}
				aws.forget()
				for range 10 {
					report = next(t, f, report.AsOf)
				}
				if asked := aws.asked(web, true); len(asked) > 0 {
					t.Errorf("it is asked about %d times more", len(asked))
				}
			})
		})
	}
}

func TestDrainIsNotLookedUpBeforeItCanHaveEnded(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		detached := time.Now()
		aws.detach(two, true)
		p.Detached(web, instance(two))
		var followers []*health.Follower
		for range 100 {
			f := p.FollowDrain(web, two, detached, time.Minute)
			t.Cleanup(f.Close)
			followers = append(followers, f)
		}
		next(t, followers[0], detached)
		if first := aws.asked(web, false)[0].at.Sub(detached); first != time.Second {
			t.Errorf("the first poll was %v after the detach", first)
		}
		time.Sleep(20 * time.Second)
		aws.detach(two, false)
		ended := time.Now()
		for report := next(t, followers[99], ended); said(report, two) != "silent"; {
			t.Errorf("it is %s", said(report, two))
			report = next(t, followers[99], report.AsOf)
		}
		if took := time.Since(ended); took > 2*time.Second+2*aws.latency {
			t.Errorf("it is reported %v after it was so", took)
		}
		if polls := aws.polls(web); polls > 12 {
			t.Errorf("it took %d polls", polls)
		}
	})
}

// Clocks are set back, and those of replicas differ: a detach that the record has in the
// future must not keep a drain from being asked about until then.
func TestDrainOfTheFutureIsLookedUpSoon(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		aws.detach(two, false)
		began := time.Now()
		f := p.FollowDrain(web, two, began.Add(time.Hour), time.Minute)
		defer f.Close()
		if report := next(t, f, began); said(report, two) != "silent" || time.Since(began) > 3*time.Second {
			t.Errorf("after %v the report is %+v", time.Since(began), report)
		}
	})
}

func TestReattachedInstanceIsNotDrained(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		aws.detach(two, true)
		p.Detached(web, instance(two))
		f := p.FollowDrain(web, two, time.Now(), time.Minute)
		defer f.Close()
		next(t, f, time.Now())
		aws.change(func() { aws.members[web][two] = lsapi.OutOfService })
		if report := next(t, f, time.Now()); said(report, two) != "OutOfService" || len(report.Absent) > 0 {
			t.Errorf("the report is %+v", report)
		}
	})
}

// A terminated instance is listed as a member for a while, but nothing is said of
// it: that is not asked for with each poll.
func TestAbsenceIsKeptForAWhile(t *testing.T) {
	aws := newFakeAWS(web)
	aws.members[web][two] = lsapi.InService
	aws.mute[two] = true
	inBubble(t, health.Options{AWS: aws, Record: recorded(one, two)}, func(t *testing.T, p *health.Poller) {
		f := follow(t, p, web)
		report := next(t, f, time.Now().Add(-1))
		for range 25 {
			if said(report, two) != "silent" {
				t.Errorf("the report is %+v", report)
			}
			report = next(t, f, report.AsOf)
		}
		if asked := aws.asked(web, true); len(asked) != 1 {
			t.Errorf("it was asked about %d times", len(asked))
		}
		aws.detach(two, true)
		p.Detached(web, instance(two))
		if report = next(t, f, time.Now()); said(report, two) != "draining" {
			t.Errorf("once it is detached, the report is %+v", report)
		}
	})
}

func TestAbsenceExpires(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws, Record: recorded(one, two)}, func(t *testing.T, p *health.Poller) {
		f := follow(t, p, web)
		next(t, f, time.Now())
		time.Sleep(2*time.Minute + 10*time.Second)
		if asked := aws.asked(web, true); len(asked) != 3 {
			t.Errorf("in two minutes it was asked about %d times", len(asked))
		}
	})
}

// A wait for a member to serve ends although lookups of draining instances fail; waits
// for these go on.
func TestReportHasTheMembersAlthoughLookupsFail(t *testing.T) {
	aws := newFakeAWS(web)
	aws.detach(two, false)
	aws.fail = func(ids []lsapi.MemberID) error {
		if ids != nil {
			return lsapi.Errorf(lsapi.CodeInvalid, "Could not find EC2 instance")
		}
		return nil
	}
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		p.Detached(web, instance(two))
		f := follow(t, p, web)
		drain := p.FollowDrain(web, two, time.Now(), time.Minute)
		defer drain.Close()
		report := next(t, f, time.Now().Add(-1))
		if said(report, one) != "InService" || said(report, two) != "unknown" {
			t.Errorf("the report is %+v", report)
		}
		if got := code(t, drain, time.Minute); got != lsapi.CodeTimeout {
			t.Errorf("the drain follower gets %q", got)
		}
		aws.change(func() { aws.fail = nil })
		if report := next(t, drain, time.Now()); said(report, two) != "silent" {
			t.Errorf("the report is %+v", report)
		}
	})
}

func TestNextPollRepeatsAFailedLookup(t *testing.T) {
	aws := newFakeAWS(web)
	aws.members[web][two] = lsapi.InService
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		f := follow(t, p, web)
		report := next(t, f, time.Now().Add(-1))
		aws.detach(two, true)
		aws.change(func() {
			aws.fail = func(ids []lsapi.MemberID) error {
				if ids != nil {
					return lsapi.Errorf(lsapi.CodeUpstream, "no")
				}
				return nil
			}
		})
		for range 2 {
			if report = next(t, f, report.AsOf); said(report, two) != "unknown" {
				t.Errorf("the report is %+v", report)
			}
		}
		aws.change(func() { aws.fail = nil })
		if report = next(t, f, report.AsOf); said(report, two) != "draining" {
			t.Errorf("the report is %+v", report)
		}
	})
}

// While a poll asks, the instance may be detached: it is asked about by the next.
func TestDetachDuringAPollIsNotItsEnd(t *testing.T) {
	aws := newFakeAWS(web)
	aws.latency = time.Second
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		p.Detached(web, instance(two)) // of before
		f := follow(t, p, web)
		time.Sleep(1500 * time.Millisecond) // it is asked about by its id now
		aws.detach(three, true)
		p.Detached(web, instance(three))
		p.Detached(web, instance(two))
		report := next(t, f, time.Time{})
		if said(report, two) != "silent" || said(report, three) != "unknown" {
			t.Errorf("the report is %+v", report)
		}
		aws.detach(two, true)
		if report = next(t, f, report.AsOf); said(report, two) != "draining" || said(report, three) != "draining" {
			t.Errorf("the next report is %+v", report)
		}
	})
}

func TestUnavailableRecordDelaysNoPoll(t *testing.T) {
	aws := newFakeAWS(web)
	away := func(ctx context.Context) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	inBubble(t, health.Options{AWS: aws, Record: onRecord(away)}, func(t *testing.T, p *health.Poller) {
		f := follow(t, p, web)
		began := time.Now()
		if report := next(t, f, began.Add(-1)); said(report, one) != "InService" || time.Since(began) > time.Second {
			t.Errorf("after %v the report is %+v", time.Since(began), report)
		}
	})
}

// Callers can wait for instances that were never members. However many, they take a few
// requests of each poll, and delay no wait for a real drain.
func TestUnknownInstancesAreLookedUpAFewPerPollAndOnce(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws, PerSecond: func() float64 { return 1000 }}, func(t *testing.T, p *health.Poller) {
		aws.detach(two, true)
		p.Detached(web, instance(two))
		drain := p.FollowDrain(web, two, time.Time{}, 0)
		defer drain.Close()
		const unknownInstances = 100
		var done sync.WaitGroup
		for n := range unknownInstances {
			f := p.FollowDrain(web, lsapi.InstanceMember(fmt.Sprintf("i-%08x", 0xbad000+n)), time.Time{}, 0)
			done.Go(func() {
				defer f.Close()
				next(t, f, time.Time{})
			})
		}
		report := next(t, drain, time.Now())
		if said(report, two) != "draining" {
			t.Fatalf("the report is %+v", report)
		}
		aws.detach(two, false)
		if report = next(t, drain, report.AsOf); said(report, two) != "silent" {
			t.Errorf("the next report is %+v", report)
		}
		done.Wait()
		if asked, polls := len(aws.asked(web, true)), aws.polls(web); asked > unknownInstances+polls || polls < unknownInstances/4 {
			t.Errorf("%d unknownInstances took %d lookups in %d polls", unknownInstances, asked, polls)
		}
		again := p.FollowDrain(web, lsapi.InstanceMember("i-00bad000"), time.Time{}, 0)
		defer again.Close()
		asked := len(aws.asked(web, true))
		if report = next(t, again, time.Now()); said(report, lsapi.InstanceMember("i-00bad000")) != "silent" || len(aws.asked(web, true)) > asked {
			t.Errorf("one that was asked about is %q, and asked about %d times more", said(report, lsapi.InstanceMember("i-00bad000")), len(aws.asked(web, true))-asked)
		}
	})
}

// One answer for a target group has its members and those that drain.
func TestWholeReportShowsDrainsWithoutLookups(t *testing.T) {
	aws := newFakeAWS(web)
	aws.whole = true
	aws.members[web][two] = lsapi.InService
	inBubble(t, health.Options{AWS: aws, Record: recorded(one, two, three)}, func(t *testing.T, p *health.Poller) {
		aws.detach(two, true)
		p.Detached(web, instance(two))
		f := p.FollowDrain(web, two, time.Now(), 0)
		defer f.Close()
		report := next(t, f, time.Now())
		if !report.Whole || report.Incarnation != incarnation || said(report, two) != "draining" || report.IsAbsent(two) || !report.IsAbsent(three) {
			t.Errorf("while it drains, the report is %+v", report)
		}
		if found := p.Draining(two.Instance); len(found) != 1 || found[0].ID != two {
			t.Errorf("while it drains, %v may be draining", found)
		}
		aws.detach(two, false)
		if report = next(t, f, time.Now()); !report.IsAbsent(two) {
			t.Errorf("when it is drained, the report is %+v", report)
		}
		if found := p.Draining(two.Instance); len(found) != 0 {
			t.Errorf("when it is drained, %v may be draining", found)
		}
		for _, call := range aws.calls {
			if call.ids != nil {
				t.Errorf("AWS was called for %v", call.ids)
			}
		}
	})
}
