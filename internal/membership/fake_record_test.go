package membership_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lsapi"
)

// fakeRecord is a Record in memory, with a log and a lease for each load balancer.
// It can be away. It is that of one replica; replica returns that of another, which
// shares the logs. Its events stay when a Service ends, as a store's do when its
// process crashes. It measures ages by its own clock, as a database does; clock is by
// how much the labels of this replica's events are off.
type fakeRecord struct {
	*fakeLogs
	name  string
	clock time.Duration
}

// fakeLogs is what replicas share.
type fakeLogs struct {
	mu    sync.Mutex
	logs  map[lsapi.PoolID]*fakeLog
	wait  time.Duration // before a lease is granted
	asked int
	away  func(op string, events []lsapi.Event) error // nil: it is there
}

type fakeLog struct {
	events []lsapi.Event
	stamps []time.Time // when each was appended
	epoch  int64
	holder string
	until  time.Time
}

// fakeLease is how long a replica that is gone keeps a lease.
const fakeLease = 3 * time.Second

func newFakeRecord() *fakeRecord {
	return &fakeRecord{fakeLogs: &fakeLogs{logs: make(map[lsapi.PoolID]*fakeLog)}, name: "a"}
}

// replica is the same record for another process, whose clock is off by so much.
func (f *fakeRecord) replica(clock time.Duration) *fakeRecord {
	return &fakeRecord{fakeLogs: f.fakeLogs, name: "b", clock: clock}
}

// log returns the log of a load balancer. The caller holds mu.
func (f *fakeLogs) log(pool lsapi.PoolID) *fakeLog {
	if f.logs[pool] == nil {
		f.logs[pool] = new(fakeLog)
	}
	return f.logs[pool]
}

func (l *fakeLog) end() lsapi.ChainEnd {
	if len(l.events) == 0 {
		return lsapi.ChainEnd{}
	}
	last := l.events[len(l.events)-1]
	return lsapi.ChainEnd{Seq: int64(len(l.events)), Hash: fmt.Sprint(last.Kind, last.Change.ID)}
}

// add appends events as another process does that has taken the lease.
func (f *fakeLogs) add(events ...lsapi.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log(web)
	log.epoch++
	log.add(events...)
}

func (l *fakeLog) add(events ...lsapi.Event) {
	for _, e := range events {
		l.events, l.stamps = append(l.events, e), append(l.stamps, time.Now())
	}
}

func (f *fakeLogs) arrive(op string, events []lsapi.Event) error {
	f.asked++
	if f.away == nil {
		return nil
	}
	return f.away(op, events)
}

// calls counts the calls so far.
func (f *fakeLogs) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// fails makes the record answer with what away says from now on.
func (f *fakeLogs) fails(away func(op string, events []lsapi.Event) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// recorded returns the events of "web".
func (f *fakeLogs) recorded() []lsapi.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log(web).events)
}

func (f *fakeRecord) Acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error) {
	for pause := f.wait; ; pause = 10 * time.Millisecond {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return lsapi.Lease{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
		lease, err := f.try(pool)
		if err != nil || lease.Epoch > 0 {
			return lease, err
		}
	}
}

func (f *fakeRecord) try(pool lsapi.PoolID) (lsapi.Lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Acquire", nil); err != nil {
		return lsapi.Lease{}, err
	}
	log := f.log(pool)
	if log.holder != "" && log.holder != f.name && time.Now().Before(log.until) {
		return lsapi.Lease{}, nil
	}
	log.epoch++
	log.holder, log.until = f.name, time.Now().Add(fakeLease)
	return lsapi.Lease{Pool: pool, Epoch: log.epoch, ChainEnd: log.end()}, nil
}

// held returns the log that the lease is for, if it is still this replica's.
func (f *fakeRecord) held(lease lsapi.Lease) (*fakeLog, error) {
	log := f.log(lease.Pool)
	if lease.Epoch != log.epoch || log.holder != f.name {
		return nil, &lsapi.Error{Code: lsapi.CodeUnavailable, Err: lsapi.ErrLeaseLost}
	}
	return log, nil
}

func (f *fakeRecord) Renew(_ context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Renew", nil); err != nil {
		return lease, err
	}
	log, err := f.held(lease)
	if err == nil {
		log.until = time.Now().Add(fakeLease)
	}
	return lease, err
}

func (f *fakeRecord) Release(_ context.Context, lease lsapi.Lease) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if log, err := f.held(lease); err == nil {
		log.holder = ""
	}
	return nil
}

func (f *fakeRecord) Append(_ context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Append", events); err != nil {
		return lsapi.ChainEnd{}, err
	}
	log, err := f.held(lease)
	if err != nil {
		return lsapi.ChainEnd{}, err
	}
	for _, e := range events {
		e.At, e.Change.CompletedAt = shifted(e.At, f.clock), shifted(e.Change.CompletedAt, f.clock)
		e.Change.IntendedAt, e.Change.Deadline = shifted(e.Change.IntendedAt, f.clock), shifted(e.Change.Deadline, f.clock)
		log.add(e)
	}
	return log.end(), nil
}

func shifted(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(by)
}

func (f *fakeRecord) LaneState(_ context.Context, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("LaneState", nil); err != nil {
		return lsapi.LaneState{}, err
	}
	return f.log(pool).state(within), nil
}

func (l *fakeLog) state(within time.Duration) lsapi.LaneState {
	ended := make(map[string]bool)
	state := lsapi.LaneState{ChainEnd: l.end(), Members: make(map[lsapi.MemberID]bool), Detached: make(map[lsapi.MemberID]time.Time)}
	for i, e := range l.events {
		if e.Until.After(state.LookedAt) {
			state.LookedAt = e.Until
		}
		if e.Incarnation != "" && state.Incarnation != "" && e.Incarnation != state.Incarnation {
			clear(state.Detached)
		}
		for _, id := range slices.Concat(e.Added, e.Members) {
			delete(state.Detached, id)
		}
		if e.Incarnation != "" {
			state.Incarnation = e.Incarnation
		}
		switch e.Kind {
		case lsapi.EventCheckpoint:
			state.Known = true
			clear(state.Members)
			setAll(state.Members, e.Members, true)
		case lsapi.EventObserved:
			setAll(state.Members, e.Added, true)
			setAll(state.Members, e.Removed, false)
			for _, id := range slices.Concat(e.Added, e.Removed) {
				state.Applied = slices.DeleteFunc(state.Applied, func(c lsapi.AppliedChange) bool { return c.Member == id })
				outside := lsapi.Change{ID: "outside " + id.String(), Member: id, Action: lsapi.Detach, Source: lsapi.SourceExternal}
				if slices.Contains(e.Added, id) {
					outside.Action = lsapi.Attach
				}
				state.Applied = append(state.Applied, lsapi.AppliedChange{Change: outside, Seq: int64(i + 1), At: l.stamps[i]})
			}
		case lsapi.EventIntended:
			open := e.Change
			open.Deadline = l.stamps[i].Add(open.Deadline.Sub(open.IntendedAt))
			state.Open = append(state.Open, open)
		case lsapi.EventHealth:
		default:
			ended[e.Change.ID] = true
			if e.Change.Outcome == lsapi.OutcomeApplied {
				setAll(state.Members, []lsapi.MemberID{e.Change.Member}, e.Change.Action == lsapi.Attach)
				delete(state.Detached, e.Change.Member)
				if e.Change.Action == lsapi.Detach {
					state.Detached[e.Change.Member] = l.stamps[i]
				}
				state.Applied = append(state.Applied, lsapi.AppliedChange{Change: e.Change, Seq: int64(i + 1), At: l.stamps[i]})
			}
		}
	}
	state.Open = slices.DeleteFunc(state.Open, func(c lsapi.Change) bool { return ended[c.ID] })
	since := time.Now().Add(-within)
	if looked := state.LookedAt.Add(-within); !state.LookedAt.IsZero() && looked.Before(since) {
		since = looked
	}
	state.Applied = slices.DeleteFunc(state.Applied, func(c lsapi.AppliedChange) bool { return !c.At.After(since) })
	if !state.Known {
		state.Members = nil
	}
	return state
}

// Health implements membership.Record.
func (f *fakeRecord) Health(_ context.Context, pool lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Health", nil); err != nil {
		return nil, err
	}
	known := make(map[lsapi.MemberID]lsapi.MemberHealth)
	incarnation := ""
	for _, e := range f.log(pool).events {
		if e.Incarnation != "" && e.Incarnation != incarnation {
			clear(known)
			incarnation = e.Incarnation
		}
		for _, m := range e.Health {
			known[m.Member] = m
		}
		for _, id := range e.Drained {
			delete(known, id)
		}
	}
	return known, nil
}

// Later implements membership.Record.
func (f *fakeRecord) Later(_ context.Context, change lsapi.Change) ([]lsapi.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Later", nil); err != nil {
		return nil, err
	}
	var later []lsapi.Change
	found := false
	for _, e := range f.log(change.Pool).events {
		switch {
		case e.Change.ID == change.ID:
			found, later = true, nil
		case e.Kind == lsapi.EventObserved && slices.Contains(slices.Concat(e.Added, e.Removed), change.Member):
			later = append(later, lsapi.Change{ID: "outside", Member: change.Member, Action: lsapi.Attach, Source: lsapi.SourceExternal})
		case e.Change.Member == change.Member && (e.Change.Outcome == lsapi.OutcomeApplied || e.Change.Outcome == lsapi.OutcomeUnknown):
			later = append(later, e.Change)
		}
	}
	if !found {
		return nil, &lsapi.Error{Code: lsapi.CodeNotFound}
	}
	return later, nil
}

func setAll(members map[lsapi.MemberID]bool, ids []lsapi.MemberID, member bool) {
	for _, id := range ids {
		if member {
			members[id] = true
		} else {
			delete(members, id)
		}
	}
}

func (f *fakeRecord) Applied(ctx context.Context, pool lsapi.PoolID, within time.Duration) ([]lsapi.AppliedChange, error) {
	state, err := f.LaneState(ctx, pool, within)
	return slices.DeleteFunc(state.Applied, func(c lsapi.AppliedChange) bool { return time.Since(c.At) >= within }), err
}

func (f *fakeRecord) Unfinished(_ context.Context, within time.Duration) ([]lsapi.PoolID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("LaneState", nil); err != nil {
		return nil, err
	}
	var pools []lsapi.PoolID
	for pool, log := range f.logs {
		state := log.state(within)
		if len(state.Open)+len(state.Applied) > 0 {
			pools = append(pools, pool)
		}
	}
	slices.SortFunc(pools, lsapi.PoolID.Compare)
	return pools, nil
}

// takeOver is another process's taking of the lease, which expired unnoticed.
func (f *fakeLogs) takeOver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log(web).epoch++
}

// settle is another process's recording of an outcome.
func (f *fakeLogs) settle(id string, outcome lsapi.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log(web)
	for _, e := range log.events {
		if e.Change.ID == id {
			e.Change.Outcome = outcome
			log.add(lsapi.Event{Kind: lsapi.EventResolved, At: time.Now(), Change: e.Change})
			return
		}
	}
}

// lines returns the log without checkpoints, an event a line.
func (f *fakeRecord) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, e := range f.log(web).events {
		switch e.Kind {
		case lsapi.EventCheckpoint:
		case lsapi.EventObserved:
			lines = append(lines, fmt.Sprintf("observed +%s -%s", joined(e.Added), joined(e.Removed)))
		case lsapi.EventHealth:
			lines = append(lines, healthLine(e))
		default:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", e.Kind, e.Change.Action, e.Change.Member, e.Change.Outcome, e.Change.Resolution)))
		}
	}
	return lines
}

func joined(members []lsapi.MemberID) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(members), "[]")), ",")
}

func healthLine(e lsapi.Event) string {
	line := "health"
	for _, m := range e.Health {
		line += fmt.Sprintf(" %s %s", m.Member, m.State)
		if m.Draining {
			line += " draining"
		}
	}
	for _, id := range e.Drained {
		line += fmt.Sprintf(" %s drained", id)
	}
	return line
}

// unavailable is the error of a record that cannot be written.
func unavailable(string, []lsapi.Event) error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes cannot be written")
}

// outcomesAreUnavailable takes intents only.
func outcomesAreUnavailable(op string, events []lsapi.Event) error {
	if op == "Append" && slices.ContainsFunc(events, func(e lsapi.Event) bool { return e.Change.Outcome == lsapi.OutcomeApplied }) {
		return unavailable(op, events)
	}
	return nil
}

func lastOf(events []lsapi.Event) lsapi.Event { return events[len(events)-1] }
