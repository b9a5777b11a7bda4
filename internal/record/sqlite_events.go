package record

import (
	"context"

	"lsapi"
	"lsapi/internal/record/sqlitedb"
)

// News implements Store. The writer is in this process, or it is looked for now and
// then what another one has written.
func (s *sqliteStore) News(ctx context.Context, after lsapi.Position) error {
	hints, forget := s.wakes.wait(eventsChannel)
	defer forget()
	return s.awaitNews(ctx, after, hints)
}

func (t *sqliteTables) eventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]eventRow, error) {
	rows, err := t.queries.EventsAfter(ctx, sqlitedb.EventsAfterParams{Place: after.Major, Most: int64(limit)})
	return convert(rows, err, fromSQLiteEvent)
}

func (t *sqliteTables) end(ctx context.Context) (lsapi.Position, error) {
	places, err := t.queries.LastPlace(ctx)
	if err != nil || len(places) == 0 {
		return start(), err
	}
	return lsapi.Position{Major: places[0]}, nil
}

func (t *sqliteTables) behind(ctx context.Context, after lsapi.Position) (behind, soon bool, err error) {
	end, err := t.end(ctx)
	return end.Major > after.Major, false, err
}

func (t *sqliteTables) dropped(ctx context.Context) (lsapi.Position, error) {
	place, err := t.queries.DroppedPlace(ctx)
	return lsapi.Position{Major: place}, err
}

func (t *sqliteTables) changes(ctx context.Context, ids []string) (map[string]recorded, error) {
	found := make(map[string]recorded, len(ids))
	for _, id := range ids {
		known, err := t.change(ctx, id)
		if err != nil {
			return nil, err
		}
		if known != nil {
			found[id] = *known
		}
	}
	return found, nil
}
