package snapshot

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// encodeTypes writes "id:type" for each member.
func encodeTypes(members []lsapi.Member) lsapi.EncodedList {
	var body strings.Builder
	for _, m := range members {
		body.WriteString(m.ID.Instance + ":" + m.Instance.Type + " ")
	}
	return lsapi.EncodedList{Body: []byte(body.String())}
}

// stillSnapshot is a snapshot of the region whose refreshes are the test's.
func stillSnapshot(aws AWS) *Snapshot {
	return NewWithFakes(Options{
		AWS: aws, Named: aws, Encode: encodeTypes,
		MaxStaleness: 2 * time.Second, MaxStaleOnError: time.Minute,
	})
}

func refreshOnce(t *testing.T, s *Snapshot) {
	t.Helper()
	if _, err := s.refresh(t.Context(), s.listings[lsapi.KindELB]); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // for facts that are being renewed
}

func TestChangedFactsOfTheSameMembersArePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newStill(2, 2)
		s := stillSnapshot(aws)
		refreshOnce(t, s)
		changed := aws.pages[0][1].Members[0]
		aws.instances[changed.String()] = lsapi.Instance{ID: changed.String(), Type: "m5.large", State: lsapi.StateRunning}
		time.Sleep(factsLifetime + time.Second)
		refreshOnce(t, s) // asks EC2 again
		time.Sleep(time.Second)
		refreshOnce(t, s)
		if e, _ := s.current(lsapi.ELB("elb-0002")); !strings.Contains(string(e.Body), changed.String()+":m5.large") {
			t.Errorf("it still says %s", e.Body)
		}
	})
}

func TestRefreshWithoutChangeMovesOnlyTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stillSnapshot(newStill(1, 2))
		refreshOnce(t, s)
		first, _ := s.current(lsapi.ELB("elb-0001"))
		time.Sleep(time.Second)
		refreshOnce(t, s)
		second, _ := s.current(lsapi.ELB("elb-0001"))
		if !second.AsOf.After(first.AsOf) || &second.Body[0] != &first.Body[0] || second.wanted == first.wanted {
			t.Errorf("got %+v after %+v", second, first)
		}
	})
}

func TestUnusedFactsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newStill(1, 3)
		s := stillSnapshot(aws)
		refreshOnce(t, s)
		left := aws.pages[0][0].Members[2]
		aws.pages[0][0].Members = slices.Clone(aws.pages[0][0].Members[:2])
		delete(aws.instances, left.String())
		for range 3 {
			time.Sleep(pruneEvery + time.Second) // also the facts have to be asked for again
			refreshOnce(t, s)
		}
		if _, known := s.facts.known[left.String()]; known || len(s.facts.known) != 2 {
			t.Errorf("known are %v", s.facts.known)
		}
	})
}

func TestFactsNeededByAReadInProgressAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stillSnapshot(newStill(1, 1))
		s.facts.merge(membersOf(lsapi.Instance{ID: "i-9", Type: "t3.nano", State: lsapi.StateRunning}))
		s.slotsFor(lsapi.ELB("empty")) // of which nothing is known yet
		prune := func() { s.pruned.Store(0); s.pruneFacts() }
		prune() // nothing has a use for it
		if missing := s.facts.missing([]string{"i-9"}); len(missing) > 0 {
			t.Fatalf("missing are %v", missing)
		}
		prune()
		s.publish(s.slotsFor(lsapi.ELB("elb-0001"))[0], []lsapi.MemberID{lsapi.InstanceMember("i-9")}, nil, time.Now())
		if e, _ := s.current(lsapi.ELB("elb-0001")); string(e.Body) != "i-9:t3.nano " {
			t.Errorf("it is shown as %s", e.Body)
		}
		prune()
		prune()
		if missing := s.facts.missing([]string{"i-9"}); len(missing) > 0 {
			t.Errorf("what is shown was forgotten")
		}
	})
}

func TestInstancePublishedWithoutFactsGetsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stillSnapshot(newStill(1, 1))
		sl, ids := s.slotsFor(lsapi.ELB("elb-0001"))[0], []lsapi.MemberID{lsapi.InstanceMember("i-9")}
		s.publish(sl, ids, nil, time.Now())
		s.facts.store(instancesOf(ids), map[string]lsapi.Instance{"i-9": {ID: "i-9", Type: "t3.nano", State: lsapi.StateRunning}}, time.Now())
		time.Sleep(time.Second)
		s.publish(sl, ids, nil, time.Now())
		if e, _ := s.current(lsapi.ELB("elb-0001")); string(e.Body) != "i-9:t3.nano " {
			t.Errorf("it is shown as %s", e.Body)
		}
	})
}

// heard is a Replicas that keeps what it receives.
type heard struct {
	Replicas // not called
	all      []lsapi.Membership
}

func (h *heard) Publish(_ context.Context, _ lsapi.KindListing, all []lsapi.Membership) error {
	h.all = all
	return nil
}

func TestPublishedMembershipIsRebuiltOnlyOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws, others := newStill(2, 2), &heard{}
		s := stillSnapshot(aws)
		s.o.Replicas = others
		refreshOnce(t, s)
		before := others.all
		aws.pages[0][1].Members = aws.pages[0][1].Members[:1]
		refreshOnce(t, s)
		if after := others.all; len(after) != 2 || &after[0].Members[0] != &before[0].Members[0] || len(after[1].Members) != 1 {
			t.Errorf("published were %v, then %v", before, after)
		}
		aws.pages[0][0].Description = &lsapi.Description{Scheme: "internal"}
		refreshOnce(t, s)
		if got := others.all[0]; got.Description == nil || &got.Members[0] == &before[0].Members[0] {
			t.Errorf("a new description is published as %+v, in the slice of before", got.Description)
		}
		s.facts.merge(membersOf(lsapi.Instance{ID: before[0].Members[0].Instance.ID, Type: "m5.large", State: lsapi.StateRunning}))
		refreshOnce(t, s)
		if got := others.all[0].Members[0].Instance.Type; got != "m5.large" {
			t.Errorf("a new type is published as %s", got)
		}
	})
}

func TestEmptyLoadBalancerIsPublishedByItsNameAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := new(heard)
		s := stillSnapshot(newStill(2, 0))
		s.o.Replicas = others
		refreshOnce(t, s)
		if len(others.all) != 2 || others.all[1].Pool != lsapi.ELB("elb-0002") {
			t.Errorf("published are %+v", others.all)
		}
	})
}
