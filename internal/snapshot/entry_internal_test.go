package snapshot

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// web is what is shown of the load balancer "web".
func web(t *testing.T, s *Snapshot) string {
	t.Helper()
	e, exists := s.current(lsapi.ELB("web"))
	switch {
	case !exists:
		return "!unknown"
	case e == nil:
		return "!nothing"
	}
	return strings.TrimSpace(string(e.Body))
}

func TestEntryIsNotReplacedByAnEarlierRead(t *testing.T) {
	s := stillSnapshot(newStill(1, 1))
	now := time.Now()
	s.publish(s.slotsFor(lsapi.ELB("web"))[0], []lsapi.MemberID{lsapi.InstanceMember("i-1")}, nil, now)
	s.publish(s.slotsFor(lsapi.ELB("web"))[0], []lsapi.MemberID{lsapi.InstanceMember("i-2")}, nil, now.Add(-1))
	if got := web(t, s); got != "i-1:" {
		t.Errorf("it is %q", got)
	}
}

func TestDropKeepsALaterRead(t *testing.T) {
	s := stillSnapshot(newStill(1, 1))
	now := time.Now()
	sl := s.slotsFor(lsapi.ELB("web"))[0]
	s.publish(sl, []lsapi.MemberID{lsapi.InstanceMember("i-1")}, nil, now)
	if s.drop(lsapi.ELB("web"), now.Add(-1)) || s.drop(lsapi.ELB("never"), now) || web(t, s) != "i-1:" {
		t.Errorf("it is %q", web(t, s))
	}
	before := *s.slots.Load()
	if !s.drop(lsapi.ELB("web"), now) || web(t, s) != "!unknown" {
		t.Errorf("it is %q", web(t, s))
	}
	if before[lsapi.ELB("web")] != sl {
		t.Error("the slots that readers may hold have changed")
	}
	s.slotsFor(lsapi.ELB("empty"))
	if !s.drop(lsapi.ELB("empty"), now) {
		t.Error("a slot without an entry is not dropped")
	}
}

// A publisher that holds a slot while it is dropped publishes to the next one.
func TestPublishToADroppedSlotIsVisible(t *testing.T) {
	s := stillSnapshot(newStill(1, 1))
	now := time.Now()
	sl := s.slotsFor(lsapi.ELB("web"))[0]
	s.drop(lsapi.ELB("web"), now)
	s.publish(sl, []lsapi.MemberID{lsapi.InstanceMember("i-1")}, nil, now.Add(1))
	if got := web(t, s); got != "i-1:" {
		t.Errorf("it is %q", got)
	}
}

// attachedOverlay holds the attach of i-2 while on.
type attachedOverlay struct {
	nothing
	on *bool
}

func (o attachedOverlay) Over(_ lsapi.PoolID, ids []lsapi.MemberID, _ time.Time) []lsapi.MemberID {
	if *o.on && !slices.Contains(ids, lsapi.InstanceMember("i-2")) {
		ids = append(slices.Clone(ids), lsapi.InstanceMember("i-2"))
	}
	return ids
}

func TestLaterReadReplacesApplied(t *testing.T) {
	s := stillSnapshot(newStill(1, 1))
	laid := attachedOverlay{on: new(bool)}
	s.o.Overlay = laid
	now := time.Now()
	ids := []lsapi.MemberID{lsapi.InstanceMember("i-1")}
	s.facts.merge(membersOf(lsapi.Instance{ID: "i-1", State: lsapi.StateRunning}))
	s.publish(s.slotsFor(lsapi.ELB("web"))[0], ids, nil, now)
	before, _ := s.current(lsapi.ELB("web"))
	before.wanted.Store(7)
	s.Applied(lsapi.ELB("web"), nil, nil)
	if after, _ := s.current(lsapi.ELB("web")); &after.Body[0] != &before.Body[0] {
		t.Error("a change of nothing is encoded anew")
	}
	*laid.on = true
	s.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-2", Type: "t3.nano", State: lsapi.StateRunning}), nil)
	after, _ := s.current(lsapi.ELB("web"))
	if got := web(t, s); got != "i-1: i-2:t3.nano" || after.wanted != before.wanted {
		t.Errorf("it is %q, and readers wait anew", got)
	}
	*laid.on = false // the overlay holds the change no longer
	s.publish(s.slotsFor(lsapi.ELB("web"))[0], ids, nil, now.Add(1))
	if got := web(t, s); got != "i-1:" {
		t.Errorf("after a later read it is %q", got)
	}
	*laid.on = true
	s.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-2", Type: "t3.nano", State: lsapi.StateRunning}), nil)
	*laid.on = false
	s.publish(s.slotsFor(lsapi.ELB("web"))[0], nil, nil, now.Add(2))
	if got := web(t, s); got != "" {
		t.Errorf("after a read that found none it is %q", got)
	}
	if later, _ := s.current(lsapi.ELB("web")); later.wanted == before.wanted {
		t.Error("readers who wait for a later entry share the time of the one before")
	}
}

// Each page of a listing is as old as the asking for it.
func TestPagesHaveTheAgeOfTheirRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newStill(2, 1)
		aws.pages = [][]lsapi.Pool{aws.pages[0][:1], aws.pages[0][1:]}
		began := time.Now()
		s := stillSnapshot(&slowLooks{still: aws, page: time.Second})
		refreshOnce(t, s)
		first, _ := s.current(lsapi.ELB("elb-0001"))
		second, _ := s.current(lsapi.ELB("elb-0002"))
		if !first.AsOf.Equal(began) || !second.AsOf.Equal(began.Add(time.Second)) {
			t.Errorf("they are of %v and %v after the beginning", first.AsOf.Sub(began), second.AsOf.Sub(began))
		}
	})
}

// A listing is there for who waits for one before its instances are looked up, and its
// load balancers as soon as they are.
func TestListingAndEntriesAreAnnouncedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := stillSnapshot(&slowLooks{still: newStill(1, 1), page: time.Second, lookup: 3 * time.Second})
		listed, shown := make(chan time.Duration, 1), make(chan time.Duration, 1)
		go func() {
			if err := s.awaitListing(t.Context(), s.listings[lsapi.KindELB], began); err != nil {
				t.Error(err)
			}
			listed <- time.Since(began)
		}()
		go func() {
			all, err := s.All(t.Context(), "")
			if err != nil || len(all.Pools) != 1 || !all.Pools[0].AsOf.Equal(began) {
				t.Errorf("got %v, %v", all, err)
			}
			shown <- time.Since(began)
		}()
		synctest.Wait()
		refreshOnce(t, s)
		synctest.Wait()
		if took := <-listed; took != time.Second {
			t.Errorf("the listing came after %v", took)
		}
		if took := <-shown; took != 4*time.Second {
			t.Errorf("all came after %v", took)
		}
	})
}
