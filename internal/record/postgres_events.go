package record

import (
	"context"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record/postgresdb"
)

// News implements Store.
func (s *postgresStore) News(ctx context.Context, after lsapi.Position) error {
	ctx, done := s.open(ctx)
	defer done()
	hints, forget := s.wakes.wait(eventsChannel)
	defer forget()
	return s.awaitNews(ctx, after, hints)
}

// keepPlaces makes places go on where they ended, if the record has been restored on
// a server whose transactions have lesser ids than those that wrote it.
func (e *postgresEngine) keepPlaces(ctx context.Context) error {
	return e.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error { return q.KeepPlaces(ctx) })
}

func (t *postgresTables) eventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]eventRow, error) {
	rows, err := t.queries.EventsAfter(ctx, postgresdb.EventsAfterParams{Major: after.Major, Seq: after.Minor, Most: bound(limit)})
	return convert(rows, err, fromPostgresEvent)
}

func (t *postgresTables) end(ctx context.Context) (lsapi.Position, error) {
	places, err := t.queries.LastPlace(ctx)
	if err != nil || len(places) == 0 {
		return start(), err
	}
	return lsapi.Position{Major: places[0].Major, Minor: places[0].Seq}, nil
}

func (t *postgresTables) behind(ctx context.Context, after lsapi.Position) (behind, soon bool, err error) {
	rows, err := t.queries.Behind(ctx, postgresdb.BehindParams{Major: after.Major, Seq: after.Minor})
	for _, readable := range rows {
		behind, soon = behind || readable, soon || !readable
	}
	return behind, soon, err
}

func (t *postgresTables) dropped(ctx context.Context) (lsapi.Position, error) {
	row, err := t.queries.DroppedPlace(ctx)
	return lsapi.Position{Major: row.DroppedMajor, Minor: row.DroppedSeq}, err
}

func (t *postgresTables) changes(ctx context.Context, ids []string) (map[string]recorded, error) {
	keys := make([]uuid.UUID, 0, len(ids))
	for _, id := range ids {
		if key, ok := changeID(id); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := t.queries.ChangesByID(ctx, keys)
	all, err := convert(rows, err, fromPostgresChange)
	found := make(map[string]recorded, len(all))
	for _, c := range all {
		found[c.ID] = c
	}
	return found, err
}
