package record

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lsapi"
)

// LaneState implements Store.
func (r record) LaneState(ctx context.Context, loadBalancer string, within time.Duration) (lsapi.LaneState, error) {
	return view(ctx, r, func(t tables) (lsapi.LaneState, error) { return laneState(ctx, t, loadBalancer, within) })
}

func laneState(ctx context.Context, t tables, loadBalancer string, within time.Duration) (lsapi.LaneState, error) {
	log, err := t.log(ctx, loadBalancer)
	if err != nil {
		return lsapi.LaneState{}, err
	}
	now, err := t.members(ctx, loadBalancer)
	if err != nil {
		return lsapi.LaneState{}, err
	}
	state := lsapi.LaneState{Head: log.head(), Known: log.known, Members: make(map[string]bool, len(now)), LookedAt: log.clock.toLocal(log.lookedAt)}
	for instance := range now {
		state.Members[instance] = true
	}
	if state.Open, err = openChanges(ctx, t, log); err != nil {
		return lsapi.LaneState{}, err
	}
	state.Applied, err = applied(ctx, t, log, log.unproven(within))
	return state, err
}

// unproven is since when applied changes matter: those of lately, and those from
// which the last look at the membership was not that far away, because it may have
// shown what was before them.
func (l *logRow) unproven(within time.Duration) time.Time {
	since := l.clock.now.Add(-within)
	if l.lookedAt.IsZero() {
		return since
	}
	return earliest(since, l.lookedAt.Add(-within))
}

// openChanges returns the changes without outcome, in order. A call ends as long
// after its intent was recorded as after it was asked for, at the latest.
func openChanges(ctx context.Context, t tables, log logRow) ([]lsapi.Change, error) {
	open, err := t.openChanges(ctx, log.loadBalancer)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	slices.SortFunc(open, func(a, b recorded) int { return cmp.Compare(a.begun, b.begun) })
	seqs := make([]int64, len(open))
	for i, c := range open {
		seqs[i] = c.begun
	}
	rows, err := t.eventsAt(ctx, log.loadBalancer, seqs)
	if err != nil {
		return nil, err
	}
	intended := make(map[int64]time.Time, len(rows))
	for _, row := range rows {
		intended[row.seq] = log.recordedAt(row)
	}
	changes := plain(open)
	for i := range changes {
		c := &changes[i]
		lasts := c.Deadline.Sub(c.IntendedAt) // both by the clock that asked, unless it was set meanwhile
		if lasts <= 0 || lasts > maxCall {
			lasts = maxCall
		}
		c.Deadline = log.clock.toLocal(intended[open[i].begun]).Add(lasts)
	}
	return changes, nil
}

// Applied implements Replicas.
func (r record) Applied(ctx context.Context, loadBalancer string, within time.Duration) ([]lsapi.AppliedChange, error) {
	return view(ctx, r, func(t tables) ([]lsapi.AppliedChange, error) {
		log, err := t.log(ctx, loadBalancer)
		if err != nil {
			return nil, err
		}
		return applied(ctx, t, log, log.clock.now.Add(-within))
	})
}

// applied returns the changes that were applied later than since, in order, but for
// those of an instance that was observed to have changed past lsapi since: AWS has shown
// what came after them. It reads the log backwards, so that it costs what has happened
// since.
func applied(ctx context.Context, t tables, log logRow, since time.Time) ([]lsapi.AppliedChange, error) {
	if !log.appliedAt.After(since) {
		return nil, nil
	}
	var found []lsapi.AppliedChange
	overtaken := make(map[string]bool)
	for before := log.last + 1; before > log.first; {
		rows, err := t.eventsBack(ctx, log.loadBalancer, before, page)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if !log.recordedAt(row).After(since) {
				slices.Reverse(found)
				return found, nil
			}
			if err := overtakes(row, overtaken); err != nil {
				return nil, err
			}
			change, err := appliedBy(ctx, t, log, row)
			if err != nil {
				return nil, err
			}
			if change != nil && !overtaken[change.InstanceID] {
				found = append(found, *change)
			}
			before = row.seq
		}
		if len(rows) < page {
			break
		}
	}
	slices.Reverse(found)
	return found, nil
}

// overtakes notes the instances that an event says to have changed past lsapi.
func overtakes(row eventRow, overtaken map[string]bool) error {
	if row.kind != lsapi.EventObserved {
		return nil
	}
	p, err := decode(row.payload)
	if err != nil {
		return err
	}
	for _, instance := range effectsOf(p, nil).instances() {
		overtaken[instance] = true
	}
	return nil
}

// appliedBy returns the change that an event tells to be applied, nil for none.
func appliedBy(ctx context.Context, t tables, log logRow, row eventRow) (*lsapi.AppliedChange, error) {
	switch row.kind {
	case lsapi.EventIntended, lsapi.EventCheckpoint, lsapi.EventObserved, lsapi.EventHealth:
		return nil, nil
	case lsapi.EventCompleted, lsapi.EventResolved:
	}
	change, err := t.change(ctx, row.changeID)
	if err != nil || change == nil || change.Outcome != lsapi.OutcomeApplied {
		return nil, err
	}
	return &lsapi.AppliedChange{Change: change.Change, Seq: row.seq, At: log.clock.toLocal(log.recordedAt(row))}, nil
}

// Unfinished implements Store.
func (r record) Unfinished(ctx context.Context, within time.Duration) ([]string, error) {
	return view(ctx, r, func(t tables) ([]string, error) { return t.unfinished(ctx, within) })
}

// Populated implements Store.
func (r record) Populated(ctx context.Context) ([]string, error) {
	return view(ctx, r, func(t tables) ([]string, error) { return t.populated(ctx) })
}
