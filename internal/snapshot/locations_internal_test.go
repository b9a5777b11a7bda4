package snapshot

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// A search by the index finds what a look at every member finds, whatever was published,
// dropped and published anew.
func TestLocationsAreThoseOfTheEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stillSnapshot(newStill(1, 1))
		random := rand.New(rand.NewPCG(1, 2))
		pools := []lsapi.PoolID{lsapi.ELB("a"), lsapi.ELB("b"), lsapi.TG("a")}
		for range 500 {
			time.Sleep(time.Second)
			pool := pools[random.IntN(len(pools))]
			if random.IntN(5) == 0 {
				s.drop(pool, time.Now())
			} else {
				var ids []lsapi.MemberID
				for i := range 4 {
					if random.IntN(2) == 0 {
						ids = append(ids, lsapi.MemberID{Instance: fmt.Sprintf("i-%d", i), Port: uint16(8000 + random.IntN(2))})
					}
				}
				s.publish(s.slotsFor(pool)[0], ids, nil, time.Now())
			}
			checkLocations(t, s)
		}
	})
}

func checkLocations(t *testing.T, s *Snapshot) {
	t.Helper()
	want := make(map[string][]*slot)
	for _, sl := range *s.slots.Load() {
		e := sl.current.Load()
		if e == nil {
			continue
		}
		for id := range instanceSet(e.members) {
			want[id] = append(want[id], sl)
		}
	}
	for i := range 4 {
		id := fmt.Sprintf("i-%d", i)
		got := s.locations.of(id)
		if len(got) != len(want[id]) || slices.ContainsFunc(want[id], func(sl *slot) bool { return !slices.Contains(got, sl) }) {
			t.Fatalf("%s is in %d slots, want %d", id, len(got), len(want[id]))
		}
	}
}
