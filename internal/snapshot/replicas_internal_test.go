package snapshot

import (
	"maps"
	"slices"
	"testing"

	"lsapi"
)

func TestWholeListingReplacesTheFollowedOne(t *testing.T) {
	s := NewWithFakes(Options{})
	l := s.listings[lsapi.KindELB]
	listing := func(pools ...lsapi.PoolID) (all []lsapi.Membership) {
		for _, pool := range pools {
			all = append(all, lsapi.Membership{Pool: pool})
		}
		return all
	}
	want := func(pools ...lsapi.PoolID) {
		t.Helper()
		if got := slices.SortedFunc(maps.Keys(l.followed.all), lsapi.PoolID.Compare); !slices.Equal(got, pools) {
			t.Errorf("it follows %v, want %v", got, pools)
		}
	}
	s.merge(l, lsapi.SharedListing{Version: 1, Pools: listing(lsapi.ELB("api"), lsapi.ELB("web"))})
	s.merge(l, lsapi.SharedListing{Version: 2, Pools: listing(lsapi.ELB("db")), Gone: []lsapi.PoolID{lsapi.ELB("api")}})
	want(lsapi.ELB("db"), lsapi.ELB("web"))
	s.merge(l, lsapi.SharedListing{Version: 2000, Pools: listing(lsapi.ELB("api")), Whole: true})
	want(lsapi.ELB("api"))
}
