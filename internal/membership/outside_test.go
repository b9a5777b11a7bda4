package membership_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

func TestOutsideChangeSoonAfterOwnIsRecordedWithAnIntervalThatHoldsIt(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 3 * time.Second, 9 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one)
			var happened time.Time
			recorded(t, aws, record, func(t *testing.T, s *service) {
				refresh(s, aws)
				wantCode(t, change(s, lsapi.Attach, one), "")
				watch(s, aws, after)
				happened = time.Now()
				become(aws) // another tool detaches it
				watch(s, aws, 30*time.Second)
			})
			events := record.recorded()
			seen := slices.IndexFunc(events, func(e lsapi.Event) bool { return slices.Contains(e.Removed, one) })
			if seen < 0 {
				t.Fatalf("the record says %q", record.lines())
			}
			if e := events[seen]; e.Since.After(happened) || e.Until.Before(happened) || happened.Sub(e.Since) > 10*time.Second {
				t.Errorf("it happened at %v, the record says between %v and %v", happened, e.Since, e.Until)
			}
		})
	}
}

// A lane may be busy while reads find the members as they were, and then as they are.
func TestOutsideChangeDuringARoundIsRecordedWithTheIntervalBetweenTheLastReads(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	record.wait = time.Second // before a round
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Hour)
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, two}}, time.Now())
		time.Sleep(500 * time.Millisecond)
		last := time.Now()
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, two, three}}, last)
		time.Sleep(100 * time.Millisecond)
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one, three}}, time.Now())
		time.Sleep(time.Minute)
		wantRecord(t, record, "observed +"+two.String()+" -", "observed +"+three.String()+" -", "observed + -"+two.String())
		if e := lastOf(record.recorded()); !e.Since.Equal(last) {
			t.Errorf("it happened after %v, by the record; the read before was %v later", e.Since, last.Sub(e.Since))
		}
	})
}

// watch refreshes every second.
func watch(s *service, aws *fakeAWS, lasts time.Duration) {
	for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(time.Second) {
		refresh(s, aws)
	}
}

func TestOutsideChangeBehindAnotherReplicasIsRecorded(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		wantCode(t, change(a, lsapi.Attach, one), "") // its lane lives on, and has read the record
		time.Sleep(time.Second)
		wantCode(t, change(b, lsapi.Attach, two), "")
		if err := a.CatchUp(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second) // no read; the window has passed, the lane is still there
		become(aws, one)             // another tool detaches it
		watch(a, aws, time.Minute)
	})
	if got := record.lines(); !slices.Contains(got, "observed + -"+two.String()) {
		t.Errorf("a minute after an outside detach the record says %q", got)
	}
}

func TestNewLoadBalancerHasNoMembersOfTheDeletedOne(t *testing.T) {
	for name, notice := range map[string]func(t *testing.T, s *service){
		"reported by a reader": func(_ *testing.T, s *service) { s.found.ObserveGone(web, time.Now()); synctest.Wait() },
		"found by a change": func(t *testing.T, s *service) {
			wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeNotFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one, two)
			replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
				wantCode(t, change(a, lsapi.Attach, one), "")
				time.Sleep(time.Second)
				aws.change(func() { aws.gone = true })
				notice(t, a)
				time.Sleep(time.Second)
				aws.change(func() { aws.gone = false })
				become(aws)
				for _, s := range []*service{a, b} {
					if got := listed(t, aws, s); len(got) > 0 {
						t.Errorf("the new load balancer lists %v", got)
					}
				}
				wantCode(t, change(b, lsapi.Attach, one), "")
			})
		})
	}
}

func TestDeletionOfAnUnrecordedMembershipIsNotRecorded(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.change(func() { aws.gone = true })
	recorded(t, aws, record, func(t *testing.T, s *service) {
		s.found.ObserveGone(web, time.Now())
		synctest.Wait()
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeNotFound)
	})
	if got := record.recorded(); len(got) > 0 {
		t.Errorf("the record says %+v", got)
	}
}

// A reader that began later than the round's read, and was answered sooner, has found the
// membership as it is on record.
func TestOutsideChangeDuringAReadHasAnIntervalThatDoesNotEndBeforeItBegins(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one, two)
	var happened time.Time
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Minute)
		aws.next("Members", func(_ context.Context, apply func() error) error {
			time.Sleep(time.Second) // it is slow, and the reader's is not
			s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}}, time.Now())
			synctest.Wait()
			time.Sleep(time.Second)
			happened = time.Now()
			become(aws, one, three)
			return apply()
		})
		wantCode(t, change(s, lsapi.Attach, two), "")
	})
	events := record.recorded()
	seen := slices.IndexFunc(events, func(e lsapi.Event) bool { return slices.Contains(e.Added, three) })
	if seen < 0 {
		t.Fatalf("the record says %q", record.lines())
	}
	if e := events[seen]; e.Since.After(happened) || e.Until.Before(happened) {
		t.Errorf("it happened at %v, the record says between %v and %v", happened, e.Since, e.Until)
	}
}
