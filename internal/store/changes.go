package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lsapi"
)

// Change implements Store.
func (r record) Change(ctx context.Context, id string) (lsapi.Change, error) {
	return view(ctx, r, func(t tables) (lsapi.Change, error) {
		found, err := t.change(ctx, id)
		if err != nil {
			return lsapi.Change{}, err
		}
		if found == nil {
			return lsapi.Change{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no change %s in the record", id)
		}
		return found.Change, nil
	})
}

// Changes implements Store.
func (r record) Changes(ctx context.Context, filter lsapi.ChangeFilter) ([]lsapi.Change, error) {
	if filter.Limit < 1 || filter.Limit > maxChanges {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "the limit must be from 1 to %d", maxChanges)
	}
	if _, ok := changeID(filter.Before); !ok && filter.Before != "" {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "%q is not the id of a change", filter.Before)
	}
	return view(ctx, r, func(t tables) ([]lsapi.Change, error) {
		found, err := t.find(ctx, filter)
		return plain(found), err
	})
}

// LaneState implements Store.
func (r record) LaneState(ctx context.Context, loadBalancer string, since time.Time) (lsapi.LaneState, error) {
	return view(ctx, r, func(t tables) (lsapi.LaneState, error) { return laneState(ctx, t, loadBalancer, since) })
}

func laneState(ctx context.Context, t tables, loadBalancer string, since time.Time) (lsapi.LaneState, error) {
	log, err := t.log(ctx, loadBalancer)
	if err != nil {
		return lsapi.LaneState{}, err
	}
	now, err := t.members(ctx, loadBalancer)
	if err != nil {
		return lsapi.LaneState{}, err
	}
	open, err := t.openChanges(ctx, loadBalancer)
	if err != nil {
		return lsapi.LaneState{}, err
	}
	slices.SortFunc(open, func(a, b recorded) int { return cmp.Compare(a.begun, b.begun) })
	state := lsapi.LaneState{Known: log.known, Members: make(map[string]bool, len(now)), LookedAt: log.lookedAt, Open: plain(open)}
	for instance := range now {
		state.Members[instance] = true
	}
	if !log.appliedAt.IsZero() && !log.appliedAt.Before(since) {
		state.Applied, err = applied(ctx, t, log, since)
	}
	return state, err
}

// Applied implements Replicas.
func (r record) Applied(ctx context.Context, loadBalancer string, since time.Time) ([]lsapi.Change, error) {
	return view(ctx, r, func(t tables) ([]lsapi.Change, error) {
		log, err := t.log(ctx, loadBalancer)
		if err != nil || log.appliedAt.IsZero() || log.appliedAt.Before(since) {
			return nil, err
		}
		return applied(ctx, t, log, since)
	})
}

// applied returns the changes that were applied at since or later, in order. It
// reads the log backwards, so that it costs what has happened since.
func applied(ctx context.Context, t tables, log logRow, since time.Time) ([]lsapi.Change, error) {
	var found []lsapi.Change
	for before := log.last + 1; before > log.first; {
		rows, err := t.eventsBack(ctx, log.loadBalancer, before, page)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.at.Before(since) {
				slices.Reverse(found)
				return found, nil
			}
			changes, err := appliedBy(ctx, t, row)
			if err != nil {
				return nil, err
			}
			slices.Reverse(changes)
			found = append(found, changes...)
			before = row.seq
		}
		if len(rows) < page {
			break
		}
	}
	slices.Reverse(found)
	return found, nil
}

// appliedBy returns the changes that an event tells to be applied, in order.
func appliedBy(ctx context.Context, t tables, row eventRow) ([]lsapi.Change, error) {
	switch row.kind {
	case lsapi.EventIntended, lsapi.EventCheckpoint, lsapi.EventObserved, lsapi.EventHealth:
		return nil, nil
	case lsapi.EventCompleted, lsapi.EventResolved:
	}
	change, err := t.change(ctx, row.changeID)
	if err != nil || change == nil || change.Outcome != lsapi.OutcomeApplied {
		return nil, err
	}
	return []lsapi.Change{change.Change}, nil
}

// Unfinished implements Store.
func (r record) Unfinished(ctx context.Context, since time.Time) ([]string, error) {
	return view(ctx, r, func(t tables) ([]string, error) { return t.unfinished(ctx, since) })
}

// Heads implements Store.
func (r record) Heads(ctx context.Context) ([]lsapi.Head, error) {
	return view(ctx, r, func(t tables) (heads []lsapi.Head, err error) {
		logs, err := t.logs(ctx)
		for _, log := range logs {
			heads = append(heads, lsapi.Head{LoadBalancer: log.loadBalancer, Seq: log.last, Hash: log.hash.String()})
		}
		return heads, err
	})
}

func plain(rows []recorded) []lsapi.Change {
	changes := make([]lsapi.Change, len(rows))
	for i, row := range rows {
		changes[i] = row.Change
	}
	return changes
}
