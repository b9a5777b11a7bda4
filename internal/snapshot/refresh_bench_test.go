package snapshot

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"lsapi"
)

// still is a region in which nothing happens. Its pages are the same each time,
// as the cloud's are whose bytes are.
type still struct {
	pages     [][]lsapi.Pool
	instances map[string]lsapi.Instance
}

func newStill(loadBalancers, members int) *still {
	s := &still{instances: make(map[string]lsapi.Instance)}
	var all []lsapi.Pool
	for n := range loadBalancers {
		lb := lsapi.Pool{ID: lsapi.ELB(fmt.Sprintf("elb-%04d", n+1))}
		for m := range members {
			id := fmt.Sprintf("i-%017x", n*members+m)
			lb.Members = append(lb.Members, lsapi.InstanceMember(id))
			s.instances[lsapi.InstanceMember(id).String()] = lsapi.Instance{ID: id, Type: "t2.micro", State: lsapi.StateRunning}
		}
		all = append(all, lb)
	}
	s.pages = slices.Collect(slices.Chunk(all, 400))
	return s
}

func (s *still) Pools(context.Context, lsapi.Kind) iter.Seq2[[]lsapi.Pool, error] {
	return func(yield func([]lsapi.Pool, error) bool) {
		for _, page := range s.pages {
			if !yield(page, nil) {
				return
			}
		}
	}
}

func (s *still) Members(context.Context, lsapi.PoolID) (lsapi.PoolRead, error) {
	return lsapi.PoolRead{}, nil
}

func (s *still) Instances(context.Context, []string) (map[string]lsapi.Instance, error) {
	return s.instances, nil
}

func (s *still) AllInstances(context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return func(yield func([]lsapi.Instance, error) bool) {
		yield(slices.Collect(maps.Values(s.instances)), nil)
	}
}

// BenchmarkRefresh is a refresh of 1,000 load balancers with 100 members each, of
// which nothing has changed, less the listing itself.
func BenchmarkRefresh(b *testing.B) {
	aws := newStill(1000, 100)
	s := NewWithFakes(Options{
		AWS: aws, Named: aws,
		Encode: func([]lsapi.Member) lsapi.EncodedList { return lsapi.EncodedList{} },
	})
	refresh := func() {
		if _, err := s.refresh(b.Context(), s.listings[lsapi.KindELB]); err != nil {
			b.Fatal(err)
		}
	}
	refresh() // everything is new
	b.ReportAllocs()
	for b.Loop() {
		refresh()
	}
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMemberships finds the load balancers of an instance among 500 with 20 members
// each.
func BenchmarkMemberships(b *testing.B) {
	aws := newStill(500, 20)
	s := NewWithFakes(Options{
		AWS: aws, Named: aws, MaxStaleness: time.Hour, IdleAfter: time.Hour,
		Encode: func([]lsapi.Member) lsapi.EncodedList { return lsapi.EncodedList{} },
	})
	if _, err := s.refresh(b.Context(), s.listings[lsapi.KindELB]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if found, err := s.Memberships(b.Context(), "i-00000000000000007", false); err != nil || len(found.Found) != 1 {
			b.Fatal(found, err)
		}
	}
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
