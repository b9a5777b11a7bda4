package record

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lsapi"
)

// LaneState implements Store.
func (r Record) LaneState(ctx context.Context, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error) {
	return Read(ctx, r, func(t Tables) (lsapi.LaneState, error) { return laneState(ctx, t, pool, within) })
}

func laneState(ctx context.Context, t Tables, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error) {
	log, err := t.Log(ctx, pool)
	if err != nil {
		return lsapi.LaneState{}, err
	}
	members, err := t.Members(ctx, pool, nil)
	if err != nil {
		return lsapi.LaneState{}, err
	}
	state := lsapi.LaneState{ChainEnd: log.ChainEnd(), Known: log.Known, Incarnation: log.Incarnation, LookedAt: log.Clock.toLocal(log.LookedAt), Members: make(map[lsapi.MemberID]bool, len(members))}
	for member := range members {
		state.Members[member] = true
	}
	if state.Open, err = openChanges(ctx, t, log); err != nil {
		return lsapi.LaneState{}, err
	}
	state.Applied, err = applied(ctx, t, log, log.unproven(within))
	return state, err
}

// unproven is the time since which applied changes matter: within before now or before
// the last look at the membership, which may not have shown them.
func (l *LogRow) unproven(within time.Duration) time.Time {
	since := l.Clock.Now.Add(-within)
	if l.LookedAt.IsZero() {
		return since
	}
	return earliest(since, l.LookedAt.Add(-within))
}

// openChanges returns the open changes in order. Their deadline is as long after the
// recording of the intent as it was after the intent.
func openChanges(ctx context.Context, t Tables, log LogRow) ([]lsapi.Change, error) {
	open, err := t.OpenChanges(ctx, log.Pool)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	slices.SortFunc(open, func(a, b ChangeRow) int { return cmp.Compare(a.Begun, b.Begun) })
	seqs := make([]int64, len(open))
	for i, c := range open {
		seqs[i] = c.Begun
	}
	rows, err := t.EventsAt(ctx, log.Pool, seqs)
	if err != nil {
		return nil, err
	}
	intended := make(map[int64]time.Time, len(rows))
	for _, row := range rows {
		intended[row.Seq] = log.recordedAt(row)
	}
	changes := changesOf(open)
	for i := range changes {
		c := &changes[i]
		lasts := c.Deadline.Sub(c.IntendedAt) // both by the caller's clock, unless that was set meanwhile
		if lasts <= 0 || lasts > maxCall {
			lasts = maxCall
		}
		c.Deadline = log.Clock.toLocal(intended[open[i].Begun]).Add(lasts)
	}
	return changes, nil
}

// Applied implements Replicas.
func (r Record) Applied(ctx context.Context, pool lsapi.PoolID, within time.Duration) ([]lsapi.AppliedChange, error) {
	return Read(ctx, r, func(t Tables) ([]lsapi.AppliedChange, error) {
		log, err := t.Log(ctx, pool)
		if err != nil {
			return nil, err
		}
		return applied(ctx, t, log, log.Clock.Now.Add(-within))
	})
}

// applied returns the changes applied after since, in order. A change that was observed
// takes the place of the instance's changes before it. It reads the log backwards.
func applied(ctx context.Context, t Tables, log LogRow, since time.Time) ([]lsapi.AppliedChange, error) {
	if !log.AppliedAt.After(since) {
		return nil, nil
	}
	var found []lsapi.AppliedChange
	overtaken := make(map[lsapi.MemberID]bool)
	for before := log.Last + 1; before > log.First; {
		rows, err := t.EventsBefore(ctx, log.Pool, before, page)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if !log.recordedAt(row).After(since) {
				slices.Reverse(found)
				return found, nil
			}
			changes, err := appliedBy(ctx, t, log, row)
			if err != nil {
				return nil, err
			}
			for _, c := range changes {
				if !overtaken[c.Member] {
					found = append(found, c)
				}
				overtaken[c.Member] = overtaken[c.Member] || c.Source == lsapi.SourceExternal
			}
			before = row.Seq
		}
		if len(rows) < page {
			break
		}
	}
	slices.Reverse(found)
	return found, nil
}

// appliedBy returns the change that an event completed as applied, or the changes that
// it observed.
func appliedBy(ctx context.Context, t Tables, log LogRow, row EventRow) ([]lsapi.AppliedChange, error) {
	var changes []ChangeRow
	switch row.Kind {
	case lsapi.EventObserved:
		p, err := decode(row.Payload)
		if err != nil {
			return nil, err
		}
		changes = effectsOf(p, nil).changes
	case lsapi.EventCompleted, lsapi.EventResolved:
		p, err := decode(row.Payload) // a query for each conflict would take longer
		if err != nil || p.Change == nil || p.Change.Outcome != lsapi.OutcomeApplied {
			return nil, err
		}
		change, err := t.Change(ctx, row.ChangeID)
		if err != nil || change == nil || change.Outcome != lsapi.OutcomeApplied {
			return nil, err
		}
		changes = []ChangeRow{*change}
	case lsapi.EventIntended, lsapi.EventCheckpoint, lsapi.EventHealth:
	}
	applied := make([]lsapi.AppliedChange, len(changes))
	for i, c := range changes {
		applied[i] = lsapi.AppliedChange{Change: c.Change, Seq: row.Seq, At: log.Clock.toLocal(log.recordedAt(row))}
	}
	return applied, nil
}
