package fleet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

func TestGuardsShareTheTagsOfViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		r.add(lsapi.ELB("web")).tags = map[string]string{"env": "prod"}
		tags := startTags(t, r)
		if _, known := tags.Known(lsapi.ELB("web")); known {
			t.Error("the tags are known before a read")
		}
		for range 10 {
			got, err := tags.Of(t.Context(), lsapi.ELB("web"))
			if err != nil || got["env"] != "prod" {
				t.Fatalf("got %v, %v", got, err)
			}
		}
		if got, known := tags.Known(lsapi.ELB("web")); !known || got["env"] != "prod" {
			t.Errorf("known: %v, %v", got, known)
		}
		if n := r.count("Tags"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestTagsAreAtMostTwoMinutesOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		web := r.add(lsapi.ELB("web"))
		web.tags = map[string]string{"v": "1"}
		tags := startTags(t, r)
		if _, err := tags.Of(t.Context(), lsapi.ELB("web")); err != nil {
			t.Fatal(err)
		}
		r.change(func() { web.tags = map[string]string{"v": "2"}; r.fail["Tags"] = lsapi.Errorf(lsapi.CodeThrottled, "") })
		time.Sleep(2*time.Minute - time.Second)
		if got, err := tags.Of(t.Context(), lsapi.ELB("web")); err != nil || got["v"] != "1" {
			t.Errorf("while AWS throttles: %v, %v", got, err)
		}
		time.Sleep(2 * time.Second)
		if got, err := tags.Of(t.Context(), lsapi.ELB("web")); lsapi.ErrorCode(err) != lsapi.CodeThrottled {
			t.Errorf("after two minutes: %v, %v", got, err)
		}
		r.change(func() { delete(r.fail, "Tags") })
		time.Sleep(3 * time.Second)
		if got, err := tags.Of(t.Context(), lsapi.ELB("web")); err != nil || got["v"] != "2" {
			t.Errorf("afterwards: %v, %v", got, err)
		}
	})
}

func TestNeededTagsAreRefreshedInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		pools := make([]lsapi.PoolID, 30)
		for i := range pools {
			pools[i] = lsapi.ELB("web-" + string(rune('A'+i)))
			r.add(pools[i]).tags = map[string]string{"v": "1"}
		}
		tags := startTags(t, r)
		for _, pool := range pools {
			if _, err := tags.Of(t.Context(), pool); err != nil {
				t.Fatal(err)
			}
		}
		before := r.count("Tags")
		for range 28 { // with pauses that are longer than the lifetime would be without refreshes
			time.Sleep(30 * time.Second)
			for _, pool := range pools {
				if _, known := tags.Known(pool); !known {
					t.Fatal("the tags have expired")
				}
			}
		}
		if n := r.count("Tags") - before; n < 14 || n > 32 { // two batches every minute
			t.Errorf("%d calls in 14 minutes", n)
		}
		time.Sleep(10 * time.Minute) // not needed any more
		before = r.count("Tags")
		time.Sleep(10 * time.Minute)
		if n := r.count("Tags") - before; n != 0 {
			t.Errorf("%d calls for pools without changes", n)
		}
	})
}

func TestDenialOfTagsCostsNoCallForEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		r.add(lsapi.ELB("web"))
		r.fail["Tags"] = lsapi.Errorf(lsapi.CodeForbidden, "")
		tags := startTags(t, r)
		for range 100 {
			if _, err := tags.Of(t.Context(), lsapi.ELB("web")); lsapi.ErrorCode(err) != lsapi.CodeForbidden {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := r.count("Tags"); n > 3 {
			t.Errorf("%d calls", n)
		}
		r.change(func() { delete(r.fail, "Tags") })
		time.Sleep(2 * time.Minute)
		if _, err := tags.Of(t.Context(), lsapi.ELB("web")); err != nil {
			t.Error(err)
		}
	})
}

func TestTagsOfMissingPoolsAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegion()
		tags := startTags(t, r)
		if got, err := tags.Of(t.Context(), lsapi.ELB("missing")); err != nil || got != nil {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
