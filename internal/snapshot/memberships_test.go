package snapshot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lsapi"
)

// memberships returns what Memberships returns, a word for each load balancer, "?" before
// an unread one and "..." at the end if others may be missing; or "!code".
func (r *region) memberships(t *testing.T, instanceID string, fresh bool) string {
	t.Helper()
	found, err := r.Memberships(t.Context(), instanceID, fresh)
	if err != nil {
		return "!" + string(lsapi.ErrorCode(err))
	}
	var words []string
	for _, m := range found.Found {
		if m.Instance.ID != instanceID || m.AsOf.IsZero() {
			t.Errorf("it is %+v", m)
		}
		words = append(words, m.Pool.Name)
	}
	for _, pool := range found.Unread {
		words = append(words, "?"+pool.Name)
	}
	if !found.Whole {
		words = append(words, "...")
	}
	return strings.Join(words, " ")
}

func TestMembershipsAreFromMemory(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
	aws.set(lsapi.ELB("app"), lsapi.InstanceMember("i-2"))
	aws.set(lsapi.ELB("zoo"), lsapi.InstanceMember("i-3"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		for member, want := range map[lsapi.MemberID]string{lsapi.InstanceMember("i-1"): "web", lsapi.InstanceMember("i-2"): "app web", lsapi.InstanceMember("i-3"): "zoo", lsapi.InstanceMember("i-4"): ""} {
			if got := r.memberships(t, member.String(), false); got != want {
				t.Errorf("%s is in %q, want %q", member, got, want)
			}
		}
		calls := aws.count("LoadBalancers")
		for range 1000 {
			r.memberships(t, "i-2", false)
		}
		if n := aws.count("LoadBalancers"); n != calls || aws.count("Members") > 0 {
			t.Errorf("a thousand calls cost %d listings and %d reads by name", n-calls, aws.count("Members"))
		}
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = &lsapi.Error{Code: lsapi.CodeThrottled} })
		time.Sleep(time.Minute)
		if got := r.memberships(t, "i-2", false); got != "app web ..." {
			t.Errorf("while AWS fails it is in %q", got)
		}
		time.Sleep(maxStaleOnError)
		if got := r.memberships(t, "i-2", false); got != "!unavailable" {
			t.Errorf("beyond the error bound it is in %q", got)
		}
	})
}

func TestFreshMembershipsIncludeEarlierChanges(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("app"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.memberships(t, "i-1", false)
		aws.set(lsapi.ELB("web"))
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-1"))
		if got := r.memberships(t, "i-1", false); got != "web" {
			t.Errorf("from memory it is in %q", got)
		}
		called := time.Now()
		if got := r.memberships(t, "i-1", true); got != "new" {
			t.Errorf("afresh it is in %q", got)
		}
		if took := time.Since(called); took > 2*maxStaleness {
			t.Errorf("that took %v", took)
		}
	})
}

func TestFreshMembershipsIncludeChangesOfOtherReplicas(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.memberships(t, "i-1", false)
		r.onCatchUpAll(func(context.Context) error { // the change is not reported to the snapshot yet
			r.mu.Lock()
			defer r.mu.Unlock()
			r.overlay[lsapi.ELB("web")] = []lsapi.MemberID{lsapi.InstanceMember("i-1")}
			return nil
		})
		if got := r.memberships(t, "i-1", true); got != "web" {
			t.Errorf("it is in %q", got)
		}
		r.mu.Lock()
		delete(r.overlay, lsapi.ELB("web"))
		r.mu.Unlock()
		r.onCatchUpAll(func(context.Context) error { return errors.New("the record is away") })
		if got := r.memberships(t, "i-1", true); got != "..." {
			t.Errorf("while the record cannot be read it is in %q", got)
		}
	})
}

func TestFreshMembershipsNameUnreadLoadBalancers(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("app"), lsapi.InstanceMember("i-2"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.memberships(t, "i-1", false)
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = &lsapi.Error{Code: lsapi.CodeThrottled} })
		time.Sleep(10 * time.Second)
		began := time.Now()
		if got := r.memberships(t, "i-1", true); got != "web ?app ?web ..." || time.Since(began) > 11*time.Second {
			t.Errorf("while AWS fails it is in %q, after %v", got, time.Since(began))
		}
		time.Sleep(maxStaleOnError)
		if got := r.memberships(t, "i-1", true); got != "!unavailable" {
			t.Errorf("beyond the error bound it is in %q", got)
		}
		aws.change(func(f *fakeAWS) {
			delete(f.fail, "LoadBalancers")
			f.fail["Instances"] = &lsapi.Error{Code: lsapi.CodeThrottled}
		})
		time.Sleep(10 * time.Second)
		aws.set(lsapi.ELB("app"), lsapi.InstanceMember("i-3")) // unknown, and cannot be looked up
		if got := r.memberships(t, "i-1", true); got != "web ?app ..." {
			t.Errorf("without the facts of an instance it is in %q", got)
		}
	})
}

func TestFreshMembershipsOmitADeletedLoadBalancer(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("app"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.memberships(t, "i-1", false)
		aws.change(func(f *fakeAWS) { delete(f.members, lsapi.ELB("web")) })
		if got := r.memberships(t, "i-1", true); got != "app" {
			t.Errorf("it is in %q", got)
		}
	})
}

func TestCancelledFreshMembershipsAreATimeout(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.memberships(t, "i-1", false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := r.Memberships(ctx, "i-1", true); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
			t.Errorf("it is %v", err)
		}
	})
}
