package snapshot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// slowLooks is a still region that takes its time, and counts and breaks off lookups.
type slowLooks struct {
	*still
	page, lookup time.Duration

	asked  [][]string // by ids
	pages  int        // of instances
	region [][]lsapi.Instance
	broken int // the page of instances that fails; 0 is none
}

func (s *slowLooks) Pools(ctx context.Context, kind lsapi.Kind) iter.Seq2[[]lsapi.Pool, error] {
	return func(yield func([]lsapi.Pool, error) bool) {
		for page := range s.still.Pools(ctx, kind) {
			time.Sleep(s.page)
			if !yield(page, nil) {
				return
			}
		}
	}
}

func (s *slowLooks) Instances(_ context.Context, ids []string) (map[string]lsapi.Instance, error) {
	time.Sleep(s.lookup)
	s.asked = append(s.asked, slices.Clone(ids))
	found := make(map[string]lsapi.Instance)
	for _, id := range ids {
		if instance, ok := s.instances[lsapi.InstanceMember(id).String()]; ok {
			found[lsapi.InstanceMember(id).String()] = instance
		}
	}
	return found, nil
}

var errBroken = errors.New("broken off")

func (s *slowLooks) AllInstances(context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return func(yield func([]lsapi.Instance, error) bool) {
		for _, page := range s.region {
			s.pages++
			if s.pages == s.broken {
				yield(nil, errBroken)
				return
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// instances returns n of them from the first on, and their ids.
func instances(first, n int) (all []lsapi.Instance, ids []string) {
	for i := range n {
		id := fmt.Sprintf("i-%06d", first+i)
		all, ids = append(all, lsapi.Instance{ID: id, Type: "t2.micro", State: lsapi.StateRunning}), append(ids, id)
	}
	return all, ids
}

func newLookups(members, others int) (*slowLooks, []string) {
	s := &slowLooks{still: newStill(0, 0)}
	all, ids := instances(0, members)
	rest, _ := instances(members, others)
	for page := range slices.Chunk(slices.Concat(all, rest), pageSize) {
		s.region = append(s.region, page)
		for _, instance := range page {
			s.instances[lsapi.InstanceMember(instance.ID).String()] = instance
		}
	}
	return s, ids
}

func newFacts() *facts { return &facts{known: make(map[string]fact)} }

// knows compares how many of the instances are known, and how many of these EC2 knows.
func (f *facts) knows(t *testing.T, ids []string, want, known int) {
	t.Helper()
	got, of := 0, 0
	for _, id := range ids {
		if fact, ok := f.known[id]; ok {
			of++
			if fact.Exists() {
				got++
			}
		}
	}
	if of != want || got != known {
		t.Errorf("%d are known, and %d to EC2, want %d and %d", of, got, want, known)
	}
}

func TestLookupTakesTheFewestCalls(t *testing.T) {
	ctx := t.Context()
	t.Run("a few", func(t *testing.T) {
		aws, ids := newLookups(200, 0)
		f := newFacts()
		if err := f.ensure(ctx, aws, slices.Concat(ids, ids)); err != nil || aws.pages != 0 || len(aws.asked) != 1 || len(aws.asked[0]) != 200 {
			t.Errorf("%v, %d pages, %d lookups", err, aws.pages, len(aws.asked))
		}
		f.knows(t, ids, 200, 200)
	})
	t.Run("most of a region", func(t *testing.T) {
		aws, ids := newLookups(1000, 1000)
		f := newFacts()
		if err := f.ensure(ctx, aws, slices.Concat(ids, []string{"i-none"})); err != nil || aws.pages != 2 || len(aws.asked) != 0 {
			t.Errorf("%v, %d pages, %d lookups", err, aws.pages, len(aws.asked))
		}
		f.knows(t, slices.Concat(ids, []string{"i-none", "i-001999"}), 1002, 1001)
		if f.regionSize() != 2000 {
			t.Errorf("the region holds %d", f.regionSize())
		}
		_, more := instances(5000, 400) // two filters, or the two pages that there are
		if err := f.ensure(ctx, aws, more); err != nil || aws.pages != 2 || len(aws.asked) != 1 {
			t.Errorf("%v, %d pages, %d lookups", err, aws.pages, len(aws.asked))
		}
	})
	t.Run("a region as large as filters are worth", func(t *testing.T) {
		aws, ids := newLookups(1000, 4000) // five calls either way
		f := newFacts()
		if err := f.ensure(ctx, aws, ids); err != nil || aws.pages != 5 || len(aws.asked) != 0 {
			t.Errorf("%v, %d pages, %d lookups", err, aws.pages, len(aws.asked))
		}
	})
	t.Run("a region that is larger than was thought", func(t *testing.T) {
		aws, early := newLookups(99, 8901)
		_, late := instances(8000, 901)
		ids := slices.Concat(late, early)
		f := newFacts()
		if err := f.ensure(ctx, aws, ids); err != nil || aws.pages != 6 || len(aws.asked) != 1 || len(aws.asked[0]) != 901 {
			t.Errorf("%v, %d pages, %d lookups", err, aws.pages, len(aws.asked))
		}
		f.knows(t, ids, 1000, 1000)
		if f.regionSize() != 6000 {
			t.Errorf("the region holds %d", f.regionSize())
		}
		_, more := instances(6500, 1000) // that the region is large is remembered
		if err := f.ensure(ctx, aws, more); err != nil || aws.pages != 6 || len(aws.asked) != 2 {
			t.Errorf("%v, %d pages, %d lookups", err, aws.pages, len(aws.asked))
		}
	})
	t.Run("a listing that breaks off", func(t *testing.T) {
		aws, ids := newLookups(2000, 0)
		aws.broken = 2
		f := newFacts()
		if err := f.ensure(ctx, aws, ids); !errors.Is(err, errBroken) || len(aws.asked) != 0 {
			t.Errorf("%v, %d lookups", err, len(aws.asked))
		}
		f.knows(t, ids, 1000, 1000) // the page that there was counts
	})
}

func TestFactsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, began := newFacts(), time.Now()
		f.store([]string{"i-none"}, map[string]lsapi.Instance{"i-1": {ID: "i-1", State: lsapi.StateRunning}}, began)
		check := func(after time.Duration, want ...string) {
			t.Helper()
			time.Sleep(time.Until(began.Add(after)))
			got := f.expired()
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("after %v there have expired %v, want %v", after, got, want)
			}
		}
		check(unknownLifetime - 1)
		check(unknownLifetime+1, "i-none")
		f.store([]string{"i-none"}, nil, time.Now()) // asked again
		check(2*unknownLifetime+2, "i-none")
		f.merge(membersOf(lsapi.Instance{ID: "i-none", State: lsapi.StateRunning}))
		check(factsLifetime - 1)
		check(factsLifetime+1, "i-1")
		check(factsLifetime+2, "i-1") // without another lookup
		check(factsLifetime+2*unknownLifetime+3, "i-1", "i-none")
	})
}

func TestRevisionOfFactsGrowsWhenTheyChange(t *testing.T) {
	f := newFacts()
	full := lsapi.Instance{ID: "i-1", Type: "t2.micro", State: lsapi.StateRunning, Zone: "a", PrivateAddress: "10.0.0.1", Name: "one"}
	check := func(what string, want int64) {
		t.Helper()
		if got := f.revision.Load(); got != want {
			t.Errorf("%s: the revision is %d, want %d", what, got, want)
		}
	}
	f.merge(membersOf(full))
	check("something becomes known", 0)
	f.merge(membersOf(full))
	check("nothing changes", 0)
	short := lsapi.Instance{ID: "i-1", Type: "t2.micro", State: lsapi.StateRunning}
	if got := f.merge(membersOf(short)); got[0].Instance != full {
		t.Errorf("merged is %+v", got)
	}
	check("less is said", 0)
	moved := full
	moved.Zone = "b"
	if got := f.merge(membersOf(moved)); got[0].Instance != moved {
		t.Errorf("merged is %+v", got)
	}
	check("it changes", 1)
	unknown := lsapi.Instance{ID: "i-1"}
	if got := f.merge(membersOf(unknown)); got[0].Instance != unknown {
		t.Errorf("merged is %+v", got)
	}
	check("EC2 does not know it", 2)
	if got := f.merge(membersOf(short)); got[0].Instance != short {
		t.Errorf("merged is %+v", got)
	}
	check("EC2 knows it", 3)
	f.keep(nil)
	check("it is unused", 3)
	f.keep(nil)
	check("it is forgotten", 4)
	if got, revision := f.of([]lsapi.MemberID{lsapi.InstanceMember("i-1")}); got[0].Instance.ID != "i-1" || revision != noRevision {
		t.Errorf("of what is not known it returns %+v of %d", got, revision)
	}
}

// membersOf returns the instances as members without a port.
func membersOf(instances ...lsapi.Instance) []lsapi.Member {
	members := make([]lsapi.Member, len(instances))
	for i, instance := range instances {
		members[i] = lsapi.Member{ID: lsapi.InstanceMember(instance.ID), Instance: instance}
	}
	return members
}
