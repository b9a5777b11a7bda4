package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/sqlite/sqlitedb"
)

// sqliteTables are the tables of a SQLite transaction.
type tables struct {
	queries *sqlitedb.Queries
	db      sqlitedb.DBTX
	written int // how often something was
	machine *machine
	anchor  *anchor // nil until it is read
}

func (t *tables) Log(ctx context.Context, loadBalancer string) (record.LogRow, error) {
	row, err := t.queries.Log(ctx, loadBalancer)
	none := errors.Is(err, sql.ErrNoRows)
	if err != nil && !none {
		return record.LogRow{}, err
	}
	read, err := t.clock(ctx)
	if none || err != nil {
		return record.LogRow{LoadBalancer: loadBalancer, Clock: read}, err
	}
	return fromLog(row, read)
}

func (t *tables) Logs(ctx context.Context) ([]record.LogRow, error) {
	rows, err := t.queries.Logs(ctx)
	if err != nil {
		return nil, err
	}
	read, err := t.clock(ctx)
	return record.Convert(rows, err, func(row sqlitedb.Log) (record.LogRow, error) { return fromLog(row, read) })
}

func fromLog(row sqlitedb.Log, read record.Clock) (record.LogRow, error) {
	sum, err := record.ParseHash(row.LastHash)
	return record.LogRow{
		LoadBalancer: row.LoadBalancer, First: row.FirstSeq, Last: row.LastSeq, At: fromMicros(row.LastAt), Hash: sum,
		Known: row.Known != 0, LookedAt: fromMicros(row.LookedAt), AppliedAt: fromMicros(row.AppliedAt),
		Checkpoint: row.CheckpointSeq, Room: row.CheckpointRoom,
		Restamped: row.RestampedSeq, RestampedAt: fromMicros(row.RestampedAt), Clock: read,
	}, err
}

func (t *tables) PutLog(ctx context.Context, row record.LogRow) error {
	t.written++
	var known int64
	if row.Known {
		known = 1
	}
	return t.queries.PutLog(ctx, sqlitedb.PutLogParams{
		LoadBalancer: row.LoadBalancer, FirstSeq: row.First, LastSeq: row.Last, LastAt: micros(row.At), LastHash: row.Hash[:],
		Known: known, LookedAt: micros(row.LookedAt), AppliedAt: micros(row.AppliedAt),
		CheckpointSeq: row.Checkpoint, CheckpointRoom: row.Room, RestampedSeq: row.Restamped, RestampedAt: micros(row.RestampedAt),
	})
}

func (t *tables) AddEvent(ctx context.Context, row record.EventRow) error {
	t.written++
	id, err := toBytes(row.ChangeID)
	if err != nil {
		return err
	}
	err = t.queries.AddEvent(ctx, sqlitedb.AddEventParams{
		LoadBalancer: row.LoadBalancer, Seq: row.Seq, At: micros(row.At), Kind: string(row.Kind), ChangeID: id,
		Payload: row.Payload, PrevHash: row.Prev[:], Hash: row.Hash[:], RecordedAt: micros(row.RecordedAt),
	})
	if violates(err) {
		return errDamagedLog(row.LoadBalancer, err)
	}
	return err
}

func (t *tables) Events(ctx context.Context, loadBalancer string, from int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.Events(ctx, sqlitedb.EventsParams{LoadBalancer: loadBalancer, Seq: from, Limit: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) EventsBefore(ctx context.Context, loadBalancer string, before int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsBack(ctx, sqlitedb.EventsBackParams{LoadBalancer: loadBalancer, Seq: before, Limit: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) ObservedFrom(ctx context.Context, loadBalancer string, at time.Time, after int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.ObservedFrom(ctx, sqlitedb.ObservedFromParams{LoadBalancer: loadBalancer, At: micros(at), Seq: after, Limit: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func fromEvent(row sqlitedb.Event) (record.EventRow, error) {
	prev, err := record.ParseHash(row.PrevHash)
	if err != nil {
		return record.EventRow{}, err
	}
	sum, err := record.ParseHash(row.Hash)
	return record.EventRow{
		LoadBalancer: row.LoadBalancer, Seq: row.Seq, At: fromMicros(row.At), Kind: lsapi.EventKind(row.Kind),
		ChangeID: fromBytes(row.ChangeID), Payload: row.Payload, Prev: prev, Hash: sum, RecordedAt: fromMicros(row.RecordedAt),
		Place: lsapi.Position{Major: row.Place},
	}, err
}

func (t *tables) CheckpointUntil(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointUntil(ctx, sqlitedb.CheckpointUntilParams{LoadBalancer: loadBalancer, At: micros(at)}))
}

func (t *tables) CheckpointFrom(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointFrom(ctx, sqlitedb.CheckpointFromParams{LoadBalancer: loadBalancer, At: micros(at)}))
}

func (t *tables) NextLogged(ctx context.Context, after string) (string, error) {
	return record.First(t.queries.NextLogged(ctx, after))
}

func (t *tables) DropEvents(ctx context.Context, loadBalancer string, before int64) error {
	t.written++
	if err := t.queries.DropPlaces(ctx, sqlitedb.DropPlacesParams{LoadBalancer: loadBalancer, Seq: before}); err != nil {
		return err
	}
	return t.queries.DropEvents(ctx, sqlitedb.DropEventsParams{LoadBalancer: loadBalancer, Seq: before})
}

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

func (t *tables) OpenChanges(ctx context.Context, loadBalancer string) ([]record.ChangeRow, error) {
	rows, err := t.queries.OpenChanges(ctx, loadBalancer)
	return record.Convert(rows, err, fromChange)
}

func (t *tables) ChangesAfter(ctx context.Context, loadBalancer, id string, limit int) ([]record.ChangeRow, error) {
	after, err := toBytes(id)
	if err != nil {
		return nil, err
	}
	if loadBalancer == "" {
		rows, err := t.queries.ChangesAfter(ctx, sqlitedb.ChangesAfterParams{ID: after, Limit: int64(limit)})
		return record.Convert(rows, err, fromChange)
	}
	rows, err := t.queries.ChangesOf(ctx, sqlitedb.ChangesOfParams{LoadBalancer: loadBalancer, ID: after, Limit: int64(limit)})
	return record.Convert(rows, err, fromChange)
}

func (t *tables) AddChange(ctx context.Context, c *record.ChangeRow) (isNew bool, err error) {
	t.written++
	id, err := toBytes(c.ID)
	if err != nil {
		return false, err
	}
	added, err := t.queries.AddChange(ctx, sqlitedb.AddChangeParams{
		ID: id, LoadBalancer: c.LoadBalancer, InstanceID: c.InstanceID, Actor: c.Actor, Action: string(c.Action),
		Reason: c.Reason, RequestID: c.RequestID, Source: string(c.Source), NotBefore: micros(c.NotBefore),
		Deadline: micros(c.Deadline), Outcome: string(c.Outcome), Code: c.Code, Resolution: string(c.Resolution),
		CompletedAt: micros(c.CompletedAt), AwsRequestID: c.AWSRequestID, MembersBefore: toNull(c.MembersBefore),
		MembersAfter: toNull(c.MembersAfter), InstanceType: c.Instance.Type, LaunchTime: micros(c.Instance.LaunchTime),
		InstanceState: string(c.Instance.State), FirstSeq: c.Begun, LastSeq: c.Done,
	})
	return added > 0, err
}

func (t *tables) CompleteChange(ctx context.Context, c *record.ChangeRow) error {
	t.written++
	id, err := toBytes(c.ID)
	if err != nil {
		return err
	}
	return t.queries.CompleteChange(ctx, sqlitedb.CompleteChangeParams{
		Actor: c.Actor, Reason: c.Reason, RequestID: c.RequestID, Deadline: micros(c.Deadline), Outcome: string(c.Outcome),
		Code: c.Code, Resolution: string(c.Resolution), CompletedAt: micros(c.CompletedAt), AwsRequestID: c.AWSRequestID,
		MembersBefore: toNull(c.MembersBefore), MembersAfter: toNull(c.MembersAfter), InstanceType: c.Instance.Type,
		LaunchTime: micros(c.Instance.LaunchTime), InstanceState: string(c.Instance.State), LastSeq: c.Done, ID: id,
	})
}

func fromChange(row sqlitedb.Change) (record.ChangeRow, error) {
	id, err := uuid.FromBytes(row.ID)
	if err != nil {
		return record.ChangeRow{}, record.Damaged("the id of a change", err)
	}
	return record.ChangeRow{
		Change: lsapi.Change{
			ID: id.String(), Actor: row.Actor, Action: lsapi.Action(row.Action), LoadBalancer: row.LoadBalancer,
			InstanceID: row.InstanceID, Reason: row.Reason, RequestID: row.RequestID, Source: lsapi.Source(row.Source),
			IntendedAt: record.IntendedAt(id), NotBefore: fromMicros(row.NotBefore), Deadline: fromMicros(row.Deadline),
			Outcome: lsapi.Outcome(row.Outcome), Code: row.Code, Resolution: lsapi.Resolution(row.Resolution),
			CompletedAt: fromMicros(row.CompletedAt), AWSRequestID: row.AwsRequestID,
			MembersBefore: fromNull(row.MembersBefore), MembersAfter: fromNull(row.MembersAfter),
			Instance: lsapi.Instance{
				ID: row.InstanceID, Type: row.InstanceType, LaunchTime: fromMicros(row.LaunchTime),
				State: lsapi.InstanceState(row.InstanceState),
			},
		},
		Begun: row.FirstSeq, Done: row.LastSeq,
	}, nil
}

func (t *tables) DropChanges(ctx context.Context, loadBalancer string, seq int64, before time.Time) error {
	t.written++
	bound := record.FirstID(before)
	return t.queries.DropChanges(ctx, sqlitedb.DropChangesParams{LoadBalancer: loadBalancer, ID: bound[:], LastSeq: seq})
}

func (t *tables) Unfinished(ctx context.Context, within time.Duration) ([]string, error) {
	read, err := t.clock(ctx)
	if err != nil {
		return nil, err
	}
	return t.queries.Unfinished(ctx, max(0, micros(read.Now.Add(-within))))
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
	t.written++
	return t.queries.PutMember(ctx, sqlitedb.PutMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID, Seq: seq})
}

func (t *tables) DropMember(ctx context.Context, loadBalancer, instanceID string) error {
	t.written++
	return t.queries.DropMember(ctx, sqlitedb.DropMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *tables) Key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error) {
	row, err := t.queries.Key(ctx, sqlitedb.KeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &lsapi.Reservation{ChangeID: row.ChangeID, BodyHash: row.BodyHash, At: fromMicros(row.At)}, nil
}

func (t *tables) PutKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error {
	t.written++
	return t.queries.PutKey(ctx, sqlitedb.PutKeyParams{
		Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key,
		ChangeID: reservation.ChangeID, BodyHash: reservation.BodyHash, At: micros(reservation.At),
	})
}

func (t *tables) DropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	t.written++
	return t.queries.DropKey(ctx, sqlitedb.DropKeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key, ChangeID: changeID})
}

func (t *tables) DropKeys(ctx context.Context, until time.Time) (dropped int64, err error) {
	t.written++
	return t.queries.DropKeys(ctx, micros(until))
}

func (t *tables) CapKeys(ctx context.Context, now time.Time) error {
	t.written++
	return t.queries.CapKeys(ctx, micros(now))
}

// clock must be read after the rows whose ages are measured by it.
func (t *tables) clock(ctx context.Context) (record.Clock, error) {
	if t.anchor == nil {
		kept, err := anchorOf(ctx, t.queries)
		if err != nil {
			return record.Clock{}, err
		}
		t.anchor = &kept
	}
	return t.machine.clock(*t.anchor), nil
}

func anchorOf(ctx context.Context, queries *sqlitedb.Queries) (anchor, error) {
	row, err := queries.Anchor(ctx)
	return anchor{boot: row.Boot, bootedAt: fromMicros(row.BootedAt)}, err
}

func (t *tables) Clocks(ctx context.Context) (now, steady time.Time, err error) {
	read, err := t.clock(ctx)
	return read.Now, read.Now, err
}

func (t *tables) Labels(ctx context.Context) (time.Time, error) {
	read, err := t.clock(ctx)
	return read.Labels, err
}

// probe writes another value than before, so that SQLite has to.
func (t *tables) Probe(ctx context.Context) error {
	t.written++
	if err := t.rolledBack(ctx, func() error { return record.WriteTrial(ctx, t) }); err != nil {
		return err
	}
	noise := make([]byte, probeSize)
	if _, err := rand.Read(noise); err != nil {
		return err
	}
	return t.queries.Probe(ctx, noise)
}

// rolledBack runs writing queries, of which nothing is kept.
func (t *tables) rolledBack(ctx context.Context, write func() error) error {
	if _, err := t.db.ExecContext(ctx, "SAVEPOINT trial"); err != nil {
		return err
	}
	err := write()
	if _, failed := t.db.ExecContext(ctx, "ROLLBACK TO trial; RELEASE trial"); err == nil {
		err = failed
	}
	return err
}
