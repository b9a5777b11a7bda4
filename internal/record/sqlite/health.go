package sqlite

import (
	"context"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/sqlite/sqlitedb"
)

func (t *tables) Health(ctx context.Context, loadBalancer string) (record.Healths, error) {
	rows, err := t.queries.Health(ctx, loadBalancer)
	found := make(record.Healths, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = fromHealth(row)
	}
	return found, err
}

func (t *tables) HealthOf(ctx context.Context, loadBalancer string, instanceIDs []string) (record.Healths, error) {
	found := make(record.Healths, len(instanceIDs))
	for _, instance := range instanceIDs {
		rows, err := t.queries.HealthOf(ctx, sqlitedb.HealthOfParams{LoadBalancer: loadBalancer, InstanceID: instance})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[instance] = fromHealth(row)
		}
	}
	return found, nil
}

func fromHealth(row sqlitedb.Health) record.HealthRow {
	return record.HealthRow{
		MemberHealth: lsapi.MemberHealth{
			InstanceID: row.InstanceID, State: lsapi.HealthState(row.State), Reason: row.Reason,
			Description: row.Description, Draining: row.Draining != 0,
		},
		Seq: row.Seq, Since: fromMicros(row.Since),
	}
}

func (t *tables) CountHealth(ctx context.Context) (int, error) {
	n, err := t.queries.CountHealth(ctx)
	return int(n), err
}

func (t *tables) PutHealth(ctx context.Context, loadBalancer string, row record.HealthRow) error {
	t.written++
	var draining int64
	if row.Draining {
		draining = 1
	}
	return t.queries.PutHealth(ctx, sqlitedb.PutHealthParams{
		LoadBalancer: loadBalancer, InstanceID: row.InstanceID, State: string(row.State), Reason: row.Reason,
		Description: row.Description, Draining: draining, Seq: row.Seq, Since: micros(row.Since),
	})
}

func (t *tables) DropHealth(ctx context.Context, loadBalancer, instanceID string) error {
	t.written++
	return t.queries.DropHealth(ctx, sqlitedb.DropHealthParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *tables) MembersOf(ctx context.Context, loadBalancer string, instanceIDs []string) (record.Members, error) {
	found := make(record.Members, len(instanceIDs))
	for _, instance := range instanceIDs {
		rows, err := t.queries.MemberOf(ctx, sqlitedb.MemberOfParams{LoadBalancer: loadBalancer, InstanceID: instance})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[instance] = row.Seq
		}
	}
	return found, nil
}

func (t *tables) EventsAt(ctx context.Context, loadBalancer string, seqs []int64) ([]record.EventRow, error) {
	var found []record.EventRow
	for _, seq := range seqs {
		rows, err := t.queries.EventAt(ctx, sqlitedb.EventAtParams{LoadBalancer: loadBalancer, Seq: seq})
		events, err := record.Convert(rows, err, fromEvent)
		if err != nil {
			return nil, err
		}
		found = append(found, events...)
	}
	return found, nil
}

func (t *tables) LastChanges(ctx context.Context, loadBalancer string, instanceIDs []string) ([]record.ChangeRow, error) {
	var found []record.ChangeRow
	for _, instance := range instanceIDs {
		ids, err := t.queries.LastChange(ctx, sqlitedb.LastChangeParams{InstanceID: instance, LoadBalancer: loadBalancer})
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			last, err := t.Change(ctx, fromBytes(id))
			if err != nil {
				return nil, err
			}
			if last != nil {
				found = append(found, *last)
			}
		}
	}
	return found, nil
}
