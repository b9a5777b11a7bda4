package record

import (
	"context"

	"lsapi"
	"lsapi/internal/record/sqlitedb"
)

func (t *sqliteTables) health(ctx context.Context, loadBalancer string) (healths, error) {
	rows, err := t.queries.Health(ctx, loadBalancer)
	found := make(healths, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = fromSQLiteHealth(row)
	}
	return found, err
}

func (t *sqliteTables) healthOf(ctx context.Context, loadBalancer string, instanceIDs []string) (healths, error) {
	found := make(healths, len(instanceIDs))
	for _, instance := range instanceIDs {
		rows, err := t.queries.HealthOf(ctx, sqlitedb.HealthOfParams{LoadBalancer: loadBalancer, InstanceID: instance})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[instance] = fromSQLiteHealth(row)
		}
	}
	return found, nil
}

func fromSQLiteHealth(row sqlitedb.Health) healthRow {
	return healthRow{
		MemberHealth: lsapi.MemberHealth{
			InstanceID: row.InstanceID, State: lsapi.HealthState(row.State), Reason: row.Reason,
			Description: row.Description, Draining: row.Draining != 0,
		},
		seq: row.Seq, since: fromMicros(row.Since),
	}
}

func (t *sqliteTables) countHealth(ctx context.Context) (int, error) {
	n, err := t.queries.CountHealth(ctx)
	return int(n), err
}

func (t *sqliteTables) putHealth(ctx context.Context, loadBalancer string, row healthRow) error {
	t.written++
	var draining int64
	if row.Draining {
		draining = 1
	}
	return t.queries.PutHealth(ctx, sqlitedb.PutHealthParams{
		LoadBalancer: loadBalancer, InstanceID: row.InstanceID, State: string(row.State), Reason: row.Reason,
		Description: row.Description, Draining: draining, Seq: row.seq, Since: micros(row.since),
	})
}

func (t *sqliteTables) dropHealth(ctx context.Context, loadBalancer, instanceID string) error {
	t.written++
	return t.queries.DropHealth(ctx, sqlitedb.DropHealthParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *sqliteTables) membersOf(ctx context.Context, loadBalancer string, instanceIDs []string) (members, error) {
	found := make(members, len(instanceIDs))
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

func (t *sqliteTables) eventsAt(ctx context.Context, loadBalancer string, seqs []int64) ([]eventRow, error) {
	var found []eventRow
	for _, seq := range seqs {
		rows, err := t.queries.EventAt(ctx, sqlitedb.EventAtParams{LoadBalancer: loadBalancer, Seq: seq})
		events, err := convert(rows, err, fromSQLiteEvent)
		if err != nil {
			return nil, err
		}
		found = append(found, events...)
	}
	return found, nil
}

func (t *sqliteTables) lastChanges(ctx context.Context, loadBalancer string, instanceIDs []string) ([]recorded, error) {
	var found []recorded
	for _, instance := range instanceIDs {
		ids, err := t.queries.LastChange(ctx, sqlitedb.LastChangeParams{InstanceID: instance, LoadBalancer: loadBalancer})
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			last, err := t.change(ctx, fromBytes(id))
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
