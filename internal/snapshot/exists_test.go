package snapshot_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

func (r *region) wantExists(t *testing.T, pool lsapi.PoolID, want lsapi.Code) (took time.Duration) {
	t.Helper()
	start := time.Now()
	if got := lsapi.ErrorCode(r.Exists(t.Context(), pool)); got != want {
		t.Errorf("%s: got code %q, want %q", pool, got, want)
	}
	return time.Since(start)
}

func TestExistsUsesTheNextListing(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(200 * time.Millisecond) // the first listing is there
		calls := aws.count("Members")
		if took := r.wantExists(t, lsapi.ELB("web"), ""); took > 0 {
			t.Errorf("a known name took %v", took)
		}
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		if took := r.wantExists(t, lsapi.ELB("new"), ""); took == 0 || took > maxStaleness {
			t.Errorf("a load balancer that was just created was found after %v", took)
		}
		if took := r.wantExists(t, lsapi.ELB("invented"), lsapi.CodeNotFound); took == 0 || took > maxStaleness {
			t.Errorf("an invented name was refused after %v, want after one more listing", took)
		}
		if n := aws.count("Members") - calls; n > 0 {
			t.Errorf("it cost %d named reads", n)
		}
	})
}

func TestExistsIgnoresAListingThatBeganBefore(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = 200 * time.Millisecond })
		listings := aws.count("LoadBalancers")
		for aws.count("LoadBalancers") == listings {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond) // that listing is about to end
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = 0 })
		if took := r.wantExists(t, lsapi.ELB("invented"), lsapi.CodeNotFound); took < time.Second {
			t.Errorf("it was refused after %v, by a listing that had begun before", took)
		}
	})
}

func TestExistsAcceptsAnyNameWhileAWSFails(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		if took := r.wantExists(t, lsapi.ELB("cold"), ""); took > 0 {
			t.Errorf("it took %v when nothing was listed", took)
		}
		time.Sleep(200 * time.Millisecond)
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		r.wantExists(t, lsapi.ELB("invented"), "")
	})
}

func TestExistsEndsWithItsContext(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(200 * time.Millisecond)
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if code := lsapi.ErrorCode(r.Exists(ctx, lsapi.ELB("invented"))); code != lsapi.CodeTimeout {
			t.Errorf("got code %q", code)
		}
		synctest.Wait()
	})
}

func TestDeniedListingDoesNotProveThatAPoolIsMissing(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(200 * time.Millisecond) // the first listing is there
		aws.change(func(f *fakeAWS) { f.fail["TargetGroups"], f.fail["Members"] = errDenied, errDenied })
		time.Sleep(2 * maxStaleness)
		r.wantExists(t, lsapi.TG("web"), "")
		for _, fresh := range []bool{false, true} {
			if _, err := r.Read(t.Context(), lsapi.TG("web"), fresh); err == nil || lsapi.ErrorCode(err) == lsapi.CodeNotFound {
				t.Errorf("a read, fresh %t, returns %v", fresh, err)
			}
		}
		aws.change(func(f *fakeAWS) { delete(f.fail, "Members") })
		r.wantRead(t, lsapi.TG("invented"), "!not_found") // by its name
		aws.change(func(f *fakeAWS) { f.fail["TargetGroups"] = nil })
		time.Sleep(2 * maxStaleness)
		r.wantExists(t, lsapi.TG("invented"), lsapi.CodeNotFound)
	})
}
