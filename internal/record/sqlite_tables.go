package record

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record/sqlitedb"
)

// sqliteTables are the tables of a SQLite transaction.
type sqliteTables struct {
	queries *sqlitedb.Queries
	db      sqlitedb.DBTX
	written int // how often something was
	machine *machine
	anchor  *anchor // nil until it is read
}

func (t *sqliteTables) log(ctx context.Context, loadBalancer string) (logRow, error) {
	row, err := t.queries.Log(ctx, loadBalancer)
	none := errors.Is(err, sql.ErrNoRows)
	if err != nil && !none {
		return logRow{}, err
	}
	read, err := t.clock(ctx)
	if none || err != nil {
		return logRow{loadBalancer: loadBalancer, clock: read}, err
	}
	return fromSQLiteLog(row, read)
}

func (t *sqliteTables) logs(ctx context.Context) ([]logRow, error) {
	rows, err := t.queries.Logs(ctx)
	if err != nil {
		return nil, err
	}
	read, err := t.clock(ctx)
	return convert(rows, err, func(row sqlitedb.Log) (logRow, error) { return fromSQLiteLog(row, read) })
}

func fromSQLiteLog(row sqlitedb.Log, read clock) (logRow, error) {
	sum, err := toHash(row.LastHash)
	return logRow{
		loadBalancer: row.LoadBalancer, first: row.FirstSeq, last: row.LastSeq, at: fromMicros(row.LastAt), hash: sum,
		known: row.Known != 0, lookedAt: fromMicros(row.LookedAt), appliedAt: fromMicros(row.AppliedAt),
		checkpoint: row.CheckpointSeq, room: row.CheckpointRoom,
		restamped: row.RestampedSeq, restampedAt: fromMicros(row.RestampedAt), clock: read,
	}, err
}

func (t *sqliteTables) putLog(ctx context.Context, row logRow) error {
	t.written++
	var known int64
	if row.known {
		known = 1
	}
	return t.queries.PutLog(ctx, sqlitedb.PutLogParams{
		LoadBalancer: row.loadBalancer, FirstSeq: row.first, LastSeq: row.last, LastAt: micros(row.at), LastHash: row.hash[:],
		Known: known, LookedAt: micros(row.lookedAt), AppliedAt: micros(row.appliedAt),
		CheckpointSeq: row.checkpoint, CheckpointRoom: row.room, RestampedSeq: row.restamped, RestampedAt: micros(row.restampedAt),
	})
}

func (t *sqliteTables) addEvent(ctx context.Context, row eventRow) error {
	t.written++
	id, err := toBytes(row.changeID)
	if err != nil {
		return err
	}
	err = t.queries.AddEvent(ctx, sqlitedb.AddEventParams{
		LoadBalancer: row.loadBalancer, Seq: row.seq, At: micros(row.at), Kind: string(row.kind), ChangeID: id,
		Payload: row.payload, PrevHash: row.prev[:], Hash: row.hash[:], RecordedAt: micros(row.recordedAt),
	})
	if violates(err) {
		return errDamagedLog(row.loadBalancer, err)
	}
	return err
}

func (t *sqliteTables) events(ctx context.Context, loadBalancer string, from int64, limit int) ([]eventRow, error) {
	rows, err := t.queries.Events(ctx, sqlitedb.EventsParams{LoadBalancer: loadBalancer, Seq: from, Limit: int64(limit)})
	return convert(rows, err, fromSQLiteEvent)
}

func (t *sqliteTables) eventsBack(ctx context.Context, loadBalancer string, before int64, limit int) ([]eventRow, error) {
	rows, err := t.queries.EventsBack(ctx, sqlitedb.EventsBackParams{LoadBalancer: loadBalancer, Seq: before, Limit: int64(limit)})
	return convert(rows, err, fromSQLiteEvent)
}

func (t *sqliteTables) observedFrom(ctx context.Context, loadBalancer string, at time.Time, after int64, limit int) ([]eventRow, error) {
	rows, err := t.queries.ObservedFrom(ctx, sqlitedb.ObservedFromParams{LoadBalancer: loadBalancer, At: micros(at), Seq: after, Limit: int64(limit)})
	return convert(rows, err, fromSQLiteEvent)
}

func fromSQLiteEvent(row sqlitedb.Event) (eventRow, error) {
	prev, err := toHash(row.PrevHash)
	if err != nil {
		return eventRow{}, err
	}
	sum, err := toHash(row.Hash)
	return eventRow{
		loadBalancer: row.LoadBalancer, seq: row.Seq, at: fromMicros(row.At), kind: lsapi.EventKind(row.Kind),
		changeID: fromBytes(row.ChangeID), payload: row.Payload, prev: prev, hash: sum, recordedAt: fromMicros(row.RecordedAt),
		place: lsapi.Position{Major: row.Place},
	}, err
}

func (t *sqliteTables) checkpointUntil(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return first(t.queries.CheckpointUntil(ctx, sqlitedb.CheckpointUntilParams{LoadBalancer: loadBalancer, At: micros(at)}))
}

func (t *sqliteTables) checkpointFrom(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return first(t.queries.CheckpointFrom(ctx, sqlitedb.CheckpointFromParams{LoadBalancer: loadBalancer, At: micros(at)}))
}

func (t *sqliteTables) nextLogged(ctx context.Context, after string) (string, error) {
	return first(t.queries.NextLogged(ctx, after))
}

func (t *sqliteTables) dropEvents(ctx context.Context, loadBalancer string, before int64) error {
	t.written++
	if err := t.queries.DropPlaces(ctx, sqlitedb.DropPlacesParams{LoadBalancer: loadBalancer, Seq: before}); err != nil {
		return err
	}
	return t.queries.DropEvents(ctx, sqlitedb.DropEventsParams{LoadBalancer: loadBalancer, Seq: before})
}

func (t *sqliteTables) change(ctx context.Context, id string) (*recorded, error) {
	key, ok := changeID(id)
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
	found, err := fromSQLiteChange(row)
	return &found, err
}

func (t *sqliteTables) openChanges(ctx context.Context, loadBalancer string) ([]recorded, error) {
	rows, err := t.queries.OpenChanges(ctx, loadBalancer)
	return convert(rows, err, fromSQLiteChange)
}

func (t *sqliteTables) changesAfter(ctx context.Context, loadBalancer, id string, limit int) ([]recorded, error) {
	after, err := toBytes(id)
	if err != nil {
		return nil, err
	}
	if loadBalancer == "" {
		rows, err := t.queries.ChangesAfter(ctx, sqlitedb.ChangesAfterParams{ID: after, Limit: int64(limit)})
		return convert(rows, err, fromSQLiteChange)
	}
	rows, err := t.queries.ChangesOf(ctx, sqlitedb.ChangesOfParams{LoadBalancer: loadBalancer, ID: after, Limit: int64(limit)})
	return convert(rows, err, fromSQLiteChange)
}

func (t *sqliteTables) addChange(ctx context.Context, c *recorded) (isNew bool, err error) {
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
		InstanceState: string(c.Instance.State), FirstSeq: c.begun, LastSeq: c.done,
	})
	return added > 0, err
}

func (t *sqliteTables) completeChange(ctx context.Context, c *recorded) error {
	t.written++
	id, err := toBytes(c.ID)
	if err != nil {
		return err
	}
	return t.queries.CompleteChange(ctx, sqlitedb.CompleteChangeParams{
		Actor: c.Actor, Reason: c.Reason, RequestID: c.RequestID, Deadline: micros(c.Deadline), Outcome: string(c.Outcome),
		Code: c.Code, Resolution: string(c.Resolution), CompletedAt: micros(c.CompletedAt), AwsRequestID: c.AWSRequestID,
		MembersBefore: toNull(c.MembersBefore), MembersAfter: toNull(c.MembersAfter), InstanceType: c.Instance.Type,
		LaunchTime: micros(c.Instance.LaunchTime), InstanceState: string(c.Instance.State), LastSeq: c.done, ID: id,
	})
}

func fromSQLiteChange(row sqlitedb.Change) (recorded, error) {
	id, err := uuid.FromBytes(row.ID)
	if err != nil {
		return recorded{}, errDamaged("the id of a change", err)
	}
	return recorded{
		Change: lsapi.Change{
			ID: id.String(), Actor: row.Actor, Action: lsapi.Action(row.Action), LoadBalancer: row.LoadBalancer,
			InstanceID: row.InstanceID, Reason: row.Reason, RequestID: row.RequestID, Source: lsapi.Source(row.Source),
			IntendedAt: intendedAt(id), NotBefore: fromMicros(row.NotBefore), Deadline: fromMicros(row.Deadline),
			Outcome: lsapi.Outcome(row.Outcome), Code: row.Code, Resolution: lsapi.Resolution(row.Resolution),
			CompletedAt: fromMicros(row.CompletedAt), AWSRequestID: row.AwsRequestID,
			MembersBefore: fromNull(row.MembersBefore), MembersAfter: fromNull(row.MembersAfter),
			Instance: lsapi.Instance{
				ID: row.InstanceID, Type: row.InstanceType, LaunchTime: fromMicros(row.LaunchTime),
				State: lsapi.InstanceState(row.InstanceState),
			},
		},
		begun: row.FirstSeq, done: row.LastSeq,
	}, nil
}

func (t *sqliteTables) dropChanges(ctx context.Context, loadBalancer string, seq int64, before time.Time) error {
	t.written++
	bound := firstID(before)
	return t.queries.DropChanges(ctx, sqlitedb.DropChangesParams{LoadBalancer: loadBalancer, ID: bound[:], LastSeq: seq})
}

func (t *sqliteTables) unfinished(ctx context.Context, within time.Duration) ([]string, error) {
	read, err := t.clock(ctx)
	if err != nil {
		return nil, err
	}
	return t.queries.Unfinished(ctx, max(0, micros(read.now.Add(-within))))
}

func (t *sqliteTables) members(ctx context.Context, loadBalancer string) (members, error) {
	rows, err := t.queries.Members(ctx, loadBalancer)
	found := make(members, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = row.Seq
	}
	return found, err
}

func (t *sqliteTables) populated(ctx context.Context) ([]string, error) {
	return t.queries.Populated(ctx)
}

func (t *sqliteTables) countMembers(ctx context.Context) (int, error) {
	n, err := t.queries.CountMembers(ctx)
	return int(n), err
}

func (t *sqliteTables) putMember(ctx context.Context, loadBalancer, instanceID string, seq int64) error {
	t.written++
	return t.queries.PutMember(ctx, sqlitedb.PutMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID, Seq: seq})
}

func (t *sqliteTables) dropMember(ctx context.Context, loadBalancer, instanceID string) error {
	t.written++
	return t.queries.DropMember(ctx, sqlitedb.DropMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *sqliteTables) key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error) {
	row, err := t.queries.Key(ctx, sqlitedb.KeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &lsapi.Reservation{ChangeID: row.ChangeID, BodyHash: row.BodyHash, At: fromMicros(row.At)}, nil
}

func (t *sqliteTables) putKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error {
	t.written++
	return t.queries.PutKey(ctx, sqlitedb.PutKeyParams{
		Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key,
		ChangeID: reservation.ChangeID, BodyHash: reservation.BodyHash, At: micros(reservation.At),
	})
}

func (t *sqliteTables) dropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	t.written++
	return t.queries.DropKey(ctx, sqlitedb.DropKeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key, ChangeID: changeID})
}

func (t *sqliteTables) dropKeys(ctx context.Context, until time.Time) (dropped int64, err error) {
	t.written++
	return t.queries.DropKeys(ctx, micros(until))
}

func (t *sqliteTables) capKeys(ctx context.Context, now time.Time) error {
	t.written++
	return t.queries.CapKeys(ctx, micros(now))
}

// clock must be read after the rows whose ages are measured by it.
func (t *sqliteTables) clock(ctx context.Context) (clock, error) {
	if t.anchor == nil {
		kept, err := anchorOf(ctx, t.queries)
		if err != nil {
			return clock{}, err
		}
		t.anchor = &kept
	}
	return t.machine.clock(*t.anchor), nil
}

func anchorOf(ctx context.Context, queries *sqlitedb.Queries) (anchor, error) {
	row, err := queries.Anchor(ctx)
	return anchor{boot: row.Boot, bootedAt: fromMicros(row.BootedAt)}, err
}

func (t *sqliteTables) clocks(ctx context.Context) (now, steady time.Time, err error) {
	read, err := t.clock(ctx)
	return read.now, read.now, err
}

func (t *sqliteTables) labels(ctx context.Context) (time.Time, error) {
	read, err := t.clock(ctx)
	return read.labels, err
}

// probe writes another value than before, so that SQLite has to.
func (t *sqliteTables) probe(ctx context.Context) error {
	t.written++
	if err := t.rolledBack(ctx, func() error { return trial(ctx, t) }); err != nil {
		return err
	}
	noise := make([]byte, probeSize)
	if _, err := rand.Read(noise); err != nil {
		return err
	}
	return t.queries.Probe(ctx, noise)
}

// rolledBack runs writing queries, of which nothing is kept.
func (t *sqliteTables) rolledBack(ctx context.Context, write func() error) error {
	if _, err := t.db.ExecContext(ctx, "SAVEPOINT trial"); err != nil {
		return err
	}
	err := write()
	if _, failed := t.db.ExecContext(ctx, "ROLLBACK TO trial; RELEASE trial"); err == nil {
		err = failed
	}
	return err
}
