package record_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// replicas opens one database several times.
func replicas(t testing.TB, n int) []record.Store {
	t.Helper()
	there := postgrestest.URL(t)
	all := make([]record.Store, n)
	for i := range all {
		all[i] = openURL(t, there, record.Options{})
	}
	return all
}

func take(t testing.TB, s record.Store, pool lsapi.PoolID) lsapi.Lease {
	t.Helper()
	lease, err := s.Acquire(t.Context(), pool)
	if err != nil {
		t.Fatalf("take: %v", err)
	}
	return lease
}

func give(t testing.TB, s record.Store, lease lsapi.Lease) {
	t.Helper()
	if err := s.Release(t.Context(), lease); err != nil {
		t.Fatalf("give: %v", err)
	}
}

// lasting is how long a lease lasts, as its holder reckons.
func lasting(lease lsapi.Lease) time.Duration { return time.Until(lease.Until) }

// waitUntil waits until a time is over, plus a little.
func waitUntil(at time.Time) { time.Sleep(time.Until(at) + 10*time.Millisecond) }

func TestOneReplicaHoldsALease(t *testing.T) {
	all := replicas(t, 3)
	logged := newLane(t, all[0], lsapi.ELB("web")) // leases of a load balancer without a log leave no row
	logged.know(one)
	give(t, all[0], logged.lease)
	var holders, rounds atomic.Int64
	var last int64 // guarded by the lease
	acquired := make([]int, len(all))
	var workers sync.WaitGroup
	for i, s := range all {
		workers.Go(func() {
			for rounds.Add(1) <= 300 {
				lease, err := s.Acquire(t.Context(), lsapi.ELB("web"))
				if err != nil {
					t.Errorf("take: %v", err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d replicas have the lease at once", n)
				}
				if lease.Epoch <= last {
					t.Errorf("epoch %d follows %d", lease.Epoch, last)
				}
				last = lease.Epoch
				acquired[i]++
				time.Sleep(2 * time.Millisecond)
				holders.Add(-1)
				if err := s.Release(t.Context(), lease); err != nil {
					t.Errorf("give: %v", err)
				}
			}
		})
	}
	workers.Wait()
	for i, n := range acquired {
		if n < 300/len(all)/3 {
			t.Errorf("replica %d had %d of 300 rounds: %v", i, n, acquired)
		}
	}
}

// A replica that acquires a lease continuously leaves it to a waiting one, even a slow one.
func TestWaitingReplicaAcquiresTheLeaseNext(t *testing.T) {
	there := postgrestest.URL(t)
	network, far := proxied(t, there)
	network.delay.Store(10_000)
	busy, waits := openURL(t, there, record.Options{}), openURL(t, far, record.Options{})
	give(t, waits, take(t, waits, lsapi.ELB("other"))) // so that it surely listens
	ctx, stop := context.WithCancel(t.Context())
	var worker sync.WaitGroup
	var rounds atomic.Int64
	worker.Go(func() {
		for ctx.Err() == nil {
			lease, err := busy.Acquire(ctx, lsapi.ELB("web"))
			if err != nil {
				continue
			}
			rounds.Add(1)
			time.Sleep(5 * time.Millisecond)
			if err := busy.Release(context.WithoutCancel(ctx), lease); err != nil {
				t.Errorf("give: %v", err)
			}
		}
	})
	soon(t, "the first round", func() bool { return rounds.Load() > 0 })
	before := rounds.Load()
	const waited = 20
	for range waited {
		give(t, waits, take(t, waits, lsapi.ELB("web")))
	}
	if passed := rounds.Load() - before; passed > 8*waited {
		t.Errorf("while it waited %d times, %d rounds passed", waited, passed)
	}
	stop()
	worker.Wait()
}

func TestLeaseHasTheEndOfTheLog(t *testing.T) {
	all := replicas(t, 2)
	var last lsapi.ChainEnd
	for i, s := range []record.Store{all[0], all[0], all[1], all[0], all[1]} {
		lease := take(t, s, lsapi.ELB("web"))
		if lease.ChainEnd.Seq != last.Seq || i > 0 && lease.ChainEnd != last || lease.Epoch < 1 {
			t.Errorf("take %d: got %+v, the log ends at %+v", i, lease, last)
		}
		l := &lane{t: t, s: s, lease: lease, now: noon}
		l.intend(l.change(lsapi.Attach, one))
		last = l.state().ChainEnd
		give(t, s, lease)
	}
}

// TakeTurn and GiveTurn commit with synchronous_commit off: a database that crashes
// forgets the last of them.
func TestLeaseHasTheEndOfTheLogAfterADatabaseCrash(t *testing.T) {
	there := postgrestest.URL(t)
	a, b := openURL(t, there, record.Options{}), openURL(t, there, record.Options{})
	l := newLane(t, a, lsapi.ELB("web"))
	l.know(one)
	known := l.state().ChainEnd
	give(t, a, l.lease)
	give(t, a, take(t, a, lsapi.ELB("web"))) // nothing was appended under it: nothing was flushed
	postgrestest.Exec(t, there, "UPDATE leases SET epoch = epoch - 1, holder = '', expires_at = 'epoch' WHERE name = 'default/elb/web'")
	other := newLane(t, b, lsapi.ELB("web"))
	other.do(lsapi.Attach, two)
	give(t, b, other.lease)
	if lease := take(t, a, lsapi.ELB("web")); lease.ChainEnd == known {
		t.Errorf("the lease %+v does not show what the other replica has appended", lease)
	}
}

func TestLeaseOfAClockThatWasAheadExpires(t *testing.T) {
	there := postgrestest.URL(t)
	a, b := openURL(t, there, record.Options{}), openURL(t, there, record.Options{})
	take(t, a, lsapi.ELB("web")) // and is killed
	postgrestest.Exec(t, there, "UPDATE leases SET expires_at = expires_at + interval '1 hour', next = 'gone', next_until = clock_timestamp() + interval '1 hour' WHERE name = 'default/elb/web'")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	if _, err := b.Acquire(ctx, lsapi.ELB("web")); err != nil {
		t.Errorf("the lease cannot be taken: %v", err)
	}
	if waited := time.Since(began); waited < 3*time.Second {
		t.Errorf("the lease was taken after %v: its holder may still believe in it", waited)
	}
}

func TestLeadOfAClockThatWasAheadExpires(t *testing.T) {
	there := postgrestest.URL(t)
	a, b := openURL(t, there, record.Options{}), openURL(t, there, record.Options{})
	lead(t, a) // and is killed
	postgrestest.Exec(t, there, "UPDATE leases SET expires_at = expires_at + interval '1 hour'")
	soon(t, "the other to lead", func() bool {
		leads, err := b.Lead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return leads
	})
}

func TestLeaseOfAnUnknownLoadBalancerLeavesNoRow(t *testing.T) {
	there := postgrestest.URL(t)
	s := openURL(t, there, record.Options{})
	for _, pool := range []lsapi.PoolID{lsapi.ELB("invented-1"), lsapi.ELB("invented-2")} {
		give(t, s, take(t, s, pool))
	}
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	give(t, s, l.lease)
	take(t, s, lsapi.ELB("invented-3")) // and is killed
	take(t, s, lsapi.ELB("invented-4"))
	postgrestest.Exec(t, there, "UPDATE leases SET expires_at = expires_at - interval '1 day' WHERE name <> 'default/elb/invented-4'")
	if err := s.Prune(t.Context(), dayLong); err != nil {
		t.Fatal(err)
	}
	if names := columnOf[string](t, there, "SELECT name FROM leases ORDER BY name"); !slices.Equal(names, []string{"default/elb/invented-4", "default/elb/web"}) {
		t.Errorf("leases are kept of %v", names)
	}
}

func TestReleasedLeaseIsAcquiredAtOnce(t *testing.T) {
	all := replicas(t, 2)
	give(t, all[1], take(t, all[1], lsapi.ELB("other"))) // so that it surely listens
	var fast int
	for range 10 {
		lease := take(t, all[0], lsapi.ELB("web"))
		taken := make(chan time.Time)
		go func() {
			next, err := all[1].Acquire(t.Context(), lsapi.ELB("web"))
			at := time.Now()
			if err == nil {
				err = all[1].Release(t.Context(), next)
			}
			if err != nil {
				t.Error(err)
			}
			taken <- at
		}()
		time.Sleep(20 * time.Millisecond) // it is waiting
		given := time.Now()
		give(t, all[0], lease)
		if (<-taken).Sub(given) < 100*time.Millisecond {
			fast++
		}
	}
	if fast < 7 {
		t.Errorf("%d of 10 were taken before the next poll", fast)
	}
}

// A replica that was paused for longer than its lease lasts comes too late.
func TestAppendRejectsALostLease(t *testing.T) {
	t.Parallel()
	all := replicas(t, 2)
	first := newLane(t, all[0], lsapi.ELB("web"))
	first.know(one)
	c := first.intend(first.change(lsapi.Attach, two))
	began := time.Now()
	second := newLane(t, all[1], lsapi.ELB("web"))
	if waited := time.Since(began); waited > 4*time.Second {
		t.Errorf("the lease was free after %v", waited)
	}
	if left := lasting(first.lease); left > 0 {
		t.Errorf("it was taken %v before its holder stopped to believe in it", left)
	}
	c.Outcome = lsapi.OutcomeApplied
	_, err := all[0].Append(t.Context(), first.lease, []lsapi.Event{{Kind: lsapi.EventCompleted, At: first.now, Change: c}})
	if !errors.Is(err, lsapi.ErrLeaseLost) || lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		t.Errorf("append: got %v, want that the lease is lost", err)
	}
	if _, err := all[0].Renew(t.Context(), first.lease); !errors.Is(err, lsapi.ErrLeaseLost) {
		t.Errorf("extend: got %v, want that the lease is lost", err)
	}
	give(t, all[0], first.lease) // is given back already
	wantIDs(t, second.state().Open, c.ID)
	second.complete(c, lsapi.OutcomeUnknown)
	wantWhole(t, all[1])
}

func TestAppendAcceptsAnExpiredLeaseWithoutANewHolder(t *testing.T) {
	t.Parallel()
	all := replicas(t, 2)
	l := newLane(t, all[0], lsapi.ELB("web"))
	if left := lasting(l.lease); left < 2*time.Second || left > 4*time.Second {
		t.Errorf("a lease lasts %v", left)
	}
	waitUntil(l.lease.Until.Add(time.Second))
	l.do(lsapi.Attach, one)
	extended, err := all[0].Renew(t.Context(), l.lease)
	if err != nil || lasting(extended) < 2*time.Second || extended.Epoch != l.lease.Epoch {
		t.Errorf("extend: got %+v (%v)", extended, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = all[1].Acquire(ctx, lsapi.ELB("web"))
	wantCode(t, err, lsapi.CodeTimeout) // it was extended
}

func TestRenewKeepsALease(t *testing.T) {
	t.Parallel()
	all := replicas(t, 2)
	lease := take(t, all[0], lsapi.ELB("web"))
	var waiting sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	waiting.Go(func() {
		if _, err := all[1].Acquire(ctx, lsapi.ELB("web")); err == nil {
			t.Error("a lease was taken that is extended all the time")
		}
	})
	for range 6 {
		time.Sleep(time.Second)
		var err error
		if lease, err = all[0].Renew(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	waiting.Wait()
}

// A replica that is paused in the middle of recording holds locks: not for long.
func TestAcquireDoesNotWaitForAHangingReplica(t *testing.T) {
	t.Parallel()
	there := postgrestest.URL(t)
	network, url := proxied(t, there)
	hangs, other := openURL(t, url, record.Options{}), openURL(t, there, record.Options{})
	l := newLane(t, hangs, lsapi.ELB("web"))
	l.know(one)
	network.commits <- stuck
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := hangs.Append(ctx, l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: l.change(lsapi.Attach, two)}})
	wantCode(t, err, lsapi.CodeTimeout)
	began := time.Now()
	lease := take(t, other, lsapi.ELB("web"))
	if waited := time.Since(began); waited > 6*time.Second {
		t.Errorf("the lease was free after %v", waited)
	}
	give(t, other, lease)
	wantWhole(t, other)
}

func TestConcurrentReplicasRecordOneHistory(t *testing.T) {
	all := replicas(t, 3)
	var workers sync.WaitGroup
	const each = 20
	for i, s := range all {
		for j := range 4 {
			workers.Go(func() {
				for n := range each {
					lease, err := s.Acquire(t.Context(), lsapi.ELB(fmt.Sprintf("lb-%d", j)))
					if err != nil {
						t.Error(err)
						return
					}
					l := &lane{t: t, s: s, lease: lease, now: time.Now()}
					l.do(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", i*each+n)))
					if err := s.Release(t.Context(), lease); err != nil {
						t.Error(err)
					}
				}
			})
		}
		workers.Go(func() {
			for range 5 {
				if err := pruneAt(t, s, time.Now(), dayLong); err != nil {
					t.Errorf("prune: %v", err)
				}
				wantWhole(t, s)
			}
		})
	}
	workers.Wait()
	if found := wantWhole(t, all[0]); found.Changes != len(all)*4*each {
		t.Errorf("got %+v", found)
	}
}

func TestReserveGrantsOneReplica(t *testing.T) {
	all := replicas(t, 3)
	for i := range 20 {
		key := lsapi.IdempotencyKey{Actor: "alice", Method: "POST", Path: "/elb/web", Key: fmt.Sprint(i)}
		var won atomic.Int64
		var racers sync.WaitGroup
		for j, s := range all {
			racers.Go(func() {
				taken, err := s.Reserve(t.Context(), key, lsapi.Reservation{ChangeID: fmt.Sprint(j), At: noon})
				if err != nil {
					t.Error(err)
				} else if taken == nil {
					won.Add(1)
				}
			})
		}
		racers.Wait()
		if n := won.Load(); n != 1 {
			t.Fatalf("key %d was reserved by %d replicas", i, n)
		}
	}
}
