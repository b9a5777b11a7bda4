package record

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record/postgresdb"
)

// postgresTables are the tables of a PostgreSQL transaction.
type postgresTables struct {
	queries *postgresdb.Queries
	db      postgresdb.DBTX
	// writing is whether what is read must not change until the end: then a log's
	// row, or an idempotency key, is locked as it is read.
	writing bool
	clock   *steadyClock
	// known are changes that were read ahead, by id; nil for one that is not there.
	known map[uuid.UUID]*recorded
}

func (t *postgresTables) log(ctx context.Context, loadBalancer string) (logRow, error) {
	before := time.Now()
	if !t.writing {
		rows, err := t.queries.Log(ctx, loadBalancer)
		if err != nil || len(rows) == 0 {
			return t.noLog(ctx, loadBalancer, err)
		}
		return fromPostgresLog(rows[0].Log, databaseClock(rows[0].Now, before, time.Now()))
	}
	rows, err := t.queries.LockLog(ctx, loadBalancer)
	if err != nil || len(rows) == 0 {
		return t.noLog(ctx, loadBalancer, err)
	}
	return fromPostgresLog(rows[0].Log, databaseClock(rows[0].Now, before, time.Now()))
}

func (t *postgresTables) noLog(ctx context.Context, loadBalancer string, err error) (logRow, error) {
	if err != nil {
		return logRow{}, err
	}
	before := time.Now()
	now, err := t.queries.Clock(ctx)
	return logRow{loadBalancer: loadBalancer, clock: databaseClock(now, before, time.Now())}, err
}

func (t *postgresTables) logs(ctx context.Context) ([]logRow, error) {
	before := time.Now()
	rows, err := t.queries.Logs(ctx)
	after := time.Now()
	return convert(rows, err, func(row postgresdb.LogsRow) (logRow, error) {
		return fromPostgresLog(row.Log, databaseClock(row.Now, before, after))
	})
}

func fromPostgresLog(row postgresdb.Log, read clock) (logRow, error) {
	sum, err := toHash(row.LastHash)
	return logRow{
		loadBalancer: row.LoadBalancer, first: row.FirstSeq, last: row.LastSeq, at: fromNullTime(row.LastAt), hash: sum,
		known: row.Known, lookedAt: fromNullTime(row.LookedAt), appliedAt: fromNullTime(row.AppliedAt),
		checkpoint: row.CheckpointSeq, room: row.CheckpointRoom,
		restamped: row.RestampedSeq, restampedAt: fromNullTime(row.RestampedAt), clock: read,
	}, err
}

func (t *postgresTables) putLog(ctx context.Context, row logRow) error {
	return t.queries.PutLog(ctx, postgresdb.PutLogParams{
		LoadBalancer: row.loadBalancer, FirstSeq: row.first, LastSeq: row.last, LastAt: toNullTime(row.at), LastHash: row.hash[:],
		Known: row.known, LookedAt: toNullTime(row.lookedAt), AppliedAt: toNullTime(row.appliedAt),
		CheckpointSeq: row.checkpoint, CheckpointRoom: row.room, RestampedSeq: row.restamped, RestampedAt: toNullTime(row.restampedAt),
	})
}

func (t *postgresTables) addEvent(ctx context.Context, row eventRow) error {
	var id *uuid.UUID
	if parsed, ok := changeID(row.changeID); ok {
		id = &parsed
	}
	return t.queries.AddEvent(ctx, postgresdb.AddEventParams{
		LoadBalancer: row.loadBalancer, Seq: row.seq, At: row.at, Kind: string(row.kind), ChangeID: id,
		Payload: row.payload, PrevHash: row.prev[:], Hash: row.hash[:], RecordedAt: toNullTime(row.recordedAt),
	})
}

func (t *postgresTables) events(ctx context.Context, loadBalancer string, from int64, limit int) ([]eventRow, error) {
	rows, err := t.queries.Events(ctx, postgresdb.EventsParams{LoadBalancer: loadBalancer, Seq: from, Limit: bound(limit)})
	return convert(rows, err, fromPostgresEvent)
}

func (t *postgresTables) eventsBack(ctx context.Context, loadBalancer string, before int64, limit int) ([]eventRow, error) {
	rows, err := t.queries.EventsBack(ctx, postgresdb.EventsBackParams{LoadBalancer: loadBalancer, Seq: before, Limit: bound(limit)})
	return convert(rows, err, fromPostgresEvent)
}

func (t *postgresTables) observedFrom(ctx context.Context, loadBalancer string, at time.Time, after int64, limit int) ([]eventRow, error) {
	rows, err := t.queries.ObservedFrom(ctx, postgresdb.ObservedFromParams{LoadBalancer: loadBalancer, At: at, Seq: after, Limit: bound(limit)})
	return convert(rows, err, fromPostgresEvent)
}

func fromPostgresEvent(row postgresdb.Event) (eventRow, error) {
	prev, err := toHash(row.PrevHash)
	if err != nil {
		return eventRow{}, err
	}
	id := ""
	if row.ChangeID != nil {
		id = row.ChangeID.String()
	}
	sum, err := toHash(row.Hash)
	return eventRow{
		loadBalancer: row.LoadBalancer, seq: row.Seq, at: row.At.UTC(), kind: lsapi.EventKind(row.Kind),
		changeID: id, payload: row.Payload, prev: prev, hash: sum, recordedAt: fromNullTime(row.RecordedAt),
		place: lsapi.Position{Major: row.Major, Minor: row.Seq},
	}, err
}

func (t *postgresTables) checkpointUntil(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return first(t.queries.CheckpointUntil(ctx, postgresdb.CheckpointUntilParams{LoadBalancer: loadBalancer, At: whole(at)}))
}

func (t *postgresTables) checkpointFrom(ctx context.Context, loadBalancer string, at time.Time) (int64, error) {
	return first(t.queries.CheckpointFrom(ctx, postgresdb.CheckpointFromParams{LoadBalancer: loadBalancer, At: whole(at)}))
}

func (t *postgresTables) nextLogged(ctx context.Context, after string) (string, error) {
	return first(t.queries.NextLogged(ctx, after))
}

func (t *postgresTables) dropEvents(ctx context.Context, loadBalancer string, before int64) error {
	return t.queries.DropEvents(ctx, postgresdb.DropEventsParams{LoadBalancer: loadBalancer, Seq: before})
}

// expect reads changes ahead that will be asked for one by one.
func (t *postgresTables) expect(ctx context.Context, events []lsapi.Event) error {
	var ids []uuid.UUID
	for i := range events {
		if id, ok := changeID(events[i].Change.ID); ok {
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
	t.known = make(map[uuid.UUID]*recorded, len(ids))
	for _, id := range ids {
		t.known[id] = nil
	}
	for _, row := range rows {
		found, err := fromPostgresChange(row)
		if err != nil {
			return err
		}
		t.known[row.ID] = &found
	}
	return nil
}

func (t *postgresTables) change(ctx context.Context, id string) (*recorded, error) {
	key, ok := changeID(id)
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
	found, err := fromPostgresChange(rows[0])
	return &found, err
}

func (t *postgresTables) openChanges(ctx context.Context, loadBalancer string) ([]recorded, error) {
	rows, err := t.queries.OpenChanges(ctx, loadBalancer)
	return convert(rows, err, fromPostgresChange)
}

func (t *postgresTables) changesAfter(ctx context.Context, loadBalancer, id string, limit int) ([]recorded, error) {
	after, _ := changeID(id) // that of none is before all
	if loadBalancer == "" {
		rows, err := t.queries.ChangesAfter(ctx, postgresdb.ChangesAfterParams{ID: after, Limit: bound(limit)})
		return convert(rows, err, fromPostgresChange)
	}
	rows, err := t.queries.ChangesOf(ctx, postgresdb.ChangesOfParams{LoadBalancer: loadBalancer, ID: after, Limit: bound(limit)})
	return convert(rows, err, fromPostgresChange)
}

// addChange adds a change, and fails the transaction when there is one of its id.
func (t *postgresTables) addChange(ctx context.Context, c *recorded) (isNew bool, err error) {
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
		InstanceState: string(c.Instance.State), FirstSeq: c.begun, LastSeq: c.done,
	})
}

func (t *postgresTables) completeChange(ctx context.Context, c *recorded) error {
	id, err := t.put(c)
	if err != nil {
		return err
	}
	return t.queries.CompleteChange(ctx, postgresdb.CompleteChangeParams{
		Actor: c.Actor, Reason: c.Reason, RequestID: c.RequestID, Deadline: toNullTime(c.Deadline), Outcome: string(c.Outcome),
		Code: c.Code, Resolution: string(c.Resolution), CompletedAt: toNullTime(c.CompletedAt), AwsRequestID: c.AWSRequestID,
		MembersBefore: toNullInt(c.MembersBefore), MembersAfter: toNullInt(c.MembersAfter), InstanceType: c.Instance.Type,
		LaunchTime: toNullTime(c.Instance.LaunchTime), InstanceState: string(c.Instance.State), LastSeq: c.done, ID: id,
	})
}

// put makes what is known of a change what is about to be written.
func (t *postgresTables) put(c *recorded) (uuid.UUID, error) {
	id, ok := changeID(c.ID)
	if !ok {
		return uuid.UUID{}, errContradicts("%q is not the id of a change", c.ID)
	}
	if t.known != nil {
		known := *c
		t.known[id] = &known
	}
	return id, nil
}

func fromPostgresChange(row postgresdb.Change) (recorded, error) {
	return recorded{
		Change: lsapi.Change{
			ID: row.ID.String(), Actor: row.Actor, Action: lsapi.Action(row.Action), LoadBalancer: row.LoadBalancer,
			InstanceID: row.InstanceID, Reason: row.Reason, RequestID: row.RequestID, Source: lsapi.Source(row.Source),
			IntendedAt: intendedAt(row.ID), NotBefore: fromNullTime(row.NotBefore), Deadline: fromNullTime(row.Deadline),
			Outcome: lsapi.Outcome(row.Outcome), Code: row.Code, Resolution: lsapi.Resolution(row.Resolution),
			CompletedAt: fromNullTime(row.CompletedAt), AWSRequestID: row.AwsRequestID,
			MembersBefore: fromNullInt(row.MembersBefore), MembersAfter: fromNullInt(row.MembersAfter),
			Instance: lsapi.Instance{
				ID: row.InstanceID, Type: row.InstanceType, LaunchTime: fromNullTime(row.LaunchTime),
				State: lsapi.InstanceState(row.InstanceState),
			},
		},
		begun: row.FirstSeq, done: row.LastSeq,
	}, nil
}

func (t *postgresTables) dropChanges(ctx context.Context, loadBalancer string, seq int64, before time.Time) error {
	return t.queries.DropChanges(ctx, postgresdb.DropChangesParams{LoadBalancer: loadBalancer, ID: firstID(before), LastSeq: seq})
}

func (t *postgresTables) unfinished(ctx context.Context, within time.Duration) ([]string, error) {
	return t.queries.Unfinished(ctx, within.Microseconds())
}

func (t *postgresTables) members(ctx context.Context, loadBalancer string) (members, error) {
	rows, err := t.queries.Members(ctx, loadBalancer)
	found := make(members, len(rows))
	for _, row := range rows {
		found[row.InstanceID] = row.Seq
	}
	return found, err
}

func (t *postgresTables) populated(ctx context.Context) ([]string, error) {
	return t.queries.Populated(ctx)
}

func (t *postgresTables) countMembers(ctx context.Context) (int, error) {
	n, err := t.queries.CountMembers(ctx)
	return int(n), err
}

func (t *postgresTables) putMember(ctx context.Context, loadBalancer, instanceID string, seq int64) error {
	return t.queries.PutMember(ctx, postgresdb.PutMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID, Seq: seq})
}

func (t *postgresTables) dropMember(ctx context.Context, loadBalancer, instanceID string) error {
	return t.queries.DropMember(ctx, postgresdb.DropMemberParams{LoadBalancer: loadBalancer, InstanceID: instanceID})
}

func (t *postgresTables) key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error) {
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

func (t *postgresTables) putKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error {
	return t.queries.PutKey(ctx, postgresdb.PutKeyParams{
		Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key,
		ChangeID: reservation.ChangeID, BodyHash: reservation.BodyHash, At: reservation.At,
	})
}

func (t *postgresTables) dropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	return t.queries.DropKey(ctx, postgresdb.DropKeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key, ChangeID: changeID})
}

func (t *postgresTables) dropKeys(ctx context.Context, until time.Time) (dropped int64, err error) {
	return t.queries.DropKeys(ctx, whole(until))
}

func (t *postgresTables) capKeys(ctx context.Context, now time.Time) error {
	return t.queries.CapKeys(ctx, whole(now))
}

func (t *postgresTables) clocks(ctx context.Context) (now, steady time.Time, err error) {
	if now, err = t.queries.Clock(ctx); err != nil {
		return now, now, err
	}
	return now, t.clock.at(now), nil
}

func (t *postgresTables) labels(ctx context.Context) (time.Time, error) {
	_, steady, err := t.clocks(ctx)
	return steady, err
}

// probe waits for locks of others no longer than a change would.
func (t *postgresTables) probe(ctx context.Context) error {
	for _, statement := range []string{
		"SAVEPOINT trial", "SET LOCAL lock_timeout = '1s'", "INSERT INTO turns SELECT * FROM turns WHERE false",
	} {
		if _, err := t.db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := trial(ctx, t); err != nil {
		return err
	}
	if _, err := t.db.Exec(ctx, "ROLLBACK TO SAVEPOINT trial"); err != nil {
		return err
	}
	return t.queries.Probe(ctx)
}
