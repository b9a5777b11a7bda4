package health_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

func TestReportIsSorted(t *testing.T) {
	aws := newFakeAWS(web)
	for n := range 20 {
		id := fmt.Sprintf("i-0000001%x", n)
		aws.members[web][lsapi.InstanceMember(id)] = lsapi.InService
	}
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		check := func(report lsapi.HealthReport, members, silent int) {
			t.Helper()
			sorted := slices.IsSortedFunc(report.Members, func(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) })
			if !sorted || !slices.IsSortedFunc(report.Absent, lsapi.MemberID.Compare) || len(report.Members) != members || len(report.Absent) != silent {
				t.Errorf("the report is %+v", report)
			}
		}
		f := follow(t, p, web)
		check(next(t, f, time.Time{}), 21, 0)
		for _, id := range []lsapi.MemberID{three, lsapi.InstanceMember("i-00000009"), two, lsapi.InstanceMember("i-00000008")} {
			p.Detached(web, instance(id))
			t.Cleanup(p.FollowDrain(web, id, time.Time{}, 0).Close)
		}
		aws.detach(two, true)
		check(next(t, f, time.Now()), 22, 3)
		check(next(t, f, time.Now()), 22, 3)
	})
}

func TestPollLooksUpAnInstanceOnceAndOnlyIfNeeded(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		defer p.FollowDrain(web, one, time.Time{}, 0).Close() // it is a member
		for range 2 {
			t.Cleanup(p.FollowDrain(web, two, time.Time{}, 0).Close)
		}
		defer p.FollowDrain(web, three, time.Now(), 0).Close() // its drain cannot have ended
		next(t, follow(t, p, web), time.Time{})
		if asked := aws.asked(web, true); len(asked) != 1 || !slices.Equal(asked[0].ids, []lsapi.MemberID{two}) {
			t.Errorf("the lookups are %+v", asked)
		}
	})
}

// An instance without a follower is not reported as absent for ever.
func TestAbsenceWithoutFollowerExpires(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		drain := p.FollowDrain(web, two, time.Time{}, 0)
		next(t, drain, time.Time{})
		drain.Close()
		f := follow(t, p, web)
		if report := next(t, f, time.Now()); said(report, two) != "silent" {
			t.Errorf("at first the report is %+v", report)
		}
		time.Sleep(2 * time.Minute)
		if report := next(t, f, time.Now()); said(report, two) != "unknown" {
			t.Errorf("later the report is %+v", report)
		}
		if asked := aws.asked(web, true); len(asked) != 1 {
			t.Errorf("the lookups are %+v", asked)
		}
	})
}

func TestRecentReportIsReadAtOnceWhileTheLoadBalancerIsFollowed(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		f := follow(t, p, web)
		for range 3 {
			next(t, f, time.Now())
			began := time.Now()
			if _, err := p.Recent(t.Context(), web, 0); err != nil || time.Since(began) != aws.latency {
				t.Errorf("it takes %v, %v", time.Since(began), err)
			}
		}
	})
}

// A poll that waits for others to end is not made when another replica's report has come
// meanwhile.
func TestPollThatIsNoLongerDueIsNotMade(t *testing.T) {
	withForeignReports(t, func(t *testing.T, f *foreign) {
		pools := manyNames(16)
		f.aws.change(func() {
			for _, pool := range pools {
				f.aws.members[pool] = map[lsapi.MemberID]lsapi.HealthState{one: lsapi.InService}
			}
		})
		f.aws.latency = 1500 * time.Millisecond
		f.leave(time.Time{})
		for _, pool := range pools { // all that can be asked at once
			follow(t, f.p, pool)
		}
		time.Sleep(time.Second)
		defer f.p.Follow(web).Close()
		time.Sleep(400 * time.Millisecond)
		f.publish(t, serving)
		time.Sleep(time.Second)
		if n := f.aws.polls(web); n > 0 {
			t.Errorf("it is polled %d times", n)
		}
	})
}
