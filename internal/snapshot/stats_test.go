package snapshot_test

import (
	"testing"
	"time"

	"lsapi"
)

func TestStatsHaveTheAgesOfHotAndColdPools(t *testing.T) {
	aws := newFakeAWS()
	aws.latency = 0
	hot, cold := lsapi.TG("hot"), lsapi.TG("cold")
	aws.set(hot, lsapi.InstanceMember("i-1"))
	aws.set(cold, lsapi.InstanceMember("i-2"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		began := time.Now()
		r.Touch()
		time.Sleep(maxStaleness)
		if got := r.Stats(); got.HotAge != 0 || got.ColdAge != time.Since(began) || got.HotBound != maxStaleness {
			t.Errorf("before any read the state is %+v", got)
		}
		report := func(pool lsapi.PoolID) {
			r.Reported(lsapi.HealthReport{Pool: pool, Whole: true, AsOf: time.Now()}, false)
		}
		report(hot)
		report(cold)
		time.Sleep(time.Second)
		if _, err := r.One(t.Context(), hot, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		report(hot)
		time.Sleep(3 * time.Second)
		if got := r.Stats(); got.HotAge != 3*time.Second || got.ColdAge != 5*time.Second {
			t.Errorf("the oldest hot members are %v old, want 3s, the cold ones %v, want 5s", got.HotAge, got.ColdAge)
		}
	})
}
