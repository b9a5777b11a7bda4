package membership_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// freshly lists as a fresh read does, with what others have applied.
func freshly(t *testing.T, aws membership.AWS, s *service) []lsapi.MemberID {
	t.Helper()
	if err := s.CatchUp(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	return listed(t, aws, s)
}

// The replica that notices that the load balancer is gone may not be the one that
// changed it: then it reads the old one's changes in the record.
func TestNewLoadBalancerHasNoChangesOfADeletedOneOnRecord(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		wantCode(t, change(a, lsapi.Attach, one), "")
		if err := b.CatchUp(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		aws.change(func() { aws.gone = true })
		b.found.ObserveGone(web, time.Now())
		synctest.Wait()
		time.Sleep(time.Second)
		aws.change(func() { aws.gone = false })
		become(aws)
		if got := freshly(t, aws, b); len(got) > 0 {
			t.Errorf("the new load balancer lists %v", got)
		}
		wantCode(t, change(b, lsapi.Attach, one), "")
	})
}

// A reader reports a deletion once.
func TestDeletionIsRecordedOnceTheRecordIsAvailable(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		synctest.Wait()
		record.fails(unavailable)
		aws.change(func() { aws.gone = true })
		s.found.ObserveGone(web, time.Now())
		synctest.Wait()
		time.Sleep(time.Minute)
		record.fails(nil)
		time.Sleep(time.Minute)
	})
	if got := record.lines(); len(got) != 1 || got[0] != "observed + -"+one.String() {
		t.Errorf("the record says %q", got)
	}
}

func TestDeletionIsNotRecordedAfterALaterRead(t *testing.T) {
	for name, test := range map[string]struct {
		read time.Duration // when the read began that shows it, after the one that does not
		want []string
	}{
		"shown later":  {time.Second, nil},
		"shown before": {-time.Millisecond, []string{"observed + -" + one.String()}},
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(one), newFakeRecord()
			recorded(t, aws, record, func(t *testing.T, s *service) {
				refresh(s, aws)
				time.Sleep(time.Second)
				record.fails(unavailable)
				gone := time.Now()
				s.found.ObserveGone(web, gone)
				time.Sleep(time.Second)
				s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, gone.Add(test.read))
				time.Sleep(time.Minute)
				record.fails(nil)
				time.Sleep(time.Minute)
			})
			wantRecord(t, record, test.want...)
		})
	}
}

// The record says that the members of a deleted load balancer are gone only after the
// lane has written it: a read that catches up before that must not bring them back.
func TestChangesOfADeletedLoadBalancerStayVoidBeforeItIsRecorded(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "")
		record.fails(appendsFail(unavailable("", nil), func(lsapi.Event) bool { return true }))
		time.Sleep(time.Millisecond)
		s.found.ObserveGone(web, time.Now())
		synctest.Wait()
		if err := s.CatchUp(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		if got := s.recent.Over(web, nil, time.Now()); len(got) > 0 {
			t.Errorf("the new load balancer lists %v", got)
		}
		record.fails(nil)
	})
}

// The read began before the deletion, and found what the change had done.
func TestReadFromBeforeADeletionIsIgnored(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	var early time.Time
	aws.next("Register", func(_ context.Context, apply func() error) error {
		err := apply()
		time.Sleep(time.Millisecond)
		early = time.Now()
		aws.change(func() { aws.gone = true })
		if err != nil {
			return err
		}
		return cutOff()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		_, _ = leaving(s, time.Second, lsapi.Attach, one, "c1")
		time.Sleep(5 * time.Second)
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, early)
		synctest.Wait()
	})
	wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" unknown")
}

func TestReadFromBeforeAnObservedDeletionIsIgnored(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Second)
		early := time.Now()
		time.Sleep(time.Second)
		s.found.ObserveGone(web, time.Now())
		synctest.Wait()
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, early)
		synctest.Wait()
	})
	wantRecord(t, record)
}
