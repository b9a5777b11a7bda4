package overlay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/overlay"
)

// web is the load balancer of most tests.
var web = lsapi.ELB("web")

var (
	one   = lsapi.InstanceMember("i-00000001")
	two   = lsapi.InstanceMember("i-00000002")
	three = lsapi.InstanceMember("i-00000003")
)

// applied is a change that was applied now, by the event of that number.
func applied(action lsapi.Action, member lsapi.MemberID, seq int64) lsapi.AppliedChange {
	change := lsapi.Change{ID: fmt.Sprint("change-", seq), Action: action, Member: member, Instance: lsapi.Instance{ID: member.String()}}
	return lsapi.AppliedChange{Change: change, Seq: seq, At: time.Now()}
}

// shown is a listener's calls, as "+id" and "-id".
type shown []string

func (s *shown) listen(_ lsapi.PoolID, attached, detached []lsapi.Member) {
	for _, i := range attached {
		*s = append(*s, "+"+i.ID.Instance)
	}
	for _, i := range detached {
		*s = append(*s, "-"+i.ID.Instance)
	}
}

// inBubble runs a test on a clock of its own, with an Overlay of the load balancer "web".
func inBubble(t *testing.T, test func(t *testing.T, o *overlay.Overlay, s *shown)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o, s := overlay.New(overlay.DefaultWindow), &shown{}
		o.Listen(s.listen)
		test(t, o, s)
	})
}

// wantOver checks the members of "web" after a read now that found ids.
func wantOver(t *testing.T, o *overlay.Overlay, ids, want []lsapi.MemberID) {
	t.Helper()
	if got := o.Over(web, ids, time.Now()); !slices.Equal(got, want) {
		t.Errorf("over %v the members are %v, want %v", ids, got, want)
	}
}

func TestLearnedChangesShowWhileReadsLag(t *testing.T) {
	inBubble(t, func(t *testing.T, o *overlay.Overlay, s *shown) {
		changes := []lsapi.AppliedChange{applied(lsapi.Attach, two, 1), applied(lsapi.Detach, one, 2)}
		time.Sleep(time.Millisecond)
		changes = append(changes, applied(lsapi.Attach, three, 3), applied(lsapi.Detach, two, 4))
		if err := o.Learn(web, changes); err != nil {
			t.Fatal(err)
		}
		want := []string{"+" + three.String(), "-" + one.String(), "-" + two.String()}
		if !slices.Equal(*s, want) {
			t.Errorf("the listener got %q, want %q", *s, want)
		}
		wantOver(t, o, []lsapi.MemberID{one}, []lsapi.MemberID{three})
		if err := o.Learn(web, changes[:1]); err != nil { // an old one comes again
			t.Fatal(err)
		}
		if !slices.Equal(*s, want) {
			t.Errorf("the listener got %q after an older change", *s)
		}
		wantOver(t, o, []lsapi.MemberID{one}, []lsapi.MemberID{three})
		time.Sleep(overlay.DefaultWindow)
		wantOver(t, o, []lsapi.MemberID{one}, []lsapi.MemberID{one})
	})
}

func TestLearningNothingHoldsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, o *overlay.Overlay, s *shown) {
		o.Apply(web, nil)
		if err := o.Learn(web, nil); err != nil || o.Holds(web) || len(*s) > 0 {
			t.Errorf("it holds %v, and the listener got %q: %v", o.Holds(web), *s, err)
		}
	})
}

func TestChangeIsHeldWhileAReadMayMissIt(t *testing.T) {
	inBubble(t, func(t *testing.T, o *overlay.Overlay, _ *shown) {
		began := time.Now()
		o.Apply(web, []lsapi.AppliedChange{applied(lsapi.Attach, one, 1)})
		time.Sleep(o.Keep())
		if got := o.Over(web, nil, began); !o.Holds(web) || !slices.Equal(got, []lsapi.MemberID{one}) || !o.LastChange(web, one).Equal(began) {
			t.Errorf("when a read may miss it, the members are %v", got)
		}
		time.Sleep(time.Nanosecond)
		if got := o.Over(web, nil, began); o.Holds(web) || len(got) > 0 || !o.LastChange(web, one).IsZero() {
			t.Errorf("when no read can miss it, the members are %v", got)
		}
	})
}

func TestLearnedChangeGrowsNoYoungerByBeingReadAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, o *overlay.Overlay, _ *shown) {
		c := applied(lsapi.Attach, two, 1)
		for range 20 { // a stamp of a clock that was set back is read as now, each time
			c.At = time.Now()
			if err := o.Learn(web, []lsapi.AppliedChange{c}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		wantOver(t, o, []lsapi.MemberID{one}, []lsapi.MemberID{one})
	})
}

func TestOwnChangeIsNotReplacedByAnEarlierOneOnRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, o *overlay.Overlay, s *shown) {
		own := applied(lsapi.Attach, one, 7)
		o.Apply(web, []lsapi.AppliedChange{own})
		own.Seq++ // its own event
		if err := o.Learn(web, []lsapi.AppliedChange{applied(lsapi.Detach, one, 6), own}); err != nil {
			t.Fatal(err)
		}
		wantOver(t, o, nil, []lsapi.MemberID{one})
		if !slices.Equal(*s, []string{"+" + one.String()}) {
			t.Errorf("the listener got %q", *s)
		}
	})
}

func TestInvalidatedChangesStayVoid(t *testing.T) {
	inBubble(t, func(t *testing.T, o *overlay.Overlay, _ *shown) {
		before := applied(lsapi.Attach, one, 1)
		o.Apply(web, []lsapi.AppliedChange{before})
		time.Sleep(time.Second)
		o.Invalidate(web, time.Now())
		o.Invalidate(lsapi.ELB("other"), time.Now())
		if err := o.Learn(web, []lsapi.AppliedChange{before}); err != nil {
			t.Fatal(err)
		}
		wantOver(t, o, nil, nil)
		if !o.LastChange(web, one).IsZero() || o.Holds(lsapi.ELB("other")) {
			t.Error("a void change counts")
		}
		time.Sleep(time.Second)
		o.Apply(web, []lsapi.AppliedChange{applied(lsapi.Attach, one, 2)})
		wantOver(t, o, nil, []lsapi.MemberID{one})
	})
}

func TestFullOverlayTakesOwnChangesOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, o *overlay.Overlay, _ *shown) {
		learn := func(pool lsapi.PoolID) lsapi.Code {
			return lsapi.ErrorCode(o.Learn(pool, []lsapi.AppliedChange{applied(lsapi.Attach, one, 1)}))
		}
		for i := range 3100 {
			if code := learn(lsapi.ELB(fmt.Sprint("elb-", i))); code != "" {
				t.Fatalf("number %d got %q", i, code)
			}
		}
		if first, next := learn(lsapi.ELB("elb-0")), learn(web); first != "" || next != lsapi.CodeThrottled {
			t.Errorf("one that it holds got %q, one more %q", first, next)
		}
		o.Apply(web, []lsapi.AppliedChange{applied(lsapi.Attach, two, 1)})
		wantOver(t, o, nil, []lsapi.MemberID{two})
		time.Sleep(o.Keep() + 1)
		if code := learn(lsapi.ELB("later")); code != "" {
			t.Errorf("when all have expired, one more got %q", code)
		}
	})
}

// fakeRecord has changes of load balancers.
type fakeRecord struct {
	changes map[lsapi.PoolID][]lsapi.AppliedChange
	err     map[string]error // by method
}

func (f *fakeRecord) Applied(_ context.Context, pool lsapi.PoolID, within time.Duration) ([]lsapi.AppliedChange, error) {
	return slices.DeleteFunc(slices.Clone(f.changes[pool]), func(c lsapi.AppliedChange) bool { return time.Since(c.At) > within }), f.err["Applied"]
}

func (f *fakeRecord) Unfinished(context.Context, time.Duration) ([]lsapi.PoolID, error) {
	return []lsapi.PoolID{web}, f.err["Unfinished"]
}

func TestRestoreAndCatchUpShowWhatIsOnRecord(t *testing.T) {
	for name, add := range map[string]func(context.Context, *overlay.Overlay, *fakeRecord) error{
		"restore": func(ctx context.Context, o *overlay.Overlay, r *fakeRecord) error { return o.Restore(ctx, r) },
		"catch up": func(ctx context.Context, o *overlay.Overlay, r *fakeRecord) error {
			return o.CatchUp(ctx, r, web)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, o *overlay.Overlay, _ *shown) {
				record := &fakeRecord{changes: map[lsapi.PoolID][]lsapi.AppliedChange{web: {applied(lsapi.Attach, one, 1)}}}
				time.Sleep(time.Second)
				if err := add(t.Context(), o, record); err != nil {
					t.Fatal(err)
				}
				wantOver(t, o, nil, []lsapi.MemberID{one})
			})
		})
	}
}

func TestRestoreReturnsTheErrorsOfTheRecord(t *testing.T) {
	away := errors.New("away")
	for _, method := range []string{"Unfinished", "Applied"} {
		o := overlay.New(overlay.DefaultWindow)
		if err := o.Restore(t.Context(), &fakeRecord{err: map[string]error{method: away}}); !errors.Is(err, away) {
			t.Errorf("%s failed, and Restore returned %v", method, err)
		}
	}
}
