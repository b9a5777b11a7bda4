package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/sqlite/sqlitedb"
)

func (t *tables) Change(ctx context.Context, id string) (*record.ChangeRow, error) {
	key, ok := record.ParseID(id)
	if !ok {
		return nil, nil
	}
	row, err := t.queries.Change(ctx, key[:])
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := fromChange(row)
	return &found, err
}

func (t *tables) Changes(ctx context.Context, ids []string) (map[string]record.ChangeRow, error) {
	found := make(map[string]record.ChangeRow, len(ids))
	for _, id := range ids {
		change, err := t.Change(ctx, id)
		if err != nil {
			return nil, err
		}
		if change != nil {
			found[id] = *change
		}
	}
	return found, nil
}

func (t *tables) OpenChanges(ctx context.Context, pool lsapi.PoolID) ([]record.ChangeRow, error) {
	rows, err := t.queries.OpenChanges(ctx, pool.String())
	return record.Convert(rows, err, fromChange)
}

func (t *tables) ChangesAfter(ctx context.Context, pool lsapi.PoolID, id string, limit int) ([]record.ChangeRow, error) {
	after, err := toBytes(id)
	if err != nil {
		return nil, err
	}
	if pool.IsZero() {
		rows, err := t.queries.ChangesAfter(ctx, sqlitedb.ChangesAfterParams{ID: after, Limit: int64(limit)})
		return record.Convert(rows, err, fromChange)
	}
	rows, err := t.queries.ChangesOf(ctx, sqlitedb.ChangesOfParams{Pool: pool.String(), ID: after, Limit: int64(limit)})
	return record.Convert(rows, err, fromChange)
}

func (t *tables) LastChanges(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) ([]record.ChangeRow, error) {
	ids, err := each(members, func(member lsapi.MemberID) ([][]byte, error) {
		return t.queries.LastChange(ctx, sqlitedb.LastChangeParams{Instance: record.WithoutPort(member), Member: member.String(), Pool: pool.String()})
	})
	if err != nil {
		return nil, err
	}
	return t.changesOf(ctx, ids)
}

func (t *tables) Later(ctx context.Context, change *record.ChangeRow, limit int) ([]record.ChangeRow, error) {
	id, err := toBytes(change.ID)
	if err != nil {
		return nil, err
	}
	from := record.LaterFrom(change)
	rows, err := t.queries.Later(ctx, sqlitedb.LaterParams{
		Instance: record.WithoutPort(change.Member), FromID: from[:], Member: change.Member.String(), Pool: change.Pool.String(),
		After: max(change.Begun, change.Done), ID: id, Most: int64(limit),
	})
	return record.Convert(rows, err, fromChange)
}

// changesOf returns the changes of ids, which exist, in order.
func (t *tables) changesOf(ctx context.Context, ids [][]byte) ([]record.ChangeRow, error) {
	return each(ids, func(id []byte) ([]record.ChangeRow, error) {
		row, err := t.queries.Change(ctx, id)
		return record.Convert([]sqlitedb.Change{row}, err, fromChange)
	})
}

func (t *tables) Find(ctx context.Context, filter lsapi.ChangeFilter) ([]record.ChangeRow, error) {
	query, arguments := findQuery(filter)
	ids, err := column[[]byte](ctx, t.db, query, arguments...)
	if err != nil {
		return nil, err
	}
	return t.changesOf(ctx, ids)
}

// findQuery returns the query of a filter. Each filter has an index of its own, which no
// static query could use. SQLite has no statistics here: a plus before all columns but the
// first excludes their indexes.
func findQuery(f lsapi.ChangeFilter) (query string, arguments []any) {
	var where []string
	plus := ""
	for _, c := range record.Conditions(f) {
		if id, ok := c.Value.(uuid.UUID); ok {
			where, arguments = append(where, c.Column+" "+c.Operator+" ?"), append(arguments, id[:])
			continue
		}
		where, arguments = append(where, plus+c.Column+" "+c.Operator+" ?"), append(arguments, c.Value)
		plus = "+"
	}
	query = "SELECT id FROM changes"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	return query + " ORDER BY id DESC LIMIT ?", append(arguments, f.Limit)
}

func (t *tables) AddChange(ctx context.Context, c *record.ChangeRow) (isNew bool, err error) {
	id, err := toBytes(c.ID)
	if err != nil {
		return false, err
	}
	guard := record.GuardOf(c)
	added, err := t.write().AddChange(ctx, sqlitedb.AddChangeParams{
		ID: id, Pool: c.Pool.String(), Member: c.Member.String(), Actor: c.Actor, Action: string(c.Action),
		Reason: c.Reason, RequestID: c.RequestID, Source: string(c.Source), NotBefore: micros(c.NotBefore),
		Deadline: micros(c.Deadline), Outcome: string(c.Outcome), Code: c.Code, Resolution: string(c.Resolution),
		CompletedAt: micros(c.CompletedAt), AwsRequestID: c.AWSRequestID, MembersBefore: toInt(c.MembersBefore),
		MembersAfter: toInt(c.MembersAfter), InstanceType: c.Instance.Type, LaunchTime: micros(c.Instance.LaunchTime),
		InstanceState: string(c.Instance.State), FirstSeq: c.Begun, LastSeq: c.Done,
		Bulk: toText(c.Bulk), Undoes: c.Undoes, IfMatch: c.IfMatch, GuardRule: guard.Rule, GuardOverridden: fromBool(guard.Overridden), GuardReason: guard.Reason,
	})
	return added > 0, err
}

func (t *tables) CompleteChange(ctx context.Context, c *record.ChangeRow) error {
	id, err := toBytes(c.ID)
	if err != nil {
		return err
	}
	guard := record.GuardOf(c)
	return t.write().CompleteChange(ctx, sqlitedb.CompleteChangeParams{
		Actor: c.Actor, Reason: c.Reason, RequestID: c.RequestID, Deadline: micros(c.Deadline), Outcome: string(c.Outcome),
		Code: c.Code, Resolution: string(c.Resolution), CompletedAt: micros(c.CompletedAt), AwsRequestID: c.AWSRequestID,
		MembersBefore: toInt(c.MembersBefore), MembersAfter: toInt(c.MembersAfter), InstanceType: c.Instance.Type,
		LaunchTime: micros(c.Instance.LaunchTime), InstanceState: string(c.Instance.State), LastSeq: c.Done, ID: id,
		Bulk: toText(c.Bulk), Undoes: c.Undoes, IfMatch: c.IfMatch, GuardRule: guard.Rule, GuardOverridden: fromBool(guard.Overridden), GuardReason: guard.Reason,
	})
}

func fromChange(row sqlitedb.Change) (record.ChangeRow, error) {
	id, err := uuid.FromBytes(row.ID)
	if err != nil {
		return record.ChangeRow{}, record.Damaged("the id of a change", err)
	}
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
			ID: id.String(), Actor: row.Actor, Action: lsapi.Action(row.Action), Pool: pool,
			Member: member, Reason: row.Reason, RequestID: row.RequestID, Source: lsapi.Source(row.Source),
			IntendedAt: record.IntendedAt(id), NotBefore: fromMicros(row.NotBefore), Deadline: fromMicros(row.Deadline),
			Outcome: lsapi.Outcome(row.Outcome), Code: row.Code, Resolution: lsapi.Resolution(row.Resolution),
			CompletedAt: fromMicros(row.CompletedAt), AWSRequestID: row.AwsRequestID,
			MembersBefore: fromInt(row.MembersBefore), MembersAfter: fromInt(row.MembersAfter),
			Instance: lsapi.Instance{
				ID: member.Instance, Type: row.InstanceType, LaunchTime: fromMicros(row.LaunchTime),
				State: lsapi.InstanceState(row.InstanceState),
			},
			Bulk: fromText(row.Bulk), Undoes: row.Undoes, IfMatch: row.IfMatch,
			Guard: record.Verdict(lsapi.GuardVerdict{Rule: row.GuardRule, Overridden: row.GuardOverridden != 0, Reason: row.GuardReason}),
		},
		Begun: row.FirstSeq, Done: row.LastSeq,
	}, nil
}

func (t *tables) DropChanges(ctx context.Context, pool lsapi.PoolID, seq int64, before time.Time) error {
	bound := record.FirstID(before)
	return t.write().DropChanges(ctx, sqlitedb.DropChangesParams{Pool: pool.String(), ID: bound[:], LastSeq: seq})
}
