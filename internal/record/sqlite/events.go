package sqlite

import (
	"context"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/sqlite/sqlitedb"
)

// eventsHint is the name under which callers wait for events.
const eventsHint = "events"

// News implements Store. The writer is in this process, or it is looked for now and
// then what another one has written.
func (s *store) News(ctx context.Context, after lsapi.Position) error {
	hints, forget := s.wakes.Wait(eventsHint)
	defer forget()
	return s.AwaitNews(ctx, after, hints)
}

func (t *tables) EventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsAfter(ctx, sqlitedb.EventsAfterParams{Place: after.Major, Most: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) End(ctx context.Context) (lsapi.Position, error) {
	places, err := t.queries.LastPlace(ctx)
	if err != nil || len(places) == 0 {
		return record.Beginning(), err
	}
	return lsapi.Position{Major: places[0]}, nil
}

func (t *tables) After(ctx context.Context, after lsapi.Position) (behind, soon bool, err error) {
	end, err := t.End(ctx)
	return end.Major > after.Major, false, err
}

func (t *tables) Dropped(ctx context.Context) (lsapi.Position, error) {
	place, err := t.queries.DroppedPlace(ctx)
	return lsapi.Position{Major: place}, err
}

func (t *tables) Changes(ctx context.Context, ids []string) (map[string]record.ChangeRow, error) {
	found := make(map[string]record.ChangeRow, len(ids))
	for _, id := range ids {
		known, err := t.Change(ctx, id)
		if err != nil {
			return nil, err
		}
		if known != nil {
			found[id] = *known
		}
	}
	return found, nil
}
