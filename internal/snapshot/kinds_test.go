package snapshot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi"
)

// listed returns what All returns of a kind, or of all: a word for each pool, then one for
// each outdated kind, in brackets if its pools are left out; or "!code".
func (r *region) listed(t *testing.T, kind lsapi.Kind) string {
	t.Helper()
	all, err := r.All(t.Context(), kind)
	if err != nil {
		return "!" + string(lsapi.ErrorCode(err))
	}
	var words []string
	for _, m := range all.Pools {
		words = append(words, m.Pool.Path())
	}
	return strings.Join(append(words, outdatedWords(all.Outdated)...), " ")
}

func outdatedWords(outdated []lsapi.KindListing) (words []string) {
	for _, k := range outdated {
		word := fmt.Sprintf("%s=%s", k.Kind, k.Failure)
		if k.Denied {
			word += ",denied"
		}
		if !k.Served {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return words
}

func twoKinds() *fakeAWS {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.TG("web"), lsapi.InstanceMember("i-1"))
	return aws
}

func (r *region) wantListed(t *testing.T, when string, kind lsapi.Kind, want string) {
	t.Helper()
	began := time.Now()
	if got := r.listed(t, kind); got != want {
		t.Errorf("%s, listed of %q are %q, want %q", when, kind, got, want)
	}
	if took := time.Since(began); took > maxStaleness {
		t.Errorf("%s, that took %v", when, took)
	}
}

func TestFailingKindLeavesTheOtherCurrent(t *testing.T) {
	throttled := lsapi.Errorf(lsapi.CodeThrottled, "")
	for _, failing := range []struct {
		kind, other lsapi.Kind
		fail        func(f *fakeAWS, op string)
		code        string
	}{
		{lsapi.KindTG, lsapi.KindELB, func(f *fakeAWS, op string) { f.fail[op] = throttled }, "throttled"},
		{lsapi.KindELB, lsapi.KindTG, func(f *fakeAWS, op string) { f.fail[op] = throttled }, "throttled"},
		{lsapi.KindTG, lsapi.KindELB, func(f *fakeAWS, op string) { f.slow[op] = time.Hour }, ""}, // it hangs
	} {
		inBubble(t, twoKinds(), func(t *testing.T, r *region) {
			bad, good := lsapi.PoolID{Scope: lsapi.DefaultScope, Kind: failing.kind, Name: "web"}, lsapi.PoolID{Scope: lsapi.DefaultScope, Kind: failing.other, Name: "web"}
			r.wantListed(t, "first", "", "elb/web tg/web")
			r.aws.change(func(f *fakeAWS) { failing.fail(f, lists[failing.kind]) })
			time.Sleep(time.Minute)
			state := string(failing.kind) + "=" + failing.code
			r.wantListed(t, "within the error bound", "", "elb/web tg/web "+state)
			r.wantListed(t, "within the error bound", failing.kind, bad.Path()+" "+state)
			r.wantListed(t, "within the error bound", failing.other, good.Path())
			time.Sleep(2 * maxStaleness)
			began := time.Now()
			invented := good
			invented.Name = "invented"
			r.wantExists(t, invented, lsapi.CodeNotFound)
			invented.Kind = failing.kind
			r.wantExists(t, invented, "")
			if took := time.Since(began); took > maxStaleness {
				t.Errorf("to find out what exists took %v", took)
			}
			for range 30 {
				r.Touch()
				time.Sleep(10 * time.Second)
			}
			r.wantListed(t, "beyond it", failing.other, good.Path())
			if failing.code != "" { // else the first wait for it takes longer
				r.wantListed(t, "beyond it", "", good.Path()+" ["+state+"]")
				r.wantListed(t, "beyond it", failing.kind, "!unavailable")
			}
			if err := r.Ready(); err != nil {
				t.Errorf("it is not ready: %v", err)
			}
			r.aws.change(func(f *fakeAWS) { clear(f.fail) })
			if failing.code != "" {
				time.Sleep(2 * maxStaleness)
				r.wantListed(t, "afterwards", "", "elb/web tg/web")
			}
		})
	}
}

func TestHangingFirstListingOfAKindDelaysTheOtherOnce(t *testing.T) {
	aws := twoKinds()
	aws.slow["TargetGroups"] = time.Hour
	inBubble(t, aws, func(t *testing.T, r *region) {
		began := time.Now()
		if got := r.listed(t, ""); got != "elb/web [tg=]" || time.Since(began) > 11*time.Second {
			t.Errorf("listed are %q, after %v", got, time.Since(began))
		}
		r.wantListed(t, "alone", lsapi.KindELB, "elb/web")
	})
}

func TestDeniedKindIsLeftOutAndNamed(t *testing.T) {
	aws := twoKinds()
	aws.fail["TargetGroups"] = errDenied
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantListed(t, "first", "", "elb/web [tg=forbidden,denied]")
		r.wantListed(t, "first", lsapi.KindTG, "!unavailable")
		if got := r.memberships(t, "i-1", false); got != "web ..." {
			t.Errorf("the instance is in %q", got)
		}
		aws.change(func(f *fakeAWS) { clear(f.fail) })
		time.Sleep(2 * maxStaleness)
		r.wantListed(t, "when AWS permits it", "", "elb/web tg/web")
	})
}

// A new account, and a role for one kind.
func TestEmptyListingIsServedBesideADeniedKind(t *testing.T) {
	aws := newFakeAWS()
	aws.fail["TargetGroups"] = errDenied
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantListed(t, "first", "", "[tg=forbidden,denied]")
		time.Sleep(time.Minute)
		if err := r.Ready(); err != nil {
			t.Errorf("it is not ready: %v", err)
		}
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = errDenied })
		for range maxStaleOnError/time.Second + 10 {
			r.Touch()
			time.Sleep(time.Second)
		}
		r.wantListed(t, "when both are denied", "", "!unavailable")
		if err := r.Ready(); err == nil {
			t.Error("when both are denied it is ready")
		}
	})
}

func TestEmptyListingProvesThatAPoolDoesNotExist(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantListed(t, "first", "", "elb/web")
		time.Sleep(time.Second)
		r.wantRead(t, lsapi.TG("web"), "!not_found")
		if n := aws.count("Members"); n > 0 {
			t.Errorf("it was read %d times by name", n)
		}
	})
}

func TestMembershipsAreIncompleteWhileAKindFails(t *testing.T) {
	inBubble(t, twoKinds(), func(t *testing.T, r *region) {
		found, err := r.Memberships(t.Context(), "i-1", false)
		if err != nil || !found.Whole || len(found.Outdated) > 0 || len(found.Found) != 2 {
			t.Fatalf("it is in %+v, %v", found, err)
		}
		r.aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		time.Sleep(time.Minute)
		for _, step := range []struct {
			when          string
			memberships   int
			outdated      string
			untilNextStep time.Duration
		}{
			{"within the error bound", 2, "elb=upstream", maxStaleOnError},
			{"beyond it", 1, "[elb=upstream]", 0},
		} {
			for _, fresh := range []bool{false, true} {
				found, err = r.Memberships(t.Context(), "i-1", fresh)
				if words := strings.Join(outdatedWords(found.Outdated), " "); err != nil || found.Whole || words != step.outdated || len(found.Found) != step.memberships {
					t.Errorf("%s, fresh %t, it is in %+v (%s), %v", step.when, fresh, found, words, err)
				}
			}
			for range step.untilNextStep / time.Second {
				r.Touch()
				time.Sleep(time.Second)
			}
		}
	})
}

// The record has a load balancer from before the start, of which nothing was read since.
func TestExpectedPoolOfAFailingKindDelaysNoSearch(t *testing.T) {
	aws := twoKinds()
	aws.fail["LoadBalancers"], aws.fail["Members"] = lsapi.Errorf(lsapi.CodeUpstream, ""), lsapi.Errorf(lsapi.CodeUpstream, "")
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.Expect([]lsapi.PoolID{lsapi.ELB("web")})
		r.wantListed(t, "first", "", "tg/web [elb=upstream]")
		found, err := r.Memberships(t.Context(), "i-1", false)
		if err != nil || found.Whole || !slices.Contains(found.Unread, lsapi.ELB("web")) {
			t.Errorf("the instance is in %+v, %v", found, err)
		}
	})
}

func TestPoolsThatCannotBeShownLeaveTheOtherKind(t *testing.T) {
	inBubble(t, twoKinds(), func(t *testing.T, r *region) {
		r.wantListed(t, "first", "", "elb/web tg/web")
		r.aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		r.aws.change(func(f *fakeAWS) { f.fail["Instances"] = lsapi.Errorf(lsapi.CodeThrottled, "") })
		time.Sleep(2 * maxStaleness)
		r.wantListed(t, "without the facts of an instance", "", "tg/web [elb=throttled]")
		r.wantListed(t, "without the facts of an instance", lsapi.KindELB, "!unavailable")
	})
}

func TestFirstFailureEndsTheWaitForAListing(t *testing.T) {
	aws := newFakeAWS()
	aws.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "")
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.All(ctx, ""); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("it returns %v", err)
		}
		h.log(cannotBeRead)
	})
}

func TestFollowersReceiveEachKindAndItsFailures(t *testing.T) {
	aws := twoKinds()
	inReplicas(t, aws, 2, func(t *testing.T, b *board, replicas []*region) {
		for _, r := range replicas {
			r.wantListed(t, "first", "", "elb/web tg/web")
		}
		aws.change(func(f *fakeAWS) { f.fail["TargetGroups"] = lsapi.Errorf(lsapi.CodeThrottled, "") })
		time.Sleep(30 * time.Second)
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		time.Sleep(2 * maxStaleness)
		for _, r := range replicas {
			r.wantListed(t, "while one kind fails", "", "elb/new elb/web tg/web tg=throttled")
			r.wantRead(t, lsapi.ELB("new"), "i-2:t2.micro")
		}
		if n := aws.count("Members"); n > 0 {
			t.Errorf("pools were read %d times by name", n)
		}
		for range 40 {
			time.Sleep(10 * time.Second)
			for _, r := range replicas {
				r.Touch()
			}
		}
		aws.change(func(f *fakeAWS) { f.fail["TargetGroups"] = errDenied })
		time.Sleep(2 * maxStaleness)
		for i, r := range replicas {
			r.wantListed(t, "when it is denied", "", "elb/new elb/web [tg=forbidden,denied]")
			if err := r.Ready(); err != nil {
				t.Errorf("replica %d is not ready: %v", i, err)
			}
		}
		aws.change(func(f *fakeAWS) { clear(f.fail) })
		time.Sleep(2 * maxStaleness)
		for _, r := range replicas {
			r.wantListed(t, "afterwards", "", "elb/new elb/web tg/web")
		}
	})
}

func TestKindThatIsNotServedHasNoPools(t *testing.T) {
	withHooks(t, twoKinds(), func(t *testing.T, r *region, _ *hooks) { // of load balancers only
		r.Expect([]lsapi.PoolID{lsapi.TG("web")})
		r.wantListed(t, "first", "", "elb/web")
		r.wantListed(t, "first", lsapi.KindTG, "")
		r.wantExists(t, lsapi.TG("web"), lsapi.CodeNotFound)
		r.Applied(lsapi.TG("web"), membersOf(lsapi.Instance{ID: "i-2"}), nil)
		if _, err := r.Remembered(lsapi.TG("web")); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("from memory it is %v", err)
		}
		for _, fresh := range []bool{false, true} {
			if got, _ := r.read(t, lsapi.TG("web"), fresh); got != "!not_found" {
				t.Errorf("it reads %q, fresh %t", got, fresh)
			}
		}
		if got := r.memberships(t, "i-1", true); got != "web" {
			t.Errorf("the instance is in %q", got)
		}
	})
}

func TestListingOfEachKindIsLogged(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.Touch()
		time.Sleep(time.Second)
		for _, step := range []struct {
			err  error
			line []string
		}{
			{errDenied, []string{"WARN AWS denies the listing of pools"}},
			{lsapi.Errorf(lsapi.CodeUpstream, ""), []string{cannotBeRead}},
			{errDenied, []string{"WARN AWS denies the listing of pools"}},
			{nil, []string{"INFO AWS permits the listing of pools"}},
			{lsapi.Errorf(lsapi.CodeUpstream, ""), []string{cannotBeRead}},
			{nil, []string{canBeRead}},
		} {
			aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = step.err })
			time.Sleep(2 * maxStaleness)
			h.log(step.line...)
		}
	})
}
