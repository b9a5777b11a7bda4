package snapshot_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi"
)

// all returns what All returns, a word for each load balancer, or "!code".
func (r *region) all(t *testing.T) (list string, age time.Duration) {
	t.Helper()
	found, err := r.All(t.Context(), "")
	if err != nil {
		return "!" + string(lsapi.ErrorCode(err)), 0
	}
	words := make([]string, 0, len(found.Pools))
	for _, m := range found.Pools {
		age = max(age, time.Since(m.AsOf))
		word := m.Pool.Name
		for _, member := range m.Members {
			word += ":" + member.ID.Instance
		}
		if m.Description != nil {
			word += "@" + m.Description.DNSName
		}
		words = append(words, word)
	}
	return strings.Join(words, " "), age
}

func TestAllReadsOneListingWithinTheBound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-2"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("app"), lsapi.InstanceMember("i-3"))
	aws.set(lsapi.ELB("empty"))
	aws.change(func(f *fakeAWS) { f.members[lsapi.ELB("empty")] = []lsapi.MemberID{} })
	inBubble(t, aws, func(t *testing.T, r *region) {
		const want = "app:i-3@app.example empty@empty.example web:i-2:i-1@web.example"
		for range 100 {
			if got, age := r.all(t); got != want || age > maxStaleness {
				t.Fatalf("it returns %q, %v old", got, age)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := aws.count("LoadBalancers"); n > 8 || aws.count("Members") > 0 {
			t.Errorf("ten seconds cost %d listings and %d reads by name", n, aws.count("Members"))
		}
		if got := r.Pools(); !slices.Equal(got, []lsapi.PoolID{lsapi.ELB("app"), lsapi.ELB("empty"), lsapi.ELB("web")}) {
			t.Errorf("the names are %v", got)
		}
	})
}

func TestAllWaitsForAListingBeyondTheBound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubbleIdle(t, aws, time.Second, func(t *testing.T, r *region) {
		r.all(t)
		time.Sleep(time.Minute) // without reads nothing is listed
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		if got, age := r.all(t); got != "new:i-2@new.example web:i-1@web.example" || age > maxStaleness {
			t.Errorf("it returns %q, %v old", got, age)
		}
	})
}

func TestAllReturnsTheLastListingWhileAWSFails(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = &lsapi.Error{Code: lsapi.CodeThrottled} })
		if got, _ := r.all(t); got != "!unavailable" {
			t.Errorf("before anything is known, it returns %q", got)
		}
		aws.change(func(f *fakeAWS) { delete(f.fail, "LoadBalancers") })
		time.Sleep(maxStaleness)
		r.all(t)
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = &lsapi.Error{Code: lsapi.CodeThrottled} })
		time.Sleep(time.Minute)
		began := time.Now()
		if got, age := r.all(t); got != "web:i-1@web.example" || age < 50*time.Second {
			t.Errorf("it returns %q, %v old", got, age)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("that took %v", took)
		}
		for range 60 { // with reads all the time
			time.Sleep(10 * time.Second)
			r.Touch()
		}
		if got, _ := r.all(t); got != "!unavailable" {
			t.Errorf("when it is too old, it returns %q", got)
		}
	})
}

func TestAllOmitsNoLoadBalancerWithoutFacts(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.all(t)
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		aws.change(func(f *fakeAWS) { f.fail["Instances"] = &lsapi.Error{Code: lsapi.CodeUpstream} })
		time.Sleep(2 * maxStaleness)
		if got, _ := r.all(t); !strings.HasPrefix(got, "!") {
			t.Errorf("where the instances of one cannot be looked up, it returns %q", got)
		}
		aws.change(func(f *fakeAWS) { delete(f.fail, "Instances") })
		time.Sleep(2 * maxStaleness)
		if got, _ := r.all(t); got != "new:i-2@new.example web:i-1@web.example" {
			t.Errorf("it returns %q", got)
		}
	})
}

func TestOneHasItsDescriptionAfterANamedRead(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.all(t)
		one := func(fresh bool) lsapi.Membership {
			t.Helper()
			called := time.Now()
			m, err := r.One(t.Context(), lsapi.ELB("web"), fresh)
			if err != nil || fresh && m.AsOf.Before(called) || time.Since(m.AsOf) > maxStaleness {
				t.Fatalf("as of %v before: %v", time.Since(m.AsOf), err)
			}
			return m
		}
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		r.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-2", State: lsapi.StateRunning}), nil)
		if m := one(false); len(m.Members) != 2 || m.Description == nil {
			t.Errorf("after a change it is %+v", m)
		}
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-3"))
		if m := one(true); len(m.Members) != 1 || m.Members[0].ID.Instance != "i-3" || m.Description == nil {
			t.Errorf("afresh it is %+v", m)
		}
		if _, err := r.One(t.Context(), lsapi.ELB("invented"), false); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("an invented one is %v", err)
		}
	})
}

func TestTouchKeepsRefreshesGoing(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubbleIdle(t, aws, 5*time.Second, func(t *testing.T, r *region) {
		for range 60 {
			r.Touch()
			time.Sleep(time.Second)
		}
		if n := aws.count("LoadBalancers"); n < 30 {
			t.Errorf("in a minute there were %d listings", n)
		}
	})
}

// One whose instances cannot be looked up is as old as its last entry, and so are all.
func TestAllAreAsOldAsTheOldest(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("api"), lsapi.InstanceMember("i-2"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.all(t)
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-3"))
		aws.change(func(f *fakeAWS) { f.fail["Instances"] = &lsapi.Error{Code: lsapi.CodeUpstream} })
		time.Sleep(20 * time.Second)
		if got, age := r.all(t); !strings.Contains(got, "web:i-1@") || age < 15*time.Second {
			t.Errorf("it returns %q, %v old", got, age)
		}
	})
}

func TestAllWaitsOnlyAsLongAsNeeded(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = 3 * time.Second })
		if got, _ := r.all(t); got != "web:i-1@web.example" {
			t.Errorf("cold, it returns %q", got)
		}
		time.Sleep(time.Second)
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = time.Hour })
		time.Sleep(time.Minute)
		began := time.Now()
		if got, age := r.all(t); got != "web:i-1@web.example" || age < time.Minute/2 || time.Since(began) != patience {
			t.Errorf("while AWS hangs it returns %q, %v old, after %v", got, age, time.Since(began))
		}
	})
	aws = newFakeAWS()
	aws.slow["LoadBalancers"] = time.Hour
	inBubble(t, aws, func(t *testing.T, r *region) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.All(ctx, ""); lsapi.ErrorCode(err) != lsapi.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who leaves gets %v", err)
		}
	})
}
