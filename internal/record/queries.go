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
		return lsapi.Change{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no change %s in the record", id)
	}
	return found.Change, nil
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

func changesOf(rows []ChangeRow) []lsapi.Change {
	changes := make([]lsapi.Change, len(rows))
	for i, row := range rows {
		changes[i] = row.Change
	}
	return changes
}

// ChainCheckpoints implements Store.
func (r Record) ChainCheckpoints(ctx context.Context) ([]lsapi.Head, error) {
	return Read(ctx, r, func(t Tables) (heads []lsapi.Head, err error) {
		logs, err := t.Logs(ctx)
		for _, log := range logs {
			heads = append(heads, log.Head())
		}
		return heads, err
	})
}

// Health implements Store.
func (r Record) Health(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error) {
	return Read(ctx, r, func(t Tables) (map[string]lsapi.MemberHealth, error) {
		rows, err := t.Health(ctx, loadBalancer, nil)
		found := make(map[string]lsapi.MemberHealth, len(rows))
		for instance, row := range rows {
			found[instance] = row.MemberHealth
		}
		return found, err
	})
}

// Unfinished implements Store.
func (r Record) Unfinished(ctx context.Context, within time.Duration) ([]string, error) {
	return Read(ctx, r, func(t Tables) ([]string, error) { return t.Unfinished(ctx, within) })
}

// Populated implements Store.
func (r Record) Populated(ctx context.Context) ([]string, error) {
	return Read(ctx, r, func(t Tables) ([]string, error) { return t.Populated(ctx) })
}
