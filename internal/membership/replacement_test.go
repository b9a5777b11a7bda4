package membership_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// replace deletes the load balancer and makes another one under its name, between two
// reads.
func replace(aws *fakeAWS, created string, members ...lsapi.MemberID) {
	aws.change(func() { aws.created, aws.versions = created, []version{{time.Now(), members}} })
}

// incarnations returns the observed events and checkpoints of "web", one a line.
func incarnations(record *fakeRecord) (lines []string) {
	for _, e := range record.recorded() {
		switch e.Kind {
		case lsapi.EventObserved:
			lines = append(lines, fmt.Sprintf("%s +%s -%s", e.Incarnation, joined(e.Added), joined(e.Removed)))
		case lsapi.EventCheckpoint:
			lines = append(lines, fmt.Sprintf("%s has %s", e.Incarnation, joined(e.Members)))
		default:
		}
	}
	return lines
}

func wantIncarnations(t *testing.T, record *fakeRecord, want ...string) {
	t.Helper()
	if got := incarnations(record); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the record says\n%q, want\n%q", got, want)
	}
}

func TestReplacedPoolHasNoMembersOfTheOneBefore(t *testing.T) {
	for name, find := range map[string]func(*testing.T, *service, *fakeAWS){
		"found by a reader": func(_ *testing.T, s *service, aws *fakeAWS) { refresh(s, aws) },
		"found in a round": func(t *testing.T, s *service, _ *fakeAWS) {
			wantCode(t, change(s, lsapi.Attach, three), lsapi.CodeConflict)
		},
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(one, two), newFakeRecord()
			aws.run(one, two, three)
			aws.created = "a"
			recorded(t, aws, record, func(t *testing.T, s *service) {
				refresh(s, aws)
				time.Sleep(time.Minute)
				last := time.Now()
				refresh(s, aws)
				time.Sleep(time.Second)
				replace(aws, "b", two, three)
				find(t, s, aws)
				time.Sleep(time.Minute)
				refresh(s, aws)
				for _, e := range record.recorded()[1:3] {
					if !e.Since.Equal(last) || !e.Until.After(last) {
						t.Errorf("%s happened between %v and %v, the last read before was at %v", e.Incarnation, e.Since, e.Until, last)
					}
				}
			})
			wantIncarnations(t, record, "a has "+joined([]lsapi.MemberID{one, two}),
				"a + -"+joined([]lsapi.MemberID{one, two}), "b +"+joined([]lsapi.MemberID{two, three})+" -")
		})
	}
}

func TestReplacedPoolMayHaveTheSameMembersOrNone(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.created = "a"
	recorded(t, aws, record, func(t *testing.T, s *service) {
		for _, step := range []struct {
			created string
			members []lsapi.MemberID
		}{{"a", []lsapi.MemberID{one}}, {"b", []lsapi.MemberID{one}}, {"c", nil}, {"d", nil}, {"e", []lsapi.MemberID{one}}} {
			time.Sleep(time.Minute)
			replace(aws, step.created, step.members...)
			for range 3 {
				refresh(s, aws)
			}
		}
	})
	wantIncarnations(t, record, "a has "+one.String(), "a + -"+one.String(), "b +"+one.String()+" -",
		"b + -"+one.String(), "c has ", "d has ", "e +"+one.String()+" -")
}

func TestUnknownIncarnationIsNoOther(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	recorded(t, aws, record, func(t *testing.T, s *service) {
		for _, created := range []string{"", "a", "", "a"} {
			time.Sleep(time.Minute)
			aws.change(func() { aws.created = created })
			for range 2 {
				refresh(s, aws)
				time.Sleep(time.Second)
			}
		}
		wantIncarnations(t, record, " has "+one.String(), "a has "+one.String())
		aws.change(func() { aws.created = "" })
		become(aws, one, two)
		refresh(s, aws)
		time.Sleep(time.Minute)
		replace(aws, "b", one)
		refresh(s, aws)
	})
	wantIncarnations(t, record, " has "+one.String(), "a has "+one.String(), " +"+two.String()+" -",
		"a + -"+joined([]lsapi.MemberID{one, two}), "b +"+one.String()+" -")
}

func TestPoolThatWasSeenDeletedIsReplacedOnce(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.created = "a"
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Minute)
		s.found.ObserveGone(web, time.Now())
		synctest.Wait()
		time.Sleep(time.Minute)
		replace(aws, "b", one)
		refresh(s, aws)
	})
	wantIncarnations(t, record, "a has "+one.String(), " + -"+one.String(), "b +"+one.String()+" -")
}

// The change was applied to the pool before: reads of the new one do not lag behind it.
func TestReplacedPoolHasNoRecentChangesOfTheOneBefore(t *testing.T) {
	for name, find := range map[string]func(*testing.T, *service, *fakeAWS){
		"found by a reader": func(_ *testing.T, s *service, aws *fakeAWS) { refresh(s, aws) },
		"found in a round": func(t *testing.T, s *service, _ *fakeAWS) {
			wantCode(t, change(s, lsapi.Detach, one), lsapi.CodeConflict)
		},
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(one, two)
			aws.created = "a"
			replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
				wantCode(t, change(a, lsapi.Attach, one), "")
				if err := b.CatchUp(t.Context(), web); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				replace(aws, "b")
				find(t, b, aws) // which did not make the change
				for name, s := range map[string]*service{"its own": b, "another": a} {
					if got := freshly(t, aws, s); len(got) > 0 {
						t.Errorf("%s replica lists %v", name, got)
					}
				}
				wantCode(t, change(a, lsapi.Attach, one), "")
				if got := freshly(t, aws, b); len(got) != 1 {
					t.Errorf("after a change of the new pool, %v are listed", got)
				}
			})
			wantIncarnations(t, record, "a has ", "a + -"+one.String(), "b has ")
		})
	}
}

func TestOpenChangeOfAReplacedPoolIsUnknown(t *testing.T) {
	aws, record := newFakeAWS(two), newFakeRecord()
	aws.run(one)
	aws.created = "a"
	aws.next("Register", lost)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		_, err := leaving(s, 100*time.Millisecond, lsapi.Attach, one, "c1")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		replace(aws, "b", one, two) // by another tool: its effect seems to show
		time.Sleep(time.Minute)
	})
	wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" unknown",
		"observed + -"+two.String(), "observed +"+joined([]lsapi.MemberID{one, two})+" -")
}

// It began before the read that found the new pool, and was answered later.
func TestReadOfAReplacedPoolIsIgnored(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.created = "a"
	recorded(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		time.Sleep(time.Minute)
		early := time.Now()
		time.Sleep(time.Millisecond)
		replace(aws, "b", two)
		refresh(s, aws)
		s.found.Observe(web, lsapi.PoolRead{Members: []lsapi.MemberID{one}, Incarnation: "a"}, early)
		synctest.Wait()
	})
	wantIncarnations(t, record, "a has "+one.String(), "a + -"+one.String(), "b +"+two.String()+" -")
}

func TestHealthOfAnotherIncarnationIsNotRecorded(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.created = "a"
	withHealth(t, aws, record, func(t *testing.T, s *service) {
		refresh(s, aws)
		report := func(incarnation string, health lsapi.MemberHealth) {
			r := reportOf([]lsapi.MemberHealth{health})
			r.Incarnation = incarnation
			observeHealth(s, r)
		}
		report("a", in(one))
		report("b", out(one))
		wantRecord(t, record, "health "+one.String()+" InService")
		replace(aws, "b", one)
		refresh(s, aws)
		report("a", out(one)) // late
		report("b", in(one))
		report("", out(one))
	})
	wantRecord(t, record, "health "+one.String()+" InService", "observed + -"+one.String(), "observed +"+one.String()+" -",
		"health "+one.String()+" InService", "health "+one.String()+" OutOfService")
}

// portOf resolves every member to itself, with the port of an incarnation.
type portOf string

func (p portOf) Resolve(_ context.Context, _ lsapi.PoolID, members []lsapi.MemberID) ([]lsapi.MemberID, string, error) {
	return members, string(p), nil
}

func TestPortOfAReplacedPoolChangesNothing(t *testing.T) {
	for _, test := range []struct {
		portOf, created string
		want            lsapi.Code
	}{{"a", "a", ""}, {"a", "b", lsapi.CodeUnavailable}, {"", "b", ""}, {"a", "", ""}} {
		synctest.Test(t, func(t *testing.T) {
			aws := newFakeAWS(one)
			aws.run(one, two)
			aws.created = test.created
			s := newService(aws, membership.Options{Pools: portOf(test.portOf)})
			for action, member := range map[lsapi.Action]lsapi.MemberID{lsapi.Attach: two, lsapi.Detach: one} {
				if got := change(s, action, member); got != test.want {
					t.Errorf("with the port of %q in %q, the %s returns %q, want %q", test.portOf, test.created, action, got, test.want)
				}
			}
			if n := aws.count("Register") + aws.count("Deregister"); n > 0 && test.want != "" {
				t.Errorf("AWS got %d changes", n)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
