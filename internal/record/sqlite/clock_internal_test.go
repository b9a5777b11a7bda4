package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// recent is the window within which the tests look for changes: longer than a test takes,
// and shorter than the jumps of the wall clock.
const recent = 10 * time.Second

// jumps are by how much wall clocks jump.
var jumps = []time.Duration{15 * time.Second, time.Hour, -15 * time.Second, -time.Hour}

// host is a machine whose wall clock can be set, and which can be booted again.
type host struct {
	boot  string
	ahead atomic.Int64 // of the wall clock
	slept atomic.Int64 // what has passed since the boot, beside the time of the test
	began time.Time
	first time.Time // when the first boot was
}

func newHost() *host {
	now := time.Now()
	return &host{boot: "the first", began: now, first: now}
}

func (h *host) machine() machine {
	return machine{
		boot: h.boot, now: h.now,
		since: func() time.Duration { return time.Hour + time.Since(h.began) + time.Duration(h.slept.Load()) },
	}
}

func (h *host) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load() + h.slept.Load())) }

func (h *host) setClock(ahead time.Duration) { h.ahead.Store(int64(ahead)) }

// pass lets time pass, on all clocks.
func (h *host) pass(d time.Duration) { h.slept.Add(int64(d)) }

// reboot boots the host, whose wall clock goes on.
func (h *host) reboot() *host {
	again := &host{boot: h.boot + " and the next", began: time.Now(), first: h.first}
	again.ahead.Store(h.ahead.Load() + h.slept.Load())
	return again
}

// opened opens the record in a file, to be closed at the test's end.
func (h *host) opened(t *testing.T, path string, o record.Options) *store {
	t.Helper()
	s, err := openOn(t.Context(), h.machine(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s.(*store)
}

func closeStore(t *testing.T, s *store) {
	t.Helper()
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// attach records that an instance was attached at a time of the host, whose membership was
// read just before, and returns the change.
func (h *host) attach(t *testing.T, s *store, pool lsapi.PoolID, member lsapi.MemberID) lsapi.Change {
	t.Helper()
	lease, err := s.Acquire(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	state, err := s.LaneState(t.Context(), pool, recent)
	if err != nil {
		t.Fatal(err)
	}
	var events []lsapi.Event
	if !state.Known {
		events = []lsapi.Event{{Kind: lsapi.EventCheckpoint, At: h.now(), Until: h.now()}}
	}
	intent := intentOf(h.now(), member)
	intent.Change.Pool = pool
	done := lsapi.Event{Kind: lsapi.EventCompleted, At: h.now(), Change: intent.Change}
	done.Change.Outcome = lsapi.OutcomeApplied
	if _, err := s.Append(t.Context(), lease, append(events, intent, done)); err != nil {
		t.Fatal(err)
	}
	return done.Change
}

// wantRecent fails the test unless a store finds the change as one that was applied
// lately, at most so long ago as the test has taken.
func (h *host) wantRecent(t *testing.T, s *store, c lsapi.Change) {
	t.Helper()
	check := func(what string, at time.Time) {
		t.Helper()
		age := h.now().Sub(at)
		if atMost := time.Since(h.first) + time.Duration(h.slept.Load()); age < 0 || age > atMost {
			t.Errorf("%s has the age %v, want at most %v", what, age, atMost)
		}
	}
	changes, err := s.Applied(t.Context(), c.Pool, recent)
	if err != nil || len(changes) != 1 || changes[0].ID != c.ID {
		t.Fatalf("applied are %v (%v), want %s", changes, err, c.ID)
	}
	check("the change", changes[0].At)
	state, err := s.LaneState(t.Context(), c.Pool, recent)
	if err != nil || len(state.Applied) != 1 || state.Applied[0].ID != c.ID {
		t.Fatalf("applied are %v (%v), want %s", state.Applied, err, c.ID)
	}
	check("the change", state.Applied[0].At)
	check("the look", state.LookedAt)
	if pools, err := s.Unfinished(t.Context(), recent); err != nil || len(pools) != 1 {
		t.Errorf("unfinished are %v (%v)", pools, err)
	}
}

// wantAged fails the test if a store finds changes as applied lately.
func wantAged(t *testing.T, s *store, pool lsapi.PoolID) {
	t.Helper()
	if changes, err := s.Applied(t.Context(), pool, recent); err != nil || len(changes) > 0 {
		t.Errorf("applied are %v (%v)", changes, err)
	}
	if pools, err := s.Unfinished(t.Context(), recent); err != nil || len(pools) > 0 {
		t.Errorf("unfinished are %v (%v)", pools, err)
	}
}

func eachJump(t *testing.T, test func(t *testing.T, by time.Duration, path string)) {
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) { test(t, by, filepath.Join(t.TempDir(), "lsapi.db")) })
	}
}

func TestOwnerMeasuresAgesAcrossWallClockJumps(t *testing.T) {
	eachJump(t, func(t *testing.T, by time.Duration, path string) {
		h := newHost()
		s := h.opened(t, path, record.Options{})
		c := h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
		h.setClock(by)
		h.wantRecent(t, s, c)
		h.pass(recent)
		wantAged(t, s, lsapi.ELB("web"))
		h.wantRecent(t, s, h.attach(t, s, lsapi.ELB("api"), lsapi.InstanceMember("i-00000002")))
		h.setClock(0)
		h.pass(recent)
		wantAged(t, s, lsapi.ELB("api"))
	})
}

func TestNextOwnerMeasuresAgesAcrossWallClockJumps(t *testing.T) {
	eachJump(t, func(t *testing.T, by time.Duration, path string) {
		h := newHost()
		s := h.opened(t, path, record.Options{})
		c := h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
		closeStore(t, s)
		h.setClock(by)
		s = h.opened(t, path, record.Options{})
		h.wantRecent(t, s, c)
		h.pass(recent)
		wantAged(t, s, lsapi.ELB("web"))
		c = h.attach(t, s, lsapi.ELB("api"), lsapi.InstanceMember("i-00000002"))
		closeStore(t, s)
		h.setClock(0)
		s = h.opened(t, path, record.Options{})
		h.wantRecent(t, s, c)
		h.pass(recent)
		wantAged(t, s, lsapi.ELB("api"))
	})
}

func TestStandbyMeasuresAgesByTheOwnersClock(t *testing.T) {
	eachJump(t, func(t *testing.T, by time.Duration, path string) {
		owner := newHost()
		other := &host{boot: owner.boot, began: owner.began, first: owner.first} // the same machine, by another wall clock
		other.setClock(by)
		first := owner.opened(t, path, record.Options{})
		c := owner.attach(t, first, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
		learned := make(chan lsapi.AppliedChange, 10)
		standby := other.opened(t, path, record.Options{Learn: func(_ lsapi.PoolID, changes []lsapi.AppliedChange) {
			for _, change := range changes {
				learned <- change
			}
		}})
		other.wantRecent(t, standby, c)
		other.wantRecent(t, other.opened(t, path, record.Options{ReadOnly: true}), c)
		select {
		case change := <-learned:
			if change.ID != c.ID || other.now().Sub(change.At) > time.Since(owner.began) {
				t.Errorf("learned %v after %s", change, c.ID)
			}
		case <-time.After(recent):
			t.Errorf("%s was not learned", c.ID)
		}
		closeStore(t, first)
		<-standby.ended // it owns the file
		other.wantRecent(t, standby, c)
	})
}

func TestIdempotencyKeysExpireAcrossWallClockJumps(t *testing.T) {
	const keysLast = 24 * time.Hour
	for _, by := range []time.Duration{keysLast, -keysLast} {
		t.Run(by.String(), func(t *testing.T) {
			h, path := newHost(), filepath.Join(t.TempDir(), "lsapi.db")
			s := h.opened(t, path, record.Options{})
			key, mine := lsapi.IdempotencyKey{Key: "k"}, lsapi.Reservation{ChangeID: "mine"}
			if taken, err := s.Reserve(t.Context(), key, mine); taken != nil || err != nil {
				t.Fatalf("the key is taken by %v (%v)", taken, err)
			}
			closeStore(t, s)
			h.setClock(by)
			s = h.opened(t, path, record.Options{})
			if taken, err := s.Reserve(t.Context(), key, mine); taken == nil || err != nil {
				t.Errorf("the key is free (%v)", err)
			}
			h.pass(keysLast)
			if taken, err := s.Reserve(t.Context(), key, mine); taken != nil || err != nil {
				t.Errorf("the key is still taken by %v (%v)", taken, err)
			}
		})
	}
}

// What passes while the machine is down is known from the wall clock alone.
func TestClockContinuesByTheWallClockAfterABoot(t *testing.T) {
	h, path := newHost(), filepath.Join(t.TempDir(), "lsapi.db")
	s := h.opened(t, path, record.Options{})
	c := h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
	closeStore(t, s)
	h = h.reboot()
	s = h.opened(t, path, record.Options{})
	changes, err := s.Applied(t.Context(), lsapi.ELB("web"), recent)
	if err != nil || len(changes) != 1 || changes[0].ID != c.ID {
		t.Errorf("applied are %v (%v), want %s", changes, err, c.ID)
	}
	closeStore(t, s)
	h.setClock(recent)
	s = h.reboot().opened(t, path, record.Options{})
	wantAged(t, s, lsapi.ELB("web"))
}

func TestStampsStayInThePastAfterABootWithALateWallClock(t *testing.T) {
	for _, by := range []time.Duration{-15 * time.Second, -time.Hour, -365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			h, path := newHost(), filepath.Join(t.TempDir(), "lsapi.db")
			s := h.opened(t, path, record.Options{})
			c := h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
			closeStore(t, s)
			h = h.reboot()
			h.setClock(by)
			s = h.opened(t, path, record.Options{})
			h.wantRecent(t, s, c)
			h.pass(recent)
			wantAged(t, s, lsapi.ELB("web"))
		})
	}
}

// A record of an older lsapi may be stamped by a wall clock that was ahead.
func TestNewOwnersClockStartsAfterAllStamps(t *testing.T) {
	for name, boot := range map[string]func(*host) *host{"on the same boot": func(h *host) *host { return h }, "on the next boot": (*host).reboot} {
		t.Run(name, func(t *testing.T) {
			h, path := newHost(), filepath.Join(t.TempDir(), "lsapi.db")
			s := h.opened(t, path, record.Options{})
			c := h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
			if err := s.Update(t.Context(), func(ctx context.Context, t record.Tables) error {
				db := t.(*tables).db
				_, err := db.ExecContext(ctx, "UPDATE events SET recorded_at = recorded_at + 3600000000")
				if err == nil {
					_, err = db.ExecContext(ctx, "UPDATE logs SET applied_at = applied_at + 3600000000")
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			closeStore(t, s)
			h = boot(h)
			s = h.opened(t, path, record.Options{})
			if pools, err := s.Unfinished(t.Context(), recent); err != nil || len(pools) != 1 || pools[0] != c.Pool {
				t.Errorf("unfinished are %v (%v)", pools, err)
			}
			h.pass(recent)
			wantAged(t, s, lsapi.ELB("web"))
		})
	}
}

// The record of another machine, or of one that was booted since, has no owner on this
// boot yet.
func TestReaderOfAnotherBootsRecordUsesTheWallClock(t *testing.T) {
	h, path := newHost(), filepath.Join(t.TempDir(), "lsapi.db")
	s := h.opened(t, path, record.Options{})
	c := h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
	closeStore(t, s)
	h = h.reboot()
	h.pass(recent / 2)
	s = h.opened(t, path, record.Options{ReadOnly: true})
	changes, err := s.Applied(t.Context(), lsapi.ELB("web"), recent)
	if err != nil || len(changes) != 1 || changes[0].ID != c.ID || h.now().Sub(changes[0].At) < recent/2 {
		t.Errorf("applied are %v (%v), want %s", changes, err, c.ID)
	}
	h.pass(recent / 2)
	wantAged(t, s, lsapi.ELB("web"))
}

// The clock of the record may be off for the rest of the boot.
func TestLabelsUseTheWallClock(t *testing.T) {
	eachJump(t, func(t *testing.T, by time.Duration, path string) {
		h := newHost()
		h.setClock(by)
		s := h.opened(t, path, record.Options{})
		h.attach(t, s, lsapi.ELB("other"), lsapi.InstanceMember("i-00000001"))
		closeStore(t, s)
		h.setClock(0)
		s = h.opened(t, path, record.Options{})
		before := record.Exact(h.now())
		c := h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
		h.pass(time.Second)
		lease, err := s.Acquire(t.Context(), lsapi.ELB("web"))
		if err != nil {
			t.Fatal(err)
		}
		late := h.now().Add(time.Minute) // a label may not be of a time to come
		observed := lsapi.Event{Kind: lsapi.EventObserved, At: h.now(), Since: before, Until: h.now(), Added: []lsapi.MemberID{lsapi.InstanceMember("i-00000002")}}
		healthy := lsapi.Event{Kind: lsapi.EventHealth, At: late, Health: []lsapi.MemberHealth{{Member: lsapi.InstanceMember("i-00000002"), State: lsapi.InService}}}
		unlabelled := lsapi.Event{Kind: lsapi.EventHealth, Health: []lsapi.MemberHealth{{Member: lsapi.InstanceMember("i-00000001"), State: lsapi.InService}}}
		if _, err := s.Append(t.Context(), lease, []lsapi.Event{observed, healthy, unlabelled}); err != nil {
			t.Fatal(err)
		}
		change, err := s.Change(t.Context(), c.ID)
		if err != nil || change.CompletedAt.Before(before.Truncate(time.Millisecond)) || change.CompletedAt.After(h.now()) {
			t.Errorf("the change was completed at %v (%v), want about %v", change.CompletedAt, err, before)
		}
		h.wantLabels(t, s, before)
		if err := s.PruneAt(t.Context(), h.now().Add(3*24*time.Hour), 24*time.Hour); err != nil { // which appends a checkpoint
			t.Fatal(err)
		}
		h.wantLabels(t, s, before)
	})
}

// What was labelled by a wall clock that was ahead makes all that follows in the log
// labelled with that time.
func TestCurrentMembersAreThoseAtTheEndOfTheLog(t *testing.T) {
	h := newHost()
	s := h.opened(t, filepath.Join(t.TempDir(), "lsapi.db"), record.Options{})
	h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000001"))
	h.setClock(time.Hour)
	h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000002"))
	h.setClock(0)
	h.attach(t, s, lsapi.ELB("web"), lsapi.InstanceMember("i-00000003"))
	now, err := s.MembersAt(t.Context(), lsapi.ELB("web"), time.Time{})
	if err != nil || len(now.Members) != 3 || now.At.After(h.now()) {
		t.Errorf("the members are %+v (%v), want three of now", now, err)
	}
}

// wantLabels fails the test unless all that is recorded of "web" is labelled with times of
// the wall clock.
func (h *host) wantLabels(t *testing.T, s *store, since time.Time) {
	t.Helper()
	err := s.View(t.Context(), func(tables record.Tables) error {
		rows, err := tables.Events(t.Context(), lsapi.ELB("web"), 1, 1000)
		if err == nil && len(rows) == 0 {
			err = fmt.Errorf("there are no events")
		}
		for _, row := range rows {
			var p struct {
				Seq              int64
				Kind             lsapi.EventKind
				At, Since, Until time.Time
			}
			if err := json.Unmarshal(row.Payload, &p); err != nil {
				return err
			}
			for _, at := range []time.Time{p.At, p.Since, p.Until} {
				pruned := p.Kind == lsapi.EventCheckpoint && at.Equal(p.At)
				if !at.IsZero() && (at.Before(since.Truncate(time.Millisecond)) || at.After(h.now()) && !pruned) {
					t.Errorf("a label of event %d, which is %s, is %v, want one from %v to %v", p.Seq, p.Kind, at, since, h.now())
				}
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestProcessesOfABootShareItsClock(t *testing.T) {
	a := thisMachine()
	began := a.since()
	b := thisMachine()
	if apart := b.since() - began; a.boot == b.boot && (apart < 0 || apart > time.Minute) {
		t.Errorf("a process reads %v after another has read %v", began+apart, began)
	}
}
