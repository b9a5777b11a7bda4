package postgres

import (
	"context"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// News implements Store.
func (s *store) News(ctx context.Context, after lsapi.Position) error {
	ctx, done := s.open(ctx)
	defer done()
	hints, forget := s.wakes.Wait(eventsChannel)
	defer forget()
	return s.AwaitNews(ctx, after, hints)
}

// keepPlaces makes places go on where they ended, if the record has been restored on
// a server whose transactions have lesser ids than those that wrote it.
func (e *engine) keepPlaces(ctx context.Context) error {
	return e.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error { return q.KeepPlaces(ctx) })
}

func (t *tables) EventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsAfter(ctx, postgresdb.EventsAfterParams{Major: after.Major, Seq: after.Minor, Most: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) End(ctx context.Context) (lsapi.Position, error) {
	places, err := t.queries.LastPlace(ctx)
	if err != nil || len(places) == 0 {
		return record.Beginning(), err
	}
	return lsapi.Position{Major: places[0].Major, Minor: places[0].Seq}, nil
}

func (t *tables) After(ctx context.Context, after lsapi.Position) (behind, soon bool, err error) {
	rows, err := t.queries.Behind(ctx, postgresdb.BehindParams{Major: after.Major, Seq: after.Minor})
	for _, readable := range rows {
		behind, soon = behind || readable, soon || !readable
	}
	return behind, soon, err
}

func (t *tables) Dropped(ctx context.Context) (lsapi.Position, error) {
	row, err := t.queries.DroppedPlace(ctx)
	return lsapi.Position{Major: row.DroppedMajor, Minor: row.DroppedSeq}, err
}

func (t *tables) Changes(ctx context.Context, ids []string) (map[string]record.ChangeRow, error) {
	keys := make([]uuid.UUID, 0, len(ids))
	for _, id := range ids {
		if key, ok := record.ParseID(id); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := t.queries.ChangesByID(ctx, keys)
	all, err := record.Convert(rows, err, fromChange)
	found := make(map[string]record.ChangeRow, len(all))
	for _, c := range all {
		found[c.ID] = c
	}
	return found, err
}
