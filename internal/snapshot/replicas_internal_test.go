package snapshot

import (
	"maps"
	"slices"
	"testing"

	"lsapi"
)

func TestWholeListingReplacesTheFollowedOne(t *testing.T) {
	s := NewWithFakes(Options{})
	listing := func(names ...string) (all []lsapi.Membership) {
		for _, name := range names {
			all = append(all, lsapi.Membership{LoadBalancer: name})
		}
		return all
	}
	want := func(names ...string) {
		t.Helper()
		if got := slices.Sorted(maps.Keys(s.followed.all)); !slices.Equal(got, names) {
			t.Errorf("it follows %v, want %v", got, names)
		}
	}
	s.merge(lsapi.SharedListing{Version: 1, LoadBalancers: listing("api", "web")})
	s.merge(lsapi.SharedListing{Version: 2, LoadBalancers: listing("db"), Gone: []string{"api"}})
	want("db", "web")
	s.merge(lsapi.SharedListing{Version: 2000, LoadBalancers: listing("api"), Whole: true})
	want("api")
}
