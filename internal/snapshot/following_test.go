package snapshot_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/snapshot"
)

// staged are Replicas whose answers are a test's.
type staged struct {
	mu        sync.Mutex
	lead      bool
	failure   error // of Lead
	refusal   error // of Publish
	published chan lsapi.SharedListing
	leads     int   // calls
	after     int64 // the version that was last waited for
}

func (s *staged) Lead(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leads++
	return s.lead && s.failure == nil, s.failure
}

func (s *staged) Publish(context.Context, lsapi.KindListing, []lsapi.Membership) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal
}

func (s *staged) SharedListing(ctx context.Context, _ lsapi.Kind, after int64) (lsapi.SharedListing, error) {
	s.set(func() { s.after = after })
	select {
	case p := <-s.published:
		return p, nil
	case <-ctx.Done():
		return lsapi.SharedListing{}, ctx.Err()
	}
}

func (s *staged) set(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
}

// withStaged is withHooks with Replicas that are a test's.
func withStaged(t *testing.T, aws *fakeAWS, lead bool, test func(t *testing.T, r *region, s *staged, h *hooks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &hooks{t: t, observed: make(map[lsapi.PoolID][]lsapi.MemberID)}
		s := &staged{lead: lead, published: make(chan lsapi.SharedListing)}
		r := &region{aws: aws, overlay: make(map[lsapi.PoolID][]lsapi.MemberID)}
		r.Snapshot = snapshot.NewWithFakes(snapshot.Options{
			AWS: aws, Named: aws, Encode: encode, Overlay: r, Replicas: s, Log: slog.New(h),
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		r.Start()
		test(t, r, s, h)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		h.log()
	})
}

const (
	apart    = "WARN the other replicas cannot be reached"
	together = "INFO the other replicas can be reached again"
)

func TestLeaderReportsUnreachableReplicasOnce(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withStaged(t, aws, true, func(_ *testing.T, r *region, s *staged, h *hooks) {
		r.Touch()
		time.Sleep(10 * time.Second)
		h.log()
		s.set(func() { s.failure = errors.New("away") })
		time.Sleep(20 * time.Second)
		h.log(apart)
		s.set(func() { s.failure = nil })
		time.Sleep(20 * time.Second)
		h.log(together)
		s.set(func() { s.refusal = errors.New("away") })
		time.Sleep(2500 * time.Millisecond)
		h.mu.Lock()
		for _, line := range h.lines {
			if !strings.HasPrefix(line, "WARN the listing could not be published to the other replicas") {
				h.t.Errorf("the log says %q", line)
			}
		}
		if len(h.lines) == 0 {
			h.t.Error("that a listing cannot be published is not in the log")
		}
		h.lines = nil
		h.mu.Unlock()
		s.set(func() { s.refusal = nil })
		time.Sleep(10 * time.Second)
	})
}

// endingReplicas answer nothing before the end.
type endingReplicas struct{ *staged }

func (s endingReplicas) Publish(ctx context.Context, _ lsapi.KindListing, _ []lsapi.Membership) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s endingReplicas) Lead(ctx context.Context) (bool, error) {
	if lead, err := s.staged.Lead(ctx); lead || err != nil {
		return lead, err
	}
	<-ctx.Done()
	return false, ctx.Err()
}

func TestCloseDuringAReplicaRequestIsNoFailure(t *testing.T) {
	for _, lead := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			aws, h := newFakeAWS(), &hooks{t: t, observed: make(map[lsapi.PoolID][]lsapi.MemberID)}
			aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
			r := &region{aws: aws, overlay: make(map[lsapi.PoolID][]lsapi.MemberID)}
			s := snapshot.NewWithFakes(snapshot.Options{
				AWS: aws, Named: aws, Encode: encode, Overlay: r, Replicas: endingReplicas{&staged{lead: lead}}, Log: slog.New(h),
				MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
			})
			s.Start()
			s.Touch()
			time.Sleep(300 * time.Millisecond)
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
			h.log()
		})
	}
}

func TestLeaderKeepsTheLeadDuringALongRefresh(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["LoadBalancers"] = 30 * time.Second
	withStaged(t, aws, true, func(t *testing.T, r *region, s *staged, _ *hooks) {
		r.Touch()
		time.Sleep(20 * time.Second)
		s.set(func() {
			if s.leads < 19 || s.leads > 22 {
				t.Errorf("in 20 s it asked to lead %d times", s.leads)
			}
		})
	})
}

// listing is one that another replica has published of "web" with one instance.
func listing(version int64, asOf time.Time, instance string) lsapi.SharedListing {
	return lsapi.SharedListing{Version: version, KindListing: lsapi.KindListing{Kind: lsapi.KindELB, AsOf: asOf}, Pools: []lsapi.Membership{
		{Pool: lsapi.ELB("web"), Members: membersOf(lsapi.Instance{ID: instance, Type: "t2.micro", State: lsapi.StateRunning})},
	}}
}

func TestFollowerPublishesTheLeadersListing(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-9"))
	withStaged(t, aws, false, func(t *testing.T, r *region, s *staged, _ *hooks) {
		r.Touch()
		exists := make(chan time.Duration, 1)
		time.Sleep(time.Second)
		s.published <- listing(1, time.Now(), "i-1")
		synctest.Wait()
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(time.Millisecond)
		asked := time.Now()
		go func() {
			if code := lsapi.ErrorCode(r.Exists(t.Context(), lsapi.ELB("never"))); code != lsapi.CodeNotFound {
				t.Errorf("an invented name: %q", code)
			}
			exists <- time.Since(asked)
		}()
		synctest.Wait()
		time.Sleep(time.Second)
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		s.published <- listing(2, time.Now(), "i-2")
		if took := <-exists; took != time.Second {
			t.Errorf("an invented name was refused after %v", took)
		}
		synctest.Wait()
		r.wantRead(t, lsapi.ELB("web"), "i-2:t2.micro")
		if got := r.Stats().Achieved; got != time.Second+time.Millisecond {
			t.Errorf("the oldest answer was %v old", got)
		}
		if n := aws.count("Members") + aws.count("LoadBalancers"); n > 0 {
			t.Errorf("AWS was asked %d times", n)
		}
		s.published <- listing(3, time.Now().Add(-11*time.Second), "i-3") // published late
		synctest.Wait()
		r.wantRead(t, lsapi.ELB("web"), "i-2:t2.micro")
		time.Sleep(time.Second)
		s.published <- listing(4, time.Now(), "i-4")
		synctest.Wait()
		r.wantRead(t, lsapi.ELB("web"), "i-4:t2.micro")
		time.Sleep(3 * time.Second)
		s.set(func() {
			if s.after != 4 {
				t.Errorf("when nothing is new, what follows version %d is waited for", s.after)
			}
		})
	})
}

// The overlay may not reach back to a listing that comes late.
func TestFollowerIgnoresAnOldListing(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-9"))
	withStaged(t, aws, false, func(t *testing.T, r *region, s *staged, _ *hooks) {
		r.Touch()
		s.published <- listing(1, time.Now().Add(-11*time.Second), "i-1")
		synctest.Wait()
		if pools := r.Pools(); len(pools) > 0 {
			t.Errorf("it shows %v", pools)
		}
		r.wantRead(t, lsapi.ELB("web"), "i-9:t2.micro")
	})
}

// A process that led, and failed to read AWS, is well when another one can.
func TestFollowerEndsAnOutage(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withStaged(t, aws, true, func(_ *testing.T, r *region, s *staged, h *hooks) {
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		r.Touch()
		time.Sleep(5 * time.Second)
		h.log(cannotBeRead)
		s.set(func() { s.lead = false })
		time.Sleep(2 * time.Second)
		s.published <- listing(1, time.Now(), "i-1")
		synctest.Wait()
		h.log(canBeRead)
	})
}

// A listing that took longer than the bound is a success all the same.
func TestSlowListingEndsTheOutageOfAFollower(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withStaged(t, aws, false, func(_ *testing.T, r *region, s *staged, h *hooks) {
		r.Touch()
		failed := listing(1, time.Now(), "i-1")
		failed.Failure = lsapi.CodeUpstream
		s.published <- failed
		time.Sleep(time.Second)
		h.log(cannotBeRead)
		s.published <- listing(2, time.Now().Add(-2*maxStaleness), "i-1")
		time.Sleep(time.Second)
		h.log(canBeRead)
	})
}

func TestFollowerWithoutNewsDoesNotSpin(t *testing.T) {
	aws := newFakeAWS()
	withStaged(t, aws, false, func(t *testing.T, r *region, s *staged, _ *hooks) {
		r.Touch()
		time.Sleep(20 * time.Second)
		s.set(func() {
			if s.leads < 15 || s.leads > 25 {
				t.Errorf("in 20 s it asked to lead %d times", s.leads)
			}
		})
	})
}

// leaseless answer no request to lead before the end.
type leaseless struct{ *staged }

func (leaseless) Lead(ctx context.Context) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func TestCloseDuringAnOutageOfTheReplicasEndsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws, h := newFakeAWS(), &hooks{t: t, observed: make(map[lsapi.PoolID][]lsapi.MemberID)}
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
		r := &region{aws: aws, overlay: make(map[lsapi.PoolID][]lsapi.MemberID)}
		s := snapshot.NewWithFakes(snapshot.Options{
			AWS: aws, Named: aws, Encode: encode, Overlay: r, Replicas: leaseless{new(staged)}, Log: slog.New(h),
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		s.Start()
		s.Touch()
		time.Sleep(5 * time.Second) // the second request to lead is under way
		h.log(apart)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		h.log()
	})
}
