package record_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// A transaction that began first may end last. What is read is held back until then,
// so that nothing appears before it.
func TestEventsNeverAppearBeforeReadOnes(t *testing.T) {
	there := postgrestest.URL(t)
	s := openURL(t, there, record.Options{})
	l := newLane(t, s, lsapi.ELB("web"))
	l.say(inService(one))
	first := events(t, s, lsapi.Position{}, 10)
	began := end(t, s)

	conn, err := pgx.Connect(t.Context(), there)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	slow, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// As another replica would, for another load balancer.
	if _, err := slow.Exec(t.Context(), "INSERT INTO events (pool, seq, at, kind, payload, prev_hash, hash) "+
		"SELECT 'default/elb/www', 7, at, kind, payload, prev_hash, hash FROM events WHERE pool = 'default/elb/web' AND seq = 1"); err != nil {
		t.Fatal(err)
	}
	l.say(outOfService(one))
	if found := events(t, s, began, 10); len(found) != 0 {
		t.Errorf("it reads %+v while a transaction that began before is open", found)
	}
	if now := end(t, s); now != began {
		t.Errorf("the record ends at %+v, want %+v", now, began)
	}
	received := news(t.Context(), s, began)
	select {
	case err := <-received:
		t.Errorf("news are reported that cannot be read: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNews(t, received)
	found := events(t, s, began, 10)
	if len(found) != 2 || found[0].Pool != lsapi.ELB("www") || found[1].Pool != lsapi.ELB("web") {
		t.Fatalf("it reads %+v, want what www's transaction recorded first", found)
	}
	if now := end(t, s); len(first) != 1 || now != found[1].Position {
		t.Errorf("the record ends at %+v, want %+v", now, found[1].Position)
	}
}

// Whoever follows the record while many write it, and prune it, has every event of
// each load balancer once, in order; and so has who resumes anywhere.
func TestFollowerReadsEveryEventOnce(t *testing.T) {
	const lanes, rounds = 6, 40
	all := replicas(t, 3)
	ctx, stop := context.WithCancel(t.Context())
	var followers, writers sync.WaitGroup
	defer followers.Wait()
	defer stop()
	followed := make([]follower, 2)
	began := end(t, all[2])
	for i := range followed {
		followers.Go(func() { followed[i].follow(ctx, t, all[2-i], began) })
	}
	for i := range lanes {
		writers.Go(func() {
			for j := range rounds {
				l := newLane(t, all[j%2], lsapi.ELB(fmt.Sprintf("lb-%d", i)))
				l.do(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", j)))
				l.say(inService(lsapi.InstanceMember(fmt.Sprintf("i-%08x", j))))
				give(t, all[j%2], l.lease)
				if rand.IntN(8) == 0 {
					if err := pruneAt(t, all[rand.IntN(3)], noon, 365*dayLong); err != nil {
						t.Errorf("prune: %v", err)
					}
				}
			}
		})
	}
	writers.Wait()
	soon(t, "all events to be readable", func() bool { return len(allEvents(t, all[0], began, 500)) == lanes*rounds*3 })
	read := allEvents(t, all[0], began, 7)
	for i := range followed {
		soon(t, "a follower", func() bool { return followed[i].reached(read[len(read)-1].Position) })
	}
	stop()
	followers.Wait()
	for i := range followed {
		wantSame(t, fmt.Sprintf("follower %d", i), followed[i].all, read)
	}
	perLane := make(map[lsapi.PoolID]int)
	for i, e := range read {
		step := perLane[e.Pool]
		kinds := []lsapi.EventKind{lsapi.EventIntended, lsapi.EventCompleted, lsapi.EventHealth}
		member := lsapi.InstanceMember(fmt.Sprintf("i-%08x", step/3))
		received := e.Event.Change.Member
		if e.Event.Kind == lsapi.EventHealth {
			received = e.Event.Health[0].Member
		}
		if e.Event.Kind != kinds[step%3] || received != member {
			t.Fatalf("event %d is %+v, want step %d of its load balancer", i, e, step)
		}
		perLane[e.Pool]++
		if i%50 == 0 {
			wantSame(t, "a resumed reader", allEvents(t, all[1], e.Position, 100), read[i+1:])
		}
	}
}

// follower reads events as they come.
type follower struct {
	mu  sync.Mutex
	all []lsapi.RecordedEvent
}

func (f *follower) follow(ctx context.Context, t *testing.T, s record.Store, after lsapi.Position) {
	for {
		err := s.News(ctx, after)
		if ctx.Err() != nil {
			return
		}
		found, failed := s.Events(context.WithoutCancel(ctx), after, 1+rand.IntN(20))
		if err != nil || failed != nil || len(found) == 0 {
			t.Errorf("the news (%v) are %d events (%v)", err, len(found), failed)
			return
		}
		after = found[len(found)-1].Position
		f.mu.Lock()
		f.all = append(f.all, found...)
		f.mu.Unlock()
	}
}

// reached reports whether it has read as far as that.
func (f *follower) reached(end lsapi.Position) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all) > 0 && !end.After(f.all[len(f.all)-1].Position)
}

func wantSame(t *testing.T, reader string, got, want []lsapi.RecordedEvent) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d events, want %d", reader, len(got), len(want))
	}
	for i := range got {
		if got[i].Position != want[i].Position || got[i].Pool != want[i].Pool || got[i].Event.Kind != want[i].Event.Kind {
			t.Fatalf("%s: event %d is %+v, want %+v", reader, i, got[i], want[i])
		}
	}
}

// A record that is restored on another server, whose transactions have lesser ids,
// goes on where it ended.
func TestPositionsContinueAfterARestore(t *testing.T) {
	for name, further := range map[string]int64{"where ids are less": 1_000_000_000, "where ids are greater": 0} {
		t.Run(name, func(t *testing.T) {
			there := postgrestest.URL(t)
			s := openURL(t, there, record.Options{})
			l := newLane(t, s, lsapi.ELB("web"))
			l.know()
			l.do(lsapi.Attach, one)
			if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
			postgrestest.Exec(t, there, fmt.Sprintf("UPDATE events SET major = major + %d", further))

			restored := openURL(t, there, record.Options{})
			openURL(t, there, record.Options{}) // changes nothing more
			before := allEvents(t, restored, lsapi.Position{}, 100)
			if len(before) != 2 || end(t, restored) != before[1].Position {
				t.Fatalf("got %+v, and ends at %+v", before, end(t, restored))
			}
			newLane(t, restored, lsapi.ELB("web")).do(lsapi.Attach, two)
			after := allEvents(t, restored, before[1].Position, 100)
			if len(after) != 2 || !after[0].Position.After(before[1].Position) || after[1].Event.Change.Member != two {
				t.Errorf("behind it there is %+v", after)
			}
			wantWhole(t, restored)
		})
	}
}

// A hint reaches other replicas long before they look by themselves.
func TestNewsReachesOtherReplicasWithin100Milliseconds(t *testing.T) {
	all := replicas(t, 2)
	l := newLane(t, all[0], lsapi.ELB("web"))
	var took []time.Duration
	for i := range 21 {
		after := end(t, all[1])
		received := news(t.Context(), all[1], after)
		time.Sleep(10 * time.Millisecond) // it mostly waits by then
		began := time.Now()
		l.say([]lsapi.MemberHealth{inService(one), outOfService(one)}[i%2])
		wantNews(t, received)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("median %v, longest %v", took[len(took)/2], took[len(took)-1])
	if quick := took[len(took)/4]; quick > 250*time.Millisecond { // without hints it is when it looks next
		t.Errorf("it took %v", took)
	}
}
