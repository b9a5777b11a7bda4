package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// readAhead reads changes that are asked for one by one later.
func (t *tables) readAhead(ctx context.Context, events []lsapi.Event) error {
	t.known = make(map[uuid.UUID]*record.ChangeRow, len(events))
	var ids []uuid.UUID
	for i := range events {
		if id, ok := record.ParseID(events[i].Change.ID); ok {
			ids = append(ids, id)
			t.known[id] = nil
		}
	}
	found, err := t.changes(ctx, ids)
	for i := range found {
		id, _ := record.ParseID(found[i].ID)
		t.known[id] = &found[i]
	}
	return err
}

// changes returns the changes of ids, in any order.
func (t *tables) changes(ctx context.Context, ids []uuid.UUID) ([]record.ChangeRow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := t.queries.ChangesByID(ctx, ids)
	return record.Convert(rows, err, fromChange)
}

func (t *tables) Change(ctx context.Context, id string) (*record.ChangeRow, error) {
	key, ok := record.ParseID(id)
	if !ok {
		return nil, nil
	}
	if found, read := t.known[key]; read {
		return found, nil
	}
	found, err := t.changes(ctx, []uuid.UUID{key})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (t *tables) Changes(ctx context.Context, ids []string) (map[string]record.ChangeRow, error) {
	keys := make([]uuid.UUID, 0, len(ids))
	for _, id := range ids {
		if key, ok := record.ParseID(id); ok {
			keys = append(keys, key)
		}
	}
	all, err := t.changes(ctx, keys)
	found := make(map[string]record.ChangeRow, len(all))
	for _, c := range all {
		found[c.ID] = c
	}
	return found, err
}

func (t *tables) OpenChanges(ctx context.Context, pool lsapi.PoolID) ([]record.ChangeRow, error) {
	rows, err := t.queries.OpenChanges(ctx, pool.String())
	return record.Convert(rows, err, fromChange)
}

func (t *tables) ChangesAfter(ctx context.Context, pool lsapi.PoolID, id string, limit int) ([]record.ChangeRow, error) {
	after, _ := record.ParseID(id) // zero for the first page
	if pool.IsZero() {
		rows, err := t.queries.ChangesAfter(ctx, postgresdb.ChangesAfterParams{ID: after, Limit: bound(limit)})
		return record.Convert(rows, err, fromChange)
	}
	rows, err := t.queries.ChangesOf(ctx, postgresdb.ChangesOfParams{Pool: pool.String(), ID: after, Limit: bound(limit)})
	return record.Convert(rows, err, fromChange)
}

func (t *tables) LastChanges(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) ([]record.ChangeRow, error) {
	instances := make([]string, len(members))
	for i, member := range members {
		instances[i] = record.WithoutPort(member)
	}
	ids, err := t.queries.LastChanges(ctx, postgresdb.LastChangesParams{Members: record.MemberTexts(members), Instances: instances, Pool: pool.String()})
	if err != nil {
		return nil, err
	}
	return t.changes(ctx, ids)
}

func (t *tables) Later(ctx context.Context, change *record.ChangeRow, limit int) ([]record.ChangeRow, error) {
	id, _ := record.ParseID(change.ID) // which is on record
	rows, err := t.queries.Later(ctx, postgresdb.LaterParams{
		Instance: record.WithoutPort(change.Member), FromID: record.LaterFrom(change), Member: change.Member.String(), Pool: change.Pool.String(),
		After: max(change.Begun, change.Done), ID: id, Most: bound(limit),
	})
	return record.Convert(rows, err, fromChange)
}

func (t *tables) Find(ctx context.Context, filter lsapi.ChangeFilter) ([]record.ChangeRow, error) {
	query, arguments := findQuery(filter)
	rows, err := t.db.Query(ctx, query, arguments...)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err
	}
	found, err := t.changes(ctx, ids)
	slices.SortFunc(found, func(a, b record.ChangeRow) int { return cmp.Compare(b.ID, a.ID) })
	return found, err
}

// findQuery returns the query of a filter. Each filter has an index of its own, which no
// static query could use.
func findQuery(f lsapi.ChangeFilter) (query string, arguments []any) {
	var where []string
	for _, c := range record.Conditions(f) {
		if c.Value == "" {
			where = append(where, c.Column+" = ''") // open changes have an index of their own
			continue
		}
		arguments = append(arguments, c.Value)
		where = append(where, fmt.Sprintf("%s %s $%d", c.Column, c.Operator, len(arguments)))
	}
	query = "SELECT id FROM changes"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	arguments = append(arguments, f.Limit)
	return fmt.Sprintf("%s ORDER BY id DESC LIMIT $%d", query, len(arguments)), arguments
}

// AddChange fails the transaction if the change exists.
func (t *tables) AddChange(ctx context.Context, c *record.ChangeRow) (isNew bool, err error) {
	id, err := t.put(c)
	if err != nil {
		return false, err
	}
	guard := record.GuardOf(c)
	return true, t.queries.AddChange(ctx, postgresdb.AddChangeParams{
		ID: id, Pool: c.Pool.String(), Member: c.Member.String(), Actor: c.Actor, Action: string(c.Action),
		Reason: c.Reason, RequestID: c.RequestID, Source: string(c.Source), NotBefore: toTime(c.NotBefore),
		Deadline: toTime(c.Deadline), Outcome: string(c.Outcome), Code: c.Code, Resolution: string(c.Resolution),
		CompletedAt: toTime(c.CompletedAt), AwsRequestID: c.AWSRequestID, MembersBefore: toInt(c.MembersBefore),
		MembersAfter: toInt(c.MembersAfter), InstanceType: c.Instance.Type, LaunchTime: toTime(c.Instance.LaunchTime),
		InstanceState: string(c.Instance.State), FirstSeq: c.Begun, LastSeq: c.Done,
		Bulk: toText(c.Bulk), Undoes: c.Undoes, IfMatch: c.IfMatch, GuardRule: guard.Rule, GuardOverridden: guard.Overridden, GuardReason: guard.Reason,
	})
}

func (t *tables) CompleteChange(ctx context.Context, c *record.ChangeRow) error {
	id, err := t.put(c)
	if err != nil {
		return err
	}
	guard := record.GuardOf(c)
	return t.queries.CompleteChange(ctx, postgresdb.CompleteChangeParams{
		Actor: c.Actor, Reason: c.Reason, RequestID: c.RequestID, Deadline: toTime(c.Deadline), Outcome: string(c.Outcome),
		Code: c.Code, Resolution: string(c.Resolution), CompletedAt: toTime(c.CompletedAt), AwsRequestID: c.AWSRequestID,
		MembersBefore: toInt(c.MembersBefore), MembersAfter: toInt(c.MembersAfter), InstanceType: c.Instance.Type,
		LaunchTime: toTime(c.Instance.LaunchTime), InstanceState: string(c.Instance.State), LastSeq: c.Done, ID: id,
		Bulk: toText(c.Bulk), Undoes: c.Undoes, IfMatch: c.IfMatch, GuardRule: guard.Rule, GuardOverridden: guard.Overridden, GuardReason: guard.Reason,
	})
}

// put updates a known change that is about to be written.
func (t *tables) put(c *record.ChangeRow) (uuid.UUID, error) {
	id, ok := record.ParseID(c.ID)
	if !ok {
		return uuid.UUID{}, record.Contradiction("%q is not the id of a change", c.ID)
	}
	if t.known != nil {
		known := *c
		t.known[id] = &known
	}
	return id, nil
}

func fromChange(row postgresdb.Change) (record.ChangeRow, error) {
	pool, err := record.PoolOf(row.Pool)
	if err != nil {
		return record.ChangeRow{}, err
	}
	member, err := record.MemberOf(row.Member)
	if err != nil {
		return record.ChangeRow{}, err
	}
	return record.ChangeRow{
		Change: lsapi.Change{
			ID: row.ID.String(), Actor: row.Actor, Action: lsapi.Action(row.Action), Pool: pool,
			Member: member, Reason: row.Reason, RequestID: row.RequestID, Source: lsapi.Source(row.Source),
			IntendedAt: record.IntendedAt(row.ID), NotBefore: fromTime(row.NotBefore), Deadline: fromTime(row.Deadline),
			Outcome: lsapi.Outcome(row.Outcome), Code: row.Code, Resolution: lsapi.Resolution(row.Resolution),
			CompletedAt: fromTime(row.CompletedAt), AWSRequestID: row.AwsRequestID,
			MembersBefore: fromInt(row.MembersBefore), MembersAfter: fromInt(row.MembersAfter),
			Instance: lsapi.Instance{
				ID: member.Instance, Type: row.InstanceType, LaunchTime: fromTime(row.LaunchTime),
				State: lsapi.InstanceState(row.InstanceState),
			},
			Bulk: fromText(row.Bulk), Undoes: row.Undoes, IfMatch: row.IfMatch,
			Guard: record.Verdict(lsapi.GuardVerdict{Rule: row.GuardRule, Overridden: row.GuardOverridden, Reason: row.GuardReason}),
		},
		Begun: row.FirstSeq, Done: row.LastSeq,
	}, nil
}

func (t *tables) DropChanges(ctx context.Context, pool lsapi.PoolID, seq int64, before time.Time) error {
	return t.queries.DropChanges(ctx, postgresdb.DropChangesParams{Pool: pool.String(), ID: record.FirstID(before), LastSeq: seq})
}
