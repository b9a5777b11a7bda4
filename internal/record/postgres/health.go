package postgres

import (
	"context"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

func (t *tables) Health(ctx context.Context, loadBalancer string) (record.Healths, error) {
	rows, err := t.queries.Health(ctx, loadBalancer)
	return fromHealth(rows), err
}

func (t *tables) HealthOf(ctx context.Context, loadBalancer string, instanceIDs []string) (record.Healths, error) {
	rows, err := t.queries.HealthOf(ctx, postgresdb.HealthOfParams{LoadBalancer: loadBalancer, InstanceIds: instanceIDs})
	return fromHealth(rows), err
}

func fromHealth(rows []postgresdb.Health) record.Healths {
	found := make(record.Healths, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = record.HealthRow{
			MemberHealth: lsapi.MemberHealth{
				InstanceID: row.InstanceID, State: lsapi.HealthState(row.State), Reason: row.Reason,
				Description: row.Description, Draining: row.Draining,
			},
			Seq: row.Seq, Since: row.Since.UTC(),
		}
	}
	return found
}

func (t *tables) CountHealth(ctx context.Context) (int, error) {
	n, err := t.queries.CountHealth(ctx)
	return int(n), err
}

func (t *tables) PutHealth(ctx context.Context, loadBalancer string, row record.HealthRow) error {
	return t.queries.PutHealth(ctx, postgresdb.PutHealthParams{
		LoadBalancer: loadBalancer, InstanceID: row.InstanceID, State: string(row.State), Reason: row.Reason,
		Description: row.Description, Draining: row.Draining, Seq: row.Seq, Since: row.Since,
	})
}

func (t *tables) DropHealth(ctx context.Context, loadBalancer, instanceID string) error {
	return t.queries.DropHealth(ctx, postgresdb.DropHealthParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *tables) MembersOf(ctx context.Context, loadBalancer string, instanceIDs []string) (record.Members, error) {
	rows, err := t.queries.MembersOf(ctx, postgresdb.MembersOfParams{LoadBalancer: loadBalancer, InstanceIds: instanceIDs})
	found := make(record.Members, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = row.Seq
	}
	return found, err
}

func (t *tables) EventsAt(ctx context.Context, loadBalancer string, seqs []int64) ([]record.EventRow, error) {
	rows, err := t.queries.EventsAt(ctx, postgresdb.EventsAtParams{LoadBalancer: loadBalancer, Seqs: seqs})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) LastChanges(ctx context.Context, loadBalancer string, instanceIDs []string) ([]record.ChangeRow, error) {
	ids, err := t.queries.LastChanges(ctx, postgresdb.LastChangesParams{InstanceIds: instanceIDs, LoadBalancer: loadBalancer})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	rows, err := t.queries.ChangesByID(ctx, ids)
	return record.Convert(rows, err, fromChange)
}
