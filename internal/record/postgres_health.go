package record

import (
	"context"

	"lsapi"
	"lsapi/internal/record/postgresdb"
)

func (t *postgresTables) health(ctx context.Context, loadBalancer string) (healths, error) {
	rows, err := t.queries.Health(ctx, loadBalancer)
	return fromPostgresHealth(rows), err
}

func (t *postgresTables) healthOf(ctx context.Context, loadBalancer string, instanceIDs []string) (healths, error) {
	rows, err := t.queries.HealthOf(ctx, postgresdb.HealthOfParams{LoadBalancer: loadBalancer, InstanceIds: instanceIDs})
	return fromPostgresHealth(rows), err
}

func fromPostgresHealth(rows []postgresdb.Health) healths {
	found := make(healths, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = healthRow{
			MemberHealth: lsapi.MemberHealth{
				InstanceID: row.InstanceID, State: lsapi.HealthState(row.State), Reason: row.Reason,
				Description: row.Description, Draining: row.Draining,
			},
			seq: row.Seq, since: row.Since.UTC(),
		}
	}
	return found
}

func (t *postgresTables) countHealth(ctx context.Context) (int, error) {
	n, err := t.queries.CountHealth(ctx)
	return int(n), err
}

func (t *postgresTables) putHealth(ctx context.Context, loadBalancer string, row healthRow) error {
	return t.queries.PutHealth(ctx, postgresdb.PutHealthParams{
		LoadBalancer: loadBalancer, InstanceID: row.InstanceID, State: string(row.State), Reason: row.Reason,
		Description: row.Description, Draining: row.Draining, Seq: row.seq, Since: row.since,
	})
}

func (t *postgresTables) dropHealth(ctx context.Context, loadBalancer, instanceID string) error {
	return t.queries.DropHealth(ctx, postgresdb.DropHealthParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *postgresTables) membersOf(ctx context.Context, loadBalancer string, instanceIDs []string) (members, error) {
	rows, err := t.queries.MembersOf(ctx, postgresdb.MembersOfParams{LoadBalancer: loadBalancer, InstanceIds: instanceIDs})
	found := make(members, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = row.Seq
	}
	return found, err
}

func (t *postgresTables) eventsAt(ctx context.Context, loadBalancer string, seqs []int64) ([]eventRow, error) {
	rows, err := t.queries.EventsAt(ctx, postgresdb.EventsAtParams{LoadBalancer: loadBalancer, Seqs: seqs})
	return convert(rows, err, fromPostgresEvent)
}

func (t *postgresTables) lastChanges(ctx context.Context, loadBalancer string, instanceIDs []string) ([]recorded, error) {
	ids, err := t.queries.LastChanges(ctx, postgresdb.LastChangesParams{InstanceIds: instanceIDs, LoadBalancer: loadBalancer})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	rows, err := t.queries.ChangesByID(ctx, ids)
	return convert(rows, err, fromPostgresChange)
}
