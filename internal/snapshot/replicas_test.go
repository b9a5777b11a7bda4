package snapshot_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/snapshot"
)

// board is where the replicas of a test meet: who leads, for how long, and what
// was published.
type board struct {
	members []*replica

	mu      sync.Mutex
	away    bool
	leader  *replica
	until   time.Time
	version int64
	shared  map[lsapi.Kind]lsapi.SharedListing // its pools are in rows
	rows    map[lsapi.PoolID]row
	changed chan struct{}
}

type row struct {
	lsapi.Membership
	version int64
	gone    bool
}

// leads is the place of the replica that leads.
func (b *board) leads() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Index(b.members, b.leader)
}

const lease = 4 * time.Second

func newBoard() *board {
	return &board{shared: make(map[lsapi.Kind]lsapi.SharedListing), rows: make(map[lsapi.PoolID]row), changed: make(chan struct{})}
}

// replica is one of them.
type replica struct{ *board }

func (r *replica) Lead(context.Context) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return false, errors.New("away")
	}
	if now := time.Now(); r.leader == r || r.leader == nil || now.After(r.until) {
		r.leader, r.until = r, now.Add(lease)
	}
	return r.leader == r, nil
}

func (r *replica) Publish(_ context.Context, state lsapi.KindListing, all []lsapi.Membership) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leader != r {
		return errors.New("it does not lead")
	}
	r.version++
	if state.Failure != "" {
		state.AsOf = r.shared[state.Kind].AsOf
	} else {
		r.put(state.Kind, all)
	}
	r.shared[state.Kind] = lsapi.SharedListing{KindListing: state, Version: r.version}
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

func (r *replica) put(kind lsapi.Kind, all []lsapi.Membership) {
	listed := make(map[lsapi.PoolID]bool)
	for _, m := range all {
		listed[m.Pool] = true
		if old, ok := r.rows[m.Pool]; !ok || old.gone || !slices.Equal(old.Members, m.Members) {
			r.rows[m.Pool] = row{Membership: m, version: r.version}
		}
	}
	for pool, old := range r.rows {
		if pool.Kind == kind && !listed[pool] && !old.gone {
			r.rows[pool] = row{version: r.version, gone: true}
		}
	}
}

func (r *replica) SharedListing(ctx context.Context, kind lsapi.Kind, after int64) (lsapi.SharedListing, error) {
	for {
		r.mu.Lock()
		news, changed := r.since(kind, after), r.changed
		r.mu.Unlock()
		if news.Version > after {
			return news, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return lsapi.SharedListing{}, ctx.Err()
		}
	}
}

func (r *replica) since(kind lsapi.Kind, after int64) lsapi.SharedListing {
	p := r.shared[kind]
	for pool, row := range r.rows {
		switch {
		case row.version <= after || pool.Kind != kind:
		case row.gone:
			p.Gone = append(p.Gone, pool)
		default:
			p.Pools = append(p.Pools, row.Membership)
		}
	}
	return p
}

// inReplicas runs a test with so many replicas of one region.
func inReplicas(t *testing.T, aws *fakeAWS, n int, test func(t *testing.T, b *board, replicas []*region)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		replicas := make([]*region, n)
		for i := range replicas {
			r := &region{aws: aws, overlay: make(map[lsapi.PoolID][]lsapi.MemberID)}
			b.members = append(b.members, &replica{b})
			r.Snapshot = snapshot.NewWithFakes(snapshot.Options{
				Kinds: bothKinds, Denied: isDenied,
				AWS: aws, Named: aws, Encode: encode, Overlay: r, Replicas: b.members[i],
				MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
			})
			r.Start()
			replicas[i] = r
		}
		test(t, b, replicas)
		for _, r := range replicas {
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// readAll reads the load balancer through every replica, ten times a second.
func readAll(t *testing.T, replicas []*region, lasts time.Duration, want string) {
	t.Helper()
	for range lasts / (100 * time.Millisecond) {
		for i, r := range replicas {
			if got, age := r.read(t, lsapi.ELB("web"), false); got != want || age > maxStaleness {
				t.Fatalf("replica %d reads %q, %v old, want %q", i, got, age, want)
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestReplicasCostWhatOneCosts(t *testing.T) {
	calls := make(map[int]map[string]int)
	for _, n := range []int{1, 2, 3} {
		aws := newFakeAWS()
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		aws.set(lsapi.ELB("other"), lsapi.InstanceMember("i-3"))
		inReplicas(t, aws, n, func(t *testing.T, _ *board, replicas []*region) {
			readAll(t, replicas, time.Second, "i-1:t2.micro i-2:t2.micro") // each is warm
			before := []int{aws.count("LoadBalancers"), aws.count("Members"), aws.count("Instances")}
			readAll(t, replicas, 5*time.Minute, "i-1:t2.micro i-2:t2.micro")
			calls[n] = map[string]int{
				"LoadBalancers": aws.count("LoadBalancers") - before[0],
				"Members":       aws.count("Members") - before[1],
				"Instances":     aws.count("Instances") - before[2],
			}
		})
	}
	for n, made := range calls {
		for op, count := range made {
			if one := calls[1][op]; count > one+1 || count < one-1 {
				t.Errorf("%d replicas made %d calls of %s, one makes %d", n, count, op, one)
			}
		}
	}
}

func TestFollowerPublishesCreationChangeAndDeletion(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inReplicas(t, aws, 2, func(t *testing.T, b *board, replicas []*region) {
		readAll(t, replicas, 5*time.Second, "i-1:t2.micro")
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-9"))
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		time.Sleep(maxStaleness)
		readAll(t, replicas, time.Second, "i-1:t2.micro i-9:t2.micro")
		for i, r := range replicas {
			r.wantRead(t, lsapi.ELB("new"), "i-2:t2.micro")
			if stats := r.Stats(); stats.Pools != 2 || stats.Kinds[0].Age > maxStaleness {
				t.Errorf("replica %d has %+v", i, stats)
			}
		}
		aws.change(func(f *fakeAWS) { delete(f.members, lsapi.ELB("new")) })
		readAll(t, replicas, 2*maxStaleness, "i-1:t2.micro i-9:t2.micro")
		before := aws.count("Members")
		for i, r := range replicas {
			if stats := r.Stats(); stats.Pools != 1 {
				t.Errorf("replica %d still has %d load balancers", i, stats.Pools)
			}
			r.wantRead(t, lsapi.ELB("new"), "!not_found")
		}
		if n := aws.count("Members") - before; n > 0 {
			t.Errorf("a name that the listing lacks cost %d calls", n)
		}
	})
}

func TestRemainingReplicaTakesOverRefreshes(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inReplicas(t, aws, 2, func(t *testing.T, b *board, replicas []*region) {
		readAll(t, replicas, 5*time.Second, "i-1:t2.micro")
		dead := b.leads()
		if err := replicas[dead].Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := replicas[1-dead : 2-dead]
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		time.Sleep(lease + 2*time.Second)
		before := aws.count("LoadBalancers")
		readAll(t, left, 10*time.Second, "i-1:t2.micro i-2:t2.micro")
		if n := aws.count("LoadBalancers") - before; n < 4 {
			t.Errorf("the remaining replica made %d listings in 10 s", n)
		}
	})
}

func TestPartitionedReplicasRefreshEachForItself(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inReplicas(t, aws, 2, func(t *testing.T, b *board, replicas []*region) {
		readAll(t, replicas, 5*time.Second, "i-1:t2.micro")
		b.mu.Lock()
		b.away = true
		b.mu.Unlock()
		time.Sleep(maxStaleness)
		before := aws.count("Members")
		readAll(t, replicas, 20*time.Second, "i-1:t2.micro")
		if n := aws.count("Members") - before; n > 2 {
			t.Errorf("readers had to ask by name %d times", n)
		}
	})
}

// All replicas are ready exactly as long as their lists are served.
func TestReadinessOfReplicasFollowsTheAgeOfTheListing(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inReplicas(t, aws, 2, func(t *testing.T, _ *board, replicas []*region) {
		check := func(when string, ready bool) {
			t.Helper()
			for i, r := range replicas {
				r.Touch()
				if err := r.Ready(); (err == nil) != ready {
					t.Errorf("replica %d %s: %v", i, when, err)
				}
			}
		}
		check("before the first listing", true)
		readAll(t, replicas, 5*time.Second, "i-1:t2.micro")
		check("while AWS answers", true)
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"], f.slow["Members"] = time.Hour, time.Hour })
		time.Sleep(maxStaleOnError - 10*time.Second)
		check("while old lists are served", true)
		time.Sleep(20 * time.Second)
		check("when lists are too old", false)
	})
}

// The old listing of before an idle time does not count until a new one is due.
func TestReadinessAfterAnIdleTimeWaitsForAListing(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["LoadBalancers"] = 5 * time.Second
	inBubble(t, aws, func(t *testing.T, r *region) {
		check := func(when string, ready bool) {
			t.Helper()
			if err := r.Ready(); (err == nil) != ready {
				t.Errorf("%s: %v", when, err)
			}
		}
		r.Touch()
		time.Sleep(2 * idleAfter)
		check("idle", true)
		r.Touch()
		check("at the first read", true)
		time.Sleep(20 * time.Second)
		check("after the next listing", true)
		time.Sleep(2 * idleAfter)
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = time.Hour })
		r.Touch()
		time.Sleep(20 * time.Second)
		check("without a new listing", false)
	})
}
