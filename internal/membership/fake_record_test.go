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

// fakeRecord is a Record in memory, which can be away and can be taken over. Its
// events stay when a Service ends, as a store's do when its process crashes.
type fakeRecord struct {
	mu     sync.Mutex
	events []lsapi.Event
	epoch  int64
	others bool // another process has had the turn since the last time
	wait   time.Duration
	asked  int
	away   func(op string, events []lsapi.Event) error // nil: it is there
}

func (f *fakeRecord) arrive(op string, events []lsapi.Event) error {
	f.asked++
	if f.away == nil {
		return nil
	}
	return f.away(op, events)
}

// calls counts the calls so far.
func (f *fakeRecord) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// fails makes the record answer with what away says from now on.
func (f *fakeRecord) fails(away func(op string, events []lsapi.Event) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

func (f *fakeRecord) Take(ctx context.Context, loadBalancer string) (lsapi.Turn, error) {
	select {
	case <-time.After(f.wait):
	case <-ctx.Done():
		return lsapi.Turn{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Take", nil); err != nil {
		return lsapi.Turn{}, err
	}
	resumed := !f.others
	f.others = false
	return lsapi.Turn{LoadBalancer: loadBalancer, Epoch: f.epoch, Resumed: resumed}, nil
}

func (f *fakeRecord) Extend(_ context.Context, turn lsapi.Turn) (lsapi.Turn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Extend", nil); err != nil {
		return turn, err
	}
	if turn.Epoch != f.epoch {
		return turn, &lsapi.Error{Code: lsapi.CodeUnavailable, Err: lsapi.ErrTurnLost}
	}
	return turn, nil
}

func (f *fakeRecord) Give(context.Context, lsapi.Turn) error { return nil }

func (f *fakeRecord) Append(_ context.Context, turn lsapi.Turn, events []lsapi.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Append", events); err != nil {
		return err
	}
	if turn.Epoch != f.epoch {
		return &lsapi.Error{Code: lsapi.CodeUnavailable, Err: lsapi.ErrTurnLost}
	}
	f.events = append(f.events, events...)
	return nil
}

func (f *fakeRecord) LaneState(_ context.Context, _ string, since time.Time) (lsapi.LaneState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("LaneState", nil); err != nil {
		return lsapi.LaneState{}, err
	}
	state := lsapi.LaneState{Members: make(map[string]bool)}
	for _, e := range f.events {
		switch e.Kind {
		case lsapi.EventCheckpoint:
			state.Known = true
			state.LookedAt = e.Until
			clear(state.Members)
			setAll(state.Members, e.Members, true)
		case lsapi.EventObserved:
			state.LookedAt = e.Until
			setAll(state.Members, e.Added, true)
			setAll(state.Members, e.Removed, false)
		case lsapi.EventIntended:
			state.Open = append(state.Open, e.Change)
		case lsapi.EventHealth:
		default:
			state.Open = slices.DeleteFunc(state.Open, func(c lsapi.Change) bool { return c.ID == e.Change.ID })
			if e.Change.Outcome == lsapi.OutcomeApplied {
				setAll(state.Members, []string{e.Change.InstanceID}, e.Change.Action == lsapi.Attach)
				if e.Change.CompletedAt.After(since) {
					state.Applied = append(state.Applied, e.Change)
				}
			}
		}
	}
	return state, nil
}

// Health is Options.Recorded.
func (f *fakeRecord) Health(context.Context, string) (map[string]lsapi.MemberHealth, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.arrive("Health", nil); err != nil {
		return nil, err
	}
	known := make(map[string]lsapi.MemberHealth)
	for _, e := range f.events {
		for _, m := range e.Health {
			known[m.InstanceID] = m
		}
		for _, id := range e.Drained {
			delete(known, id)
		}
	}
	return known, nil
}

func setAll(members map[string]bool, ids []string, member bool) {
	for _, id := range ids {
		if member {
			members[id] = true
		} else {
			delete(members, id)
		}
	}
}

func (f *fakeRecord) Applied(ctx context.Context, loadBalancer string, since time.Time) ([]lsapi.Change, error) {
	state, err := f.LaneState(ctx, loadBalancer, since)
	return state.Applied, err
}

func (f *fakeRecord) Unfinished(ctx context.Context, since time.Time) ([]string, error) {
	state, err := f.LaneState(ctx, "web", since)
	if err != nil || len(state.Open)+len(state.Applied) == 0 {
		return nil, err
	}
	return []string{"web"}, nil
}

// takeOver is another process's taking of the turn.
func (f *fakeRecord) takeOver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.epoch++
	f.others = true
}

// settle is another process's recording of an outcome.
func (f *fakeRecord) settle(id string, outcome lsapi.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Change.ID == id {
			e.Change.Outcome = outcome
			f.events = append(f.events, lsapi.Event{Kind: lsapi.EventResolved, At: time.Now(), Change: e.Change})
			return
		}
	}
}

// told is the log without checkpoints, an event a line.
func (f *fakeRecord) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, e := range f.events {
		switch e.Kind {
		case lsapi.EventCheckpoint:
		case lsapi.EventObserved:
			lines = append(lines, fmt.Sprintf("observed +%s -%s", strings.Join(e.Added, ","), strings.Join(e.Removed, ",")))
		case lsapi.EventHealth:
			lines = append(lines, toldHealth(e))
		default:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", e.Kind, e.Change.Action, e.Change.InstanceID, e.Change.Outcome, e.Change.Resolution)))
		}
	}
	return lines
}

func toldHealth(e lsapi.Event) string {
	line := "health"
	for _, m := range e.Health {
		line += fmt.Sprintf(" %s %s", m.InstanceID, m.State)
		if m.Draining {
			line += " draining"
		}
	}
	for _, id := range e.Drained {
		line += fmt.Sprintf(" %s drained", id)
	}
	return line
}

// isAway is the error of a record that cannot be written.
func isAway(string, []lsapi.Event) error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "the record of changes cannot be written")
}

// outcomesAreAway takes intents only.
func outcomesAreAway(op string, events []lsapi.Event) error {
	if op == "Append" && slices.ContainsFunc(events, func(e lsapi.Event) bool { return e.Change.Outcome == lsapi.OutcomeApplied }) {
		return isAway(op, events)
	}
	return nil
}
