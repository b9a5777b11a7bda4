package record_test

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

func claimDelivery(t testing.TB, s record.Store, receiver, holder string) (lsapi.Delivery, bool) {
	t.Helper()
	d, claimed, err := s.ClaimDelivery(t.Context(), receiver, holder)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	return d, claimed
}

func testDeliveries(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	l.do(lsapi.Attach, one)
	end, err := s.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, claimed := claimDelivery(t, s, "one", "p")
	if !claimed || d.Position != end || time.Since(d.At).Abs() > time.Minute || !d.OutUntil.Equal(d.At) {
		t.Errorf("a new delivery is %+v (claimed %t), want one at %v", d, claimed, end)
	}
	sent := lsapi.Delivery{Position: lsapi.Position{Major: 7, Minor: 8}, At: noon, OutUntil: noon.Add(time.Hour)}
	if err := s.SaveDelivery(t.Context(), "one", "p", sent); err != nil {
		t.Fatal(err)
	}
	for _, holder := range []string{"p", "q"} {
		if d, claimed = claimDelivery(t, s, "one", holder); !claimed || d != sent {
			t.Errorf("%s got %+v (claimed %t), want %+v", holder, d, claimed, sent)
		}
		if err := s.ReleaseDelivery(t.Context(), "one", holder); err != nil {
			t.Fatal(err)
		}
	}
	if d, _ := claimDelivery(t, s, "two", "p"); d.Position != end {
		t.Errorf("another receiver begins at %v, want %v", d.Position, end)
	}
	if err := s.SaveDelivery(t.Context(), "three", "p", sent); !errors.Is(err, lsapi.ErrLeaseLost) {
		t.Errorf("saved without a claim: %v", err)
	}
}

func testOutSince(t *testing.T, s record.Store) {
	web := newLane(t, s, lsapi.TG("web"))
	members := make([]lsapi.MemberID, 7)
	for i := range members {
		members[i] = lsapi.MemberID{Instance: one.Instance, Port: uint16(8080 + i)}
	}
	web.know(members...)
	unused := outOfService(members[1])
	unused.Reason = "Target.NotInUse"
	web.after(time.Minute).say(outOfService(members[0]), unused, inService(members[2]))
	web.after(time.Minute)
	gone := web.do(lsapi.Detach, members[3])
	web.after(time.Minute).do(lsapi.Detach, members[4])
	web.after(time.Minute).do(lsapi.Attach, members[4])
	web.after(time.Minute).do(lsapi.Detach, members[5])
	web.after(time.Minute).append(lsapi.Event{
		Kind: lsapi.EventObserved, At: web.now, Since: web.now.Add(-time.Second), Until: web.now, Added: members[5:6],
	})
	web.do(lsapi.Detach, members[6])
	web.after(time.Minute).do(lsapi.Attach, members[6])
	web.after(2*time.Hour).do(lsapi.Detach, members[6]) // out again, but since then
	other := newLane(t, s, lsapi.ELB("app"))
	other.know(two)
	other.after(30 * time.Second).say(outOfService(two))

	want := []lsapi.OutMember{
		{Pool: lsapi.ELB("app"), Member: two, Since: noon.Add(30 * time.Second), Health: new(outOfService(two))},
		{Pool: lsapi.TG("web"), Member: members[0], Since: noon.Add(time.Minute), Health: new(outOfService(members[0]))},
		{Pool: lsapi.TG("web"), Member: members[3], Since: noon.Add(2 * time.Minute), Detach: new(mustChange(t, s, gone.ID))},
	}
	for _, c := range []struct {
		from, to time.Duration
		want     []lsapi.OutMember
	}{
		{0, time.Hour, want},
		{30 * time.Second, 2 * time.Minute, want[:2]}, // the end is excluded
		{31 * time.Second, time.Minute, nil},
		{2 * time.Minute, 2*time.Minute + time.Millisecond, want[2:]},
	} {
		got, err := s.OutSince(t.Context(), noon.Add(c.from), noon.Add(c.to))
		if err != nil || len(got) != len(c.want) || len(got) > 0 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("from %v to %v: got %+v (%v)\nwant %+v", c.from, c.to, got, err, c.want)
		}
	}
}

func mustChange(t testing.TB, s record.Store, id string) lsapi.Change {
	t.Helper()
	c, err := s.Change(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testKept(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	l.do(lsapi.Attach, one)
	if kept, err := s.Kept(t.Context()); err != nil || kept != (lsapi.Position{}) {
		t.Errorf("nothing was pruned, but it returns %v (%v)", kept, err)
	}
	l.after(10*dayLong).do(lsapi.Attach, two)
	must(t, pruneAt(t, s, l.now.Add(dayLong), 5*dayLong))
	kept, err := s.Kept(t.Context())
	if err != nil || !kept.After(lsapi.Position{}) {
		t.Fatalf("after pruning it returns %v (%v)", kept, err)
	}
	if _, err := s.Events(t.Context(), kept, 1); err != nil {
		t.Errorf("events behind %v: %v", kept, err)
	}
}

func TestOneReplicaClaimsADelivery(t *testing.T) {
	all := replicas(t, 3)
	var claims atomic.Int64
	var workers sync.WaitGroup
	for _, holder := range []string{"a", "b", "c"} {
		s := all[holder[0]-'a']
		workers.Go(func() {
			if _, claimed := claimDelivery(t, s, "one", holder); claimed {
				claims.Add(1)
			}
		})
	}
	workers.Wait()
	if claims.Load() != 1 {
		t.Fatalf("%d replicas have claimed it", claims.Load())
	}
	var holder, other string
	for _, h := range []string{"a", "b", "c"} {
		if _, claimed := claimDelivery(t, all[0], "one", h); claimed {
			holder = h
		} else {
			other = h
		}
	}
	if err := all[1].SaveDelivery(t.Context(), "one", other, lsapi.Delivery{At: noon, OutUntil: noon}); !errors.Is(err, lsapi.ErrLeaseLost) {
		t.Errorf("a replica without the claim saved: %v", err)
	}
	if err := all[1].ReleaseDelivery(t.Context(), "one", holder); err != nil {
		t.Fatal(err)
	}
	if _, claimed := claimDelivery(t, all[2], "one", other); !claimed {
		t.Error("it cannot be claimed after its release")
	}
}

// A delivery that no process has claimed for a month is forgotten, others are kept. A claim
// that would last longer than a new one is of a clock that was set back since.
func testDeliveryAges(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	old, _ := claimDelivery(t, s, "one", "p")
	l.do(lsapi.Attach, one)
	for _, test := range []struct {
		age  time.Duration
		kept bool
	}{{-10 * dayLong, true}, {20 * dayLong, true}, {45 * dayLong, false}} {
		ageDeliveries(t, s, test.age)
		must(t, pruneAt(t, s, time.Now(), 400*dayLong))
		d, claimed := claimDelivery(t, s, "one", "q")
		if !claimed || (d.Position == old.Position) != test.kept {
			t.Errorf("older by %v: it is %+v (claimed %t), the first was %+v", test.age, d, claimed, old)
		}
	}
}

// ageDeliveries makes all claims of deliveries older.
func ageDeliveries(t testing.TB, s record.Store, by time.Duration) {
	t.Helper()
	shift := microseconds(int(by / time.Second))
	if path, url := fileOf(t, s); path != "" {
		edit(t, path, "UPDATE deliveries SET expires_at = expires_at - ("+shift+")")
	} else {
		postgrestest.Exec(t, url, "UPDATE deliveries SET expires_at = expires_at - ("+shift+")::bigint * interval '1 microsecond'")
	}
}
