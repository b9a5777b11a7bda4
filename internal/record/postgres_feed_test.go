package record_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// learner keeps the changes that a replica learned.
type learner struct {
	mu      sync.Mutex
	changes map[lsapi.PoolID][]lsapi.Change
	at      map[string]time.Time // by the id of a change
}

func newLearner() *learner {
	return &learner{changes: make(map[lsapi.PoolID][]lsapi.Change), at: make(map[string]time.Time)}
}

func (p *learner) learn(pool lsapi.PoolID, changes []lsapi.AppliedChange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range changes {
		p.changes[pool] = append(p.changes[pool], c.Change)
		p.at[c.ID] = time.Now()
	}
}

// of returns the learned changes of a load balancer, in order.
func (p *learner) of(pool lsapi.PoolID) []lsapi.Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.changes[pool])
}

func (p *learner) learned(id string) (at time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok = p.at[id]
	return at, ok
}

// soon waits for a condition.
func soon(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestFeedPassesOnChangesOfOtherReplicas(t *testing.T) {
	there := postgrestest.URL(t)
	writer := openURL(t, there, record.Options{})
	before := newLane(t, writer, lsapi.ELB("web"))
	before.know()
	before.do(lsapi.Attach, three)
	p := newLearner()
	openURL(t, there, record.Options{Learn: p.learn})

	c := before.do(lsapi.Attach, one)
	before.complete(before.intend(before.change(lsapi.Attach, two)), lsapi.OutcomeRefused)
	before.intend(before.change(lsapi.Detach, one))
	looked := before.now
	before.after(time.Minute)
	before.append(lsapi.Event{Kind: lsapi.EventObserved, At: before.now, Since: looked, Until: before.now, Removed: []lsapi.MemberID{three}})
	last := before.do(lsapi.Attach, lsapi.InstanceMember("i-00000004"))
	soon(t, "all changes", func() bool { return len(p.of(lsapi.ELB("web"))) >= 3 })
	received := p.of(lsapi.ELB("web"))
	if len(received) != 3 || received[0].ID != c.ID || received[0].Instance != c.Instance || received[0].CompletedAt.IsZero() || received[2].ID != last.ID {
		t.Fatalf("learned %+v, want the applied changes", received)
	}
	if outside := received[1]; outside.Source != lsapi.SourceExternal || outside.Member != three || outside.Action != lsapi.Detach {
		t.Errorf("learned %+v as the external change", outside)
	}
}

func TestFeedPassesOnChangesWithin100Milliseconds(t *testing.T) {
	there := postgrestest.URL(t)
	p := newLearner()
	writer := openURL(t, there, record.Options{})
	openURL(t, there, record.Options{Learn: p.learn})
	l := newLane(t, writer, lsapi.ELB("web"))
	var took []time.Duration
	for range 20 {
		c := l.do(lsapi.Attach, one)
		recorded := time.Now()
		soon(t, "a change", func() bool { _, ok := p.learned(c.ID); return ok })
		at, _ := p.learned(c.ID)
		took = append(took, at.Sub(recorded))
	}
	slices.Sort(took)
	t.Logf("median %v, longest %v", took[len(took)/2], took[len(took)-1])
	if median := took[len(took)/2]; median > 100*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// Hints that are lost cost half a second.
func TestFeedNeedsNoHints(t *testing.T) {
	there := postgrestest.URL(t)
	network, url := proxied(t, there)
	network.deaf.Store(true)
	p := newLearner()
	writer := openURL(t, there, record.Options{})
	openURL(t, url, record.Options{Learn: p.learn})
	l := newLane(t, writer, lsapi.ELB("web"))
	time.Sleep(200 * time.Millisecond) // it listens, which is a reason to look
	for range 3 {
		c := l.do(lsapi.Attach, one)
		recorded := time.Now()
		soon(t, "the change", func() bool { _, ok := p.learned(c.ID); return ok })
		if at, _ := p.learned(c.ID); at.Sub(recorded) > time.Second {
			t.Errorf("it took %v", at.Sub(recorded))
		}
	}
}

// Whoever writes itself does not pass over what others wrote just before.
func TestFeedPassesOnChangesOfAlternatingReplicas(t *testing.T) {
	there := postgrestest.URL(t)
	learners := []*learner{newLearner(), newLearner()}
	all := []record.Store{openURL(t, there, record.Options{Learn: learners[0].learn}), openURL(t, there, record.Options{Learn: learners[1].learn})}
	ids := make([][]string, 2)
	for i := range 60 {
		l := newLane(t, all[i%2], lsapi.ELB("web"))
		ids[i%2] = append(ids[i%2], l.do(lsapi.Attach, one).ID)
		give(t, all[i%2], l.lease)
	}
	for i, p := range learners {
		for _, id := range ids[1-i] {
			soon(t, "a change of the other", func() bool { _, ok := p.learned(id); return ok })
		}
	}
}

// Whatever is cut when, everything is learned, and in order.
func TestFeedIsCompleteAfterLostConnections(t *testing.T) {
	t.Parallel()
	there := postgrestest.URL(t)
	network, url := proxied(t, there)
	p := newLearner()
	writers := []record.Store{openURL(t, there, record.Options{}), openURL(t, there, record.Options{})}
	openURL(t, url, record.Options{Learn: p.learn})

	stop := make(chan struct{})
	var chaos, work sync.WaitGroup
	chaos.Go(func() {
		for {
			select {
			case <-stop:
				network.down.Store(false)
				return
			case <-time.After(time.Duration(rand.IntN(150)) * time.Millisecond):
				network.down.Store(rand.IntN(3) == 0)
				network.cut()
			}
		}
	})
	const lanes, changes = 4, 100
	want := make([][]string, lanes)
	for i := range lanes {
		work.Go(func() {
			l := newLane(t, writers[i%2], lsapi.ELB(fmt.Sprintf("lb-%d", i)))
			l.know()
			l.now = noon.Add(-time.Duration(i) * time.Hour) // whatever the clocks say
			for range changes {
				want[i] = append(want[i], l.do(lsapi.Attach, one).ID)
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			}
		})
	}
	work.Wait()
	close(stop)
	chaos.Wait()
	for i := range lanes {
		pool := fmt.Sprintf("lb-%d", i)
		soon(t, "the last change of "+pool, func() bool { _, ok := p.learned(want[i][changes-1]); return ok })
		wantIDs(t, p.of(lsapi.ELB(pool)), want[i]...)
	}
}

func TestReplicasReportsTheLiveReplicas(t *testing.T) {
	t.Parallel()
	there := postgrestest.URL(t)
	network, url := proxied(t, there)
	var mu sync.Mutex
	var counts []int
	openURL(t, url, record.Options{Replicas: func(live int) {
		mu.Lock()
		defer mu.Unlock()
		counts = append(counts, live)
	}})
	last := func(want int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return counts[len(counts)-1] == want
		}
	}
	if !last(1)() {
		t.Fatalf("alone, learned %v", counts)
	}
	second := openURL(t, there, record.Options{})
	soon(t, "the second", last(2))
	networkOfThird, urlOfThird := proxied(t, there)
	openURL(t, urlOfThird, record.Options{})
	soon(t, "the third", last(3))
	if err := second.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	soon(t, "the second's end", last(2))
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v to see that a replica ended", took)
	}
	networkOfThird.down.Store(true) // as if it was killed
	networkOfThird.cut()
	soon(t, "the third's end", last(1))
	network.down.Store(true)
	network.cut()
	time.Sleep(3 * time.Second)
	mu.Lock()
	if !slices.Equal(counts, []int{1, 2, 3, 2, 1}) {
		t.Errorf("learned %v", counts)
	}
	mu.Unlock()
	network.down.Store(false)
	networkOfThird.down.Store(false)
	soon(t, "the third again", last(2))
}
