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
	if state.Detached, err = detached(ctx, t, log, members); err != nil {
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

// detached returns the members that are none now and that lsapi detached last, with the times
// at which that was recorded.
func detached(ctx context.Context, t Tables, log LogRow, members Members) (map[lsapi.MemberID]time.Time, error) {
	since := log.Clock.Now.Add(-lsapi.DetachedWithin)
	if !log.Known || !log.AppliedAt.After(since) {
		return nil, nil
	}
	rows, err := t.Detached(ctx, log.Pool, since)
	found := make(map[lsapi.MemberID]time.Time, len(rows))
	for member, row := range rows {
		at := log.dated(row.Seq, row.RecordedAt)
		if _, isMember := members[member]; !isMember && at.After(since) {
			found[member] = log.Clock.toLocal(at)
		}
	}
	return found, err
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
		recent := rows
		if i := slices.IndexFunc(rows, func(row EventRow) bool { return !log.recordedAt(row).After(since) }); i >= 0 {
			recent = rows[:i]
		}
		events, err := appliedBy(ctx, t, log, recent)
		if err != nil {
			return nil, err
		}
		for _, c := range slices.Concat(events...) {
			if !overtaken[c.Member] {
				found = append(found, c)
			}
			overtaken[c.Member] = overtaken[c.Member] || c.Source == lsapi.SourceExternal
		}
		if len(recent) < page {
			break
		}
		before = rows[len(rows)-1].Seq
	}
	slices.Reverse(found)
	return found, nil
}

// appliedBy returns, for each event, the change that it completed as applied, or the
// changes that it observed.
func appliedBy(ctx context.Context, t Tables, log LogRow, rows []EventRow) ([][]lsapi.AppliedChange, error) {
	payloads := make([]*payload, len(rows))
	var ids []string // of those that may be applied: most conflicts are left out
	for i, row := range rows {
		switch row.Kind {
		case lsapi.EventObserved, lsapi.EventCompleted, lsapi.EventResolved:
			p, err := decode(row.Payload)
			if err != nil {
				return nil, err
			}
			payloads[i] = p
			if p.Change != nil && p.Change.Outcome == lsapi.OutcomeApplied {
				ids = append(ids, row.ChangeID)
			}
		case lsapi.EventIntended, lsapi.EventCheckpoint, lsapi.EventHealth:
		}
	}
	completed, err := t.Changes(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([][]lsapi.AppliedChange, len(rows))
	for i, p := range payloads {
		var changes []ChangeRow
		switch {
		case p == nil:
		case p.Kind == lsapi.EventObserved:
			changes = effectsOf(p, nil).changes
		case completed[rows[i].ChangeID].Outcome == lsapi.OutcomeApplied:
			changes = []ChangeRow{completed[rows[i].ChangeID]}
		}
		for _, c := range changes {
			all[i] = append(all[i], lsapi.AppliedChange{Change: c.Change, Seq: rows[i].Seq, At: log.Clock.toLocal(log.recordedAt(rows[i]))})
		}
	}
	return all, nil
}
