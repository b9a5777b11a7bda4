package record

import (
	"context"
	"time"

	"lsapi"
)

// Change implements Store.
func (r Record) Change(ctx context.Context, id string) (lsapi.Change, error) {
	found, err := Read(ctx, r, func(t Tables) (*ChangeRow, error) { return t.Change(ctx, id) })
	if err != nil {
		return lsapi.Change{}, err
	}
	if found == nil {
		return lsapi.Change{}, unknownChange(id)
	}
	return found.Change, nil
}

func unknownChange(id string) error {
	return lsapi.Errorf(lsapi.CodeNotFound, "there is no change %s in the record", id)
}

// Changes implements Store.
func (r Record) Changes(ctx context.Context, filter lsapi.ChangeFilter) ([]lsapi.Change, error) {
	if filter.Limit < 1 || filter.Limit > maxChanges {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "the limit must be from 1 to %d", maxChanges)
	}
	if _, ok := ParseID(filter.Before); !ok && filter.Before != "" {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "%q is not the id of a change", filter.Before)
	}
	return Read(ctx, r, func(t Tables) ([]lsapi.Change, error) {
		found, err := t.Find(ctx, filter)
		return changesOf(found), err
	})
}

// Later implements Store.
func (r Record) Later(ctx context.Context, change lsapi.Change) ([]lsapi.Change, error) {
	return Read(ctx, r, func(t Tables) ([]lsapi.Change, error) {
		row, err := t.Change(ctx, change.ID)
		if err != nil {
			return nil, err
		}
		if row == nil {
			return nil, unknownChange(change.ID)
		}
		later, err := t.Later(ctx, row, maxLater)
		if err != nil || len(later) > 0 {
			return changesOf(later), err
		}
		log, err := t.Log(ctx, row.Pool)
		if err == nil && max(row.Begun, row.Done) < log.Replaced {
			err = lsapi.Errorf(lsapi.CodeSuperseded, "since change %s, %s was deleted and made again; nothing was changed", change.ID, row.Pool.Title())
		}
		return nil, err
	})
}

// Condition is a condition on a column of changes.
type Condition struct {
	Column, Operator string
	Value            any // a string or a uuid.UUID
}

// Conditions returns the conditions of a filter, the most selective first.
func Conditions(f lsapi.ChangeFilter) []Condition {
	var all []Condition
	equal := func(column, value string, given bool) {
		if given {
			all = append(all, Condition{column, "=", value})
		}
	}
	equal("bulk", f.Bulk, f.Bulk != "")
	most := f.Outcome == lsapi.OutcomeApplied // which most changes are
	if f.Outcome == lsapi.OutcomeOpen {
		equal("outcome", "", true)
	} else {
		equal("outcome", string(f.Outcome), f.Outcome != "" && !most)
	}
	equal("instance", WithoutPort(f.Member), !f.Member.IsZero())
	equal("member", f.Member.String(), f.Member.Port > 0)
	equal("pool", f.Pool.String(), !f.Pool.IsZero())
	if f.Kind != "" {
		all = append(all, Condition{"pool", "LIKE", "%/" + string(f.Kind) + "/%"})
	}
	equal("actor", f.Actor, f.Actor != "")
	equal("outcome", string(f.Outcome), most)
	equal("action", string(f.Action), f.Action != "")
	if !f.From.IsZero() {
		all = append(all, Condition{"id", ">=", FirstID(f.From)})
	}
	if !f.To.IsZero() {
		all = append(all, Condition{"id", "<", FirstID(f.To)})
	}
	if before, ok := ParseID(f.Before); ok {
		all = append(all, Condition{"id", "<", before})
	}
	return all
}

func changesOf(rows []ChangeRow) []lsapi.Change {
	changes := make([]lsapi.Change, len(rows))
	for i, row := range rows {
		changes[i] = row.Change
	}
	return changes
}

// ChainEnds implements Store.
func (r Record) ChainEnds(ctx context.Context) ([]lsapi.ChainEnd, error) {
	return Read(ctx, r, func(t Tables) (ends []lsapi.ChainEnd, err error) {
		logs, err := t.Logs(ctx)
		for _, log := range logs {
			ends = append(ends, log.ChainEnd())
		}
		return ends, err
	})
}

// Health implements Store.
func (r Record) Health(ctx context.Context, pool lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
	return Read(ctx, r, func(t Tables) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
		rows, err := t.Health(ctx, pool, nil)
		found := make(map[lsapi.MemberID]lsapi.MemberHealth, len(rows))
		for member, row := range rows {
			found[member] = row.MemberHealth
		}
		return found, err
	})
}

// Unfinished implements Store.
func (r Record) Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error) {
	return Read(ctx, r, func(t Tables) ([]lsapi.PoolID, error) { return t.Unfinished(ctx, within) })
}

// Populated implements Store.
func (r Record) Populated(ctx context.Context) ([]lsapi.PoolID, error) {
	return Read(ctx, r, func(t Tables) ([]lsapi.PoolID, error) { return t.Populated(ctx) })
}
