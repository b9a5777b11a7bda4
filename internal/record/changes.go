package record

import (
	"context"

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

// Heads implements Store.
func (r record) Heads(ctx context.Context) ([]lsapi.Head, error) {
	return view(ctx, r, func(t tables) (heads []lsapi.Head, err error) {
		logs, err := t.logs(ctx)
		for _, log := range logs {
			heads = append(heads, log.head())
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
