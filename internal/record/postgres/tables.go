package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// postgresTables are the tables of a PostgreSQL transaction.
type tables struct {
	queries *postgresdb.Queries
	db      postgresdb.DBTX
	// writing is whether what is read must not change until the end: then a log's
	// row, or an idempotency key, is locked as it is read.
	writing bool
	clock   *record.SteadyClock
	// known are changes that were read ahead, by id; nil for one that is not there.
	known map[uuid.UUID]*record.ChangeRow
}

func (t *tables) Log(ctx context.Context, loadBalancer string) (record.LogRow, error) {
	before := time.Now()
	if !t.writing {
		rows, err := t.queries.Log(ctx, loadBalancer)
		if err != nil || len(rows) == 0 {
			return t.noLog(ctx, loadBalancer, err)
		}
		return fromLog(rows[0].Log, record.DatabaseClock(rows[0].Now, before, time.Now()))
	}
	rows, err := t.queries.LockLog(ctx, loadBalancer)
	if err != nil || len(rows) == 0 {
		return t.noLog(ctx, loadBalancer, err)
	}
	return fromLog(rows[0].Log, record.DatabaseClock(rows[0].Now, before, time.Now()))
}

func (t *tables) noLog(ctx context.Context, loadBalancer string, err error) (record.LogRow, error) {
	if err != nil {
		return record.LogRow{}, err
	}
	before := time.Now()
	now, err := t.queries.Clock(ctx)
	return record.LogRow{LoadBalancer: loadBalancer, Clock: record.DatabaseClock(now, before, time.Now())}, err
}

func (t *tables) Logs(ctx context.Context) ([]record.LogRow, error) {
	before := time.Now()
	rows, err := t.queries.Logs(ctx)
	after := time.Now()
	return record.Convert(rows, err, func(row postgresdb.LogsRow) (record.LogRow, error) {
		return fromLog(row.Log, record.DatabaseClock(row.Now, before, after))
	})
}

func fromLog(row postgresdb.Log, read record.Clock) (record.LogRow, error) {
	sum, err := record.ParseHash(row.LastHash)
	return record.LogRow{
		LoadBalancer: row.LoadBalancer, First: row.FirstSeq, Last: row.LastSeq, At: fromNullTime(row.LastAt), Hash: sum,
		Known: row.Known, LookedAt: fromNullTime(row.LookedAt), AppliedAt: fromNullTime(row.AppliedAt),
		Checkpoint: row.CheckpointSeq, Room: row.CheckpointRoom,
		Restamped: row.RestampedSeq, RestampedAt: fromNullTime(row.RestampedAt), Clock: read,
	}, err
}

func (t *tables) PutLog(ctx context.Context, row record.LogRow) error {
	return t.queries.PutLog(ctx, postgresdb.PutLogParams{
		LoadBalancer: row.LoadBalancer, FirstSeq: row.First, LastSeq: row.Last, LastAt: toNullTime(row.At), LastHash: row.Hash[:],
		Known: row.Known, LookedAt: toNullTime(row.LookedAt), AppliedAt: toNullTime(row.AppliedAt),
		CheckpointSeq: row.Checkpoint, CheckpointRoom: row.Room, RestampedSeq: row.Restamped, RestampedAt: toNullTime(row.RestampedAt),
	})
}

func (t *tables) AddEvent(ctx context.Context, row record.EventRow) error {
	var id *uuid.UUID
	if parsed, ok := record.ParseID(row.ChangeID); ok {
		id = &parsed
	}
	return t.queries.AddEvent(ctx, postgresdb.AddEventParams{
		LoadBalancer: row.LoadBalancer, Seq: row.Seq, At: row.At, Kind: string(row.Kind), ChangeID: id,
		Payload: row.Payload, PrevHash: row.Prev[:], Hash: row.Hash[:], RecordedAt: toNullTime(row.RecordedAt),
	})
}

func (t *tables) Events(ctx context.Context, loadBalancer string, from int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.Events(ctx, postgresdb.EventsParams{LoadBalancer: loadBalancer, Seq: from, Limit: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) EventsBefore(ctx context.Context, loadBalancer string, before int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsBack(ctx, postgresdb.EventsBackParams{LoadBalancer: loadBalancer, Seq: before, Limit: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) ObservedFrom(ctx context.Context, loadBalancer string, at time.Time, after int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.ObservedFrom(ctx, postgresdb.ObservedFromParams{LoadBalancer: loadBalancer, At: at, Seq: after, Limit: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func fromEvent(row postgresdb.Event) (record.EventRow, error) {
	prev, err := record.ParseHash(row.PrevHash)
	if err != nil {
		return record.EventRow{}, err
	}
	id := ""
	if row.ChangeID != nil {
		id = row.ChangeID.String()
	}
	sum, err := record.ParseHash(row.Hash)
	return record.EventRow{
		LoadBalancer: row.LoadBalancer, Seq: row.Seq, At: row.At.UTC(), Kind: lsapi.EventKind(row.Kind),
		ChangeID: id, Payload: row.Payload, Prev: prev, Hash: sum, RecordedAt: fromNullTime(row.RecordedAt),
		Place: lsapi.Position{Major: row.Major, Minor: row.Seq},
	}, err
}

func (t *tables) CheckpointUntil(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointUntil(ctx, postgresdb.CheckpointUntilParams{LoadBalancer: loadBalancer, At: whole(at)}))
}

func (t *tables) CheckpointFrom(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointFrom(ctx, postgresdb.CheckpointFromParams{LoadBalancer: loadBalancer, At: whole(at)}))
}

func (t *tables) NextLogged(ctx context.Context, after string) (string, error) {
	return record.First(t.queries.NextLogged(ctx, after))
}

func (t *tables) DropEvents(ctx context.Context, loadBalancer string, before int64) error {
	return t.queries.DropEvents(ctx, postgresdb.DropEventsParams{LoadBalancer: loadBalancer, Seq: before})
}

// expect reads changes ahead that will be asked for one by one.
func (t *tables) expect(ctx context.Context, events []lsapi.Event) error {
	var ids []uuid.UUID
	for i := range events {
		if id, ok := record.ParseID(events[i].Change.ID); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := t.queries.ChangesByID(ctx, ids)
	if err != nil {
		return err
	}
	t.known = make(map[uuid.UUID]*record.ChangeRow, len(ids))
	for _, id := range ids {
		t.known[id] = nil
	}
	for _, row := range rows {
		found, err := fromChange(row)
		if err != nil {
			return err
		}
		t.known[row.ID] = &found
	}
	return nil
}

func (t *tables) Change(ctx context.Context, id string) (*record.ChangeRow, error) {
	key, ok := record.ParseID(id)
	if !ok {
		return nil, nil
	}
	if found, read := t.known[key]; read {
		return found, nil
	}
	rows, err := t.queries.ChangesByID(ctx, []uuid.UUID{key})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	found, err := fromChange(rows[0])
	return &found, err
}

func (t *tables) OpenChanges(ctx context.Context, loadBalancer string) ([]record.ChangeRow, error) {
	rows, err := t.queries.OpenChanges(ctx, loadBalancer)
	return record.Convert(rows, err, fromChange)
}

func (t *tables) ChangesAfter(ctx context.Context, loadBalancer, id string, limit int) ([]record.ChangeRow, error) {
	after, _ := record.ParseID(id) // that of none is before all
	if loadBalancer == "" {
		rows, err := t.queries.ChangesAfter(ctx, postgresdb.ChangesAfterParams{ID: after, Limit: bound(limit)})
		return record.Convert(rows, err, fromChange)
	}
	rows, err := t.queries.ChangesOf(ctx, postgresdb.ChangesOfParams{LoadBalancer: loadBalancer, ID: after, Limit: bound(limit)})
	return record.Convert(rows, err, fromChange)
}

// addChange adds a change, and fails the transaction when there is one of its id.
func (t *tables) AddChange(ctx context.Context, c *record.ChangeRow) (isNew bool, err error) {
	id, err := t.put(c)
	if err != nil {
		return false, err
	}
	return true, t.queries.AddChange(ctx, postgresdb.AddChangeParams{
		ID: id, LoadBalancer: c.LoadBalancer, InstanceID: c.InstanceID, Actor: c.Actor, Action: string(c.Action),
		Reason: c.Reason, RequestID: c.RequestID, Source: string(c.Source), NotBefore: toNullTime(c.NotBefore),
		Deadline: toNullTime(c.Deadline), Outcome: string(c.Outcome), Code: c.Code, Resolution: string(c.Resolution),
		CompletedAt: toNullTime(c.CompletedAt), AwsRequestID: c.AWSRequestID, MembersBefore: toNullInt(c.MembersBefore),
		MembersAfter: toNullInt(c.MembersAfter), InstanceType: c.Instance.Type, LaunchTime: toNullTime(c.Instance.LaunchTime),
		InstanceState: string(c.Instance.State), FirstSeq: c.Begun, LastSeq: c.Done,
	})
}

func (t *tables) CompleteChange(ctx context.Context, c *record.ChangeRow) error {
	id, err := t.put(c)
	if err != nil {
		return err
	}
	return t.queries.CompleteChange(ctx, postgresdb.CompleteChangeParams{
		Actor: c.Actor, Reason: c.Reason, RequestID: c.RequestID, Deadline: toNullTime(c.Deadline), Outcome: string(c.Outcome),
		Code: c.Code, Resolution: string(c.Resolution), CompletedAt: toNullTime(c.CompletedAt), AwsRequestID: c.AWSRequestID,
		MembersBefore: toNullInt(c.MembersBefore), MembersAfter: toNullInt(c.MembersAfter), InstanceType: c.Instance.Type,
		LaunchTime: toNullTime(c.Instance.LaunchTime), InstanceState: string(c.Instance.State), LastSeq: c.Done, ID: id,
	})
}

// put makes what is known of a change what is about to be written.
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
	return record.ChangeRow{
		Change: lsapi.Change{
			ID: row.ID.String(), Actor: row.Actor, Action: lsapi.Action(row.Action), LoadBalancer: row.LoadBalancer,
			InstanceID: row.InstanceID, Reason: row.Reason, RequestID: row.RequestID, Source: lsapi.Source(row.Source),
			IntendedAt: record.IntendedAt(row.ID), NotBefore: fromNullTime(row.NotBefore), Deadline: fromNullTime(row.Deadline),
			Outcome: lsapi.Outcome(row.Outcome), Code: row.Code, Resolution: lsapi.Resolution(row.Resolution),
			CompletedAt: fromNullTime(row.CompletedAt), AWSRequestID: row.AwsRequestID,
			MembersBefore: fromNullInt(row.MembersBefore), MembersAfter: fromNullInt(row.MembersAfter),
			Instance: lsapi.Instance{
				ID: row.InstanceID, Type: row.InstanceType, LaunchTime: fromNullTime(row.LaunchTime),
				State: lsapi.InstanceState(row.InstanceState),
			},
		},
		Begun: row.FirstSeq, Done: row.LastSeq,
	}, nil
}

func (t *tables) DropChanges(ctx context.Context, loadBalancer string, seq int64, before time.Time) error {
	return t.queries.DropChanges(ctx, postgresdb.DropChangesParams{LoadBalancer: loadBalancer, ID: record.FirstID(before), LastSeq: seq})
}

func (t *tables) Unfinished(ctx context.Context, within time.Duration) ([]string, error) {
	return t.queries.Unfinished(ctx, within.Microseconds())
}

func (t *tables) Members(ctx context.Context, loadBalancer string) (record.Members, error) {
	rows, err := t.queries.Members(ctx, loadBalancer)
	found := make(record.Members, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = row.Seq
	}
	return found, err
}

func (t *tables) Populated(ctx context.Context) ([]string, error) {
	return t.queries.Populated(ctx)
}

func (t *tables) CountMembers(ctx context.Context) (int, error) {
	n, err := t.queries.CountMembers(ctx)
	return int(n), err
}

func (t *tables) PutMember(ctx context.Context, loadBalancer, instanceID string, seq int64) error {
	return t.queries.PutMember(ctx, postgresdb.PutMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID, Seq: seq})
}

func (t *tables) DropMember(ctx context.Context, loadBalancer, instanceID string) error {
	return t.queries.DropMember(ctx, postgresdb.DropMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *tables) Key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error) {
	if t.writing {
		err := t.queries.LockKey(ctx, postgresdb.LockKeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key})
		if err != nil {
			return nil, err
		}
	}
	rows, err := t.queries.Key(ctx, postgresdb.KeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &lsapi.Reservation{ChangeID: rows[0].ChangeID, BodyHash: rows[0].BodyHash, At: rows[0].At.UTC()}, nil
}

func (t *tables) PutKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error {
	return t.queries.PutKey(ctx, postgresdb.PutKeyParams{
		Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key,
		ChangeID: reservation.ChangeID, BodyHash: reservation.BodyHash, At: reservation.At,
	})
}

func (t *tables) DropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	return t.queries.DropKey(ctx, postgresdb.DropKeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key, ChangeID: changeID})
}

func (t *tables) DropKeys(ctx context.Context, until time.Time) (dropped int64, err error) {
	return t.queries.DropKeys(ctx, whole(until))
}

func (t *tables) CapKeys(ctx context.Context, now time.Time) error {
	return t.queries.CapKeys(ctx, whole(now))
}

func (t *tables) Clocks(ctx context.Context) (now, steady time.Time, err error) {
	if now, err = t.queries.Clock(ctx); err != nil {
		return now, now, err
	}
	return now, t.clock.At(now), nil
}

func (t *tables) Labels(ctx context.Context) (time.Time, error) {
	_, steady, err := t.Clocks(ctx)
	return steady, err
}

// probe waits for locks of others no longer than a change would.
func (t *tables) Probe(ctx context.Context) error {
	for _, statement := range []string{
		"SAVEPOINT trial", "SET LOCAL lock_timeout = '1s'", "INSERT INTO turns SELECT * FROM turns WHERE false",
	} {
		if _, err := t.db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := record.WriteTrial(ctx, t); err != nil {
		return err
	}
	if _, err := t.db.Exec(ctx, "ROLLBACK TO SAVEPOINT trial"); err != nil {
		return err
	}
	return t.queries.Probe(ctx)
}
