package record_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

const bulkSize = 1000

// largeBulk returns the changes of a bulk of bulkSize members.
func (l *lane) largeBulk(action lsapi.Action) []lsapi.Change {
	bulk, changes := idAt(l.now), make([]lsapi.Change, bulkSize)
	for i := range changes {
		changes[i] = l.change(action, lsapi.InstanceMember(fmt.Sprintf("i-%017x", i)))
		changes[i].Bulk = bulk
	}
	return changes
}

// intendAll records the intents of changes in one append, applyAll that they were applied.
func (l *lane) intendAll(changes []lsapi.Change) {
	l.t.Helper()
	intents := make([]lsapi.Event, len(changes))
	for i, c := range changes {
		intents[i] = lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: c}
	}
	l.append(intents...)
}

func (l *lane) applyAll(changes []lsapi.Change) {
	l.t.Helper()
	outcomes := make([]lsapi.Event, len(changes))
	for i, c := range changes {
		c.Outcome, c.MembersAfter = lsapi.OutcomeApplied, new(4)
		outcomes[i] = lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: c}
	}
	l.append(outcomes...)
}

func testBulk(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	l.do(lsapi.Attach, one)
	changes := l.largeBulk(lsapi.Attach)
	l.intendAll(changes)
	if open := l.state().Open; len(open) != bulkSize || open[0].Bulk != changes[0].Bulk {
		t.Fatalf("%d changes are open", len(open))
	}
	l.after(time.Second).applyAll(changes)
	got, err := s.Changes(t.Context(), lsapi.ChangeFilter{Bulk: changes[0].Bulk, Limit: bulkSize})
	must(t, err)
	slices.SortFunc(changes, func(a, b lsapi.Change) int { return strings.Compare(b.ID, a.ID) })
	want := make([]string, bulkSize)
	for i, c := range changes {
		want[i] = c.ID
	}
	wantIDs(t, got, want...)
	state := l.state()
	if len(state.Members) != bulkSize+1 || len(state.Applied) != bulkSize+1 {
		t.Errorf("there are %d members, and %d were attached", len(state.Members), len(state.Applied))
	}
	if checkpoints := wantWhole(t, s, chainEnds(t, s)...).Events - 2*bulkSize - 3; checkpoints > 8 {
		t.Errorf("there are %d checkpoints between the events of a bulk", checkpoints)
	}
	wantEqual(t, membersAt(t, s, l.now.Add(-time.Microsecond)), one)

	must(t, pruneAt(t, s, l.now.Add(10*dayLong), dayLong))
	if got, err := s.Changes(t.Context(), lsapi.ChangeFilter{Bulk: changes[0].Bulk, Limit: bulkSize}); err != nil || len(got) > 0 {
		t.Errorf("%d changes of a pruned bulk are left (%v)", len(got), err)
	}
	if found := wantWhole(t, s); found.Events != 1 {
		t.Errorf("got %+v", found)
	}
	if n := len(membersAt(t, s, time.Time{})); n != bulkSize+1 {
		t.Errorf("there are %d members", n)
	}
}

// A round trip for each change of a bulk would take seconds where the database is far away.
// The database answers also while it receives a long message.
func TestBulkTakesFewRoundTrips(t *testing.T) {
	const most = 100
	network, url := proxied(t, postgrestest.URL(t))
	var learned atomic.Int64
	learn := func(_ lsapi.PoolID, changes []lsapi.AppliedChange) { learned.Add(int64(len(changes))) }
	s, other := openURL(t, url, record.Options{}), openURL(t, url, record.Options{Learn: learn})
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	changes := l.largeBulk(lsapi.Attach)
	key := lsapi.IdempotencyKey{Key: "k"}
	wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: changes[0].Bulk})
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"intents", func() { l.intendAll(changes) }},
		{"the state with open changes", func() { l.state() }},
		{"outcomes, learned by another replica", func() {
			l.applyAll(changes)
			soon(t, "the other replica to learn them", func() bool { return learned.Load() == bulkSize })
		}},
		{"the state with applied changes", func() { l.state() }},
		{"the recent changes", func() {
			_, err := other.Applied(t.Context(), lsapi.ELB("web"), time.Hour)
			must(t, err)
		}},
		{"the bulk", func() {
			_, err := s.Changes(t.Context(), lsapi.ChangeFilter{Bulk: changes[0].Bulk, Limit: bulkSize})
			must(t, err)
		}},
		{"the key", func() { wantKeyTaken(t, s, key, changes[0].Bulk) }},
	} {
		before := network.trips.Load()
		step.do()
		if trips := network.trips.Load() - before; trips > most {
			t.Errorf("%s: %d round trips", step.name, trips)
		}
	}
}

// A bulk's reservation names the bulk, whose changes have ids of their own.
func testKeysOfBulks(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	guarded := func(c *lsapi.Change) { c.Guard = &lsapi.GuardVerdict{Rule: "keepLast"} }
	for name, test := range map[string]struct {
		outcomes []lsapi.Outcome
		alter    func(*lsapi.Change)
		free     bool
	}{
		"nothing on record": {nil, nil, false},
		"failed":            {[]lsapi.Outcome{lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn}, nil, true},
		"refused by guards": {[]lsapi.Outcome{lsapi.OutcomeRefused, lsapi.OutcomeFailed}, guarded, true},
		"refused by AWS":    {[]lsapi.Outcome{lsapi.OutcomeFailed, lsapi.OutcomeRefused}, nil, false},
		"partly applied":    {[]lsapi.Outcome{lsapi.OutcomeFailed, lsapi.OutcomeApplied}, nil, false},
		"partly open":       {[]lsapi.Outcome{lsapi.OutcomeFailed, ""}, nil, false},
		"a conflict":        {[]lsapi.Outcome{lsapi.OutcomeConflict, lsapi.OutcomeFailed}, nil, false},
	} {
		bulk, key := idAt(l.now), lsapi.IdempotencyKey{Key: name}
		wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: bulk})
		wantKeyTaken(t, s, key, bulk)
		for _, outcome := range test.outcomes {
			c := l.change(lsapi.Detach, one)
			c.Bulk = bulk
			if test.alter != nil {
				test.alter(&c)
			}
			if l.intend(c); outcome != "" {
				l.complete(c, outcome)
			}
		}
		if test.free {
			wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: "next"})
		} else {
			wantKeyTaken(t, s, key, bulk)
		}
	}
}

// BenchmarkBulk records the 1,000 intents of a bulk, and its 1,000 outcomes, in a pool with as
// many members.
func BenchmarkBulk(b *testing.B) {
	for name, open := range map[string]func(testing.TB) record.Store{"sqlite": emptyFile, "postgres": emptyDatabase} {
		b.Run(name, func(b *testing.B) {
			l := newLane(b, open(b), lsapi.ELB("web"))
			l.know()
			var intents, outcomes time.Duration
			for actions := []lsapi.Action{lsapi.Attach, lsapi.Detach}; b.Loop(); actions[0], actions[1] = actions[1], actions[0] {
				changes := l.after(time.Second).largeBulk(actions[0])
				start := time.Now()
				l.intendAll(changes)
				intents += time.Since(start)
				start = time.Now()
				l.applyAll(changes)
				outcomes += time.Since(start)
			}
			b.ReportMetric(intents.Seconds()*1000/float64(b.N), "intents-ms")
			b.ReportMetric(outcomes.Seconds()*1000/float64(b.N), "outcomes-ms")
		})
	}
}

// BenchmarkLaneState reads the state of a pool of 1,000 members with 100,000 changes of the
// last day. At the end all are members, or none is.
func BenchmarkLaneState(b *testing.B) {
	for name, open := range map[string]func(testing.TB) record.Store{"sqlite": emptyFile, "postgres": emptyDatabase} {
		s := open(b)
		l := newLane(b, s, lsapi.ELB("web"))
		l.know()
		for i := range 101 {
			changes := l.after(time.Minute).largeBulk([]lsapi.Action{lsapi.Attach, lsapi.Detach}[i%2])
			l.intendAll(changes)
			l.applyAll(changes)
			if i < 99 {
				continue
			}
			members := membersAt(b, s, time.Time{})
			l.append(lsapi.Event{Kind: lsapi.EventCheckpoint, At: l.now, Until: time.Now(), Members: members})
			b.Run(fmt.Sprintf("%s/members=%d", name, len(members)), func(b *testing.B) {
				for b.Loop() {
					if _, err := s.LaneState(b.Context(), lsapi.ELB("web"), time.Millisecond); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
