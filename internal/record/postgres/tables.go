package postgres

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

type tables struct {
	queries *postgresdb.Queries
	db      postgresdb.DBTX
	// writing locks a log's row, and an idempotency key, when it is read.
	writing bool
	clock   *record.SteadyClock
	// known are changes that were read ahead, by id; nil for one that does not exist.
	known map[uuid.UUID]*record.ChangeRow
}

func (t *tables) Log(ctx context.Context, pool lsapi.PoolID) (record.LogRow, error) {
	before := time.Now()
	var row postgresdb.LogRow
	var err error
	if t.writing {
		var locked postgresdb.LockLogRow
		locked, err = record.First(t.queries.LockLog(ctx, pool.String()))
		row = postgresdb.LogRow(locked)
	} else {
		row, err = record.First(t.queries.Log(ctx, pool.String()))
	}
	if err != nil {
		return record.LogRow{}, err
	}
	if row.Now.IsZero() { // there is no row
		before = time.Now()
		now, err := t.queries.Clock(ctx)
		return record.LogRow{Pool: pool, Clock: record.DatabaseClock(now, before, time.Now())}, err
	}
	return fromLog(row.Log, record.DatabaseClock(row.Now, before, time.Now()))
}

func (t *tables) Logs(ctx context.Context) ([]record.LogRow, error) {
	before := time.Now()
	rows, err := t.queries.Logs(ctx)
	after := time.Now()
	return record.Convert(rows, err, func(row postgresdb.LogsRow) (record.LogRow, error) {
		return fromLog(row.Log, record.DatabaseClock(row.Now, before, after))
	})
}

func fromLog(row postgresdb.Log, clock record.Clock) (record.LogRow, error) {
	pool, err := record.PoolOf(row.Pool)
	if err != nil {
		return record.LogRow{}, err
	}
	sum, err := record.ParseHash(row.LastHash)
	return record.LogRow{
		Pool: pool, First: row.FirstSeq, Last: row.LastSeq, At: fromTime(row.LastAt), Hash: sum,
		Known: row.Known, LookedAt: fromTime(row.LookedAt), AppliedAt: fromTime(row.AppliedAt),
		Checkpoint: row.CheckpointSeq, Room: row.CheckpointRoom,
		Restamped: row.RestampedSeq, RestampedAt: fromTime(row.RestampedAt), Clock: clock,
		Incarnation: row.Incarnation, Replaced: row.ReplacedSeq,
	}, err
}

func (t *tables) PutLog(ctx context.Context, row record.LogRow) error {
	return t.queries.PutLog(ctx, postgresdb.PutLogParams{
		Pool: row.Pool.String(), FirstSeq: row.First, LastSeq: row.Last, LastAt: toTime(row.At), LastHash: row.Hash[:],
		Known: row.Known, LookedAt: toTime(row.LookedAt), AppliedAt: toTime(row.AppliedAt),
		CheckpointSeq: row.Checkpoint, CheckpointRoom: row.Room, RestampedSeq: row.Restamped, RestampedAt: toTime(row.RestampedAt),
		Incarnation: row.Incarnation, ReplacedSeq: row.Replaced,
	})
}

func (t *tables) AddEvent(ctx context.Context, row record.EventRow) error {
	var id *uuid.UUID
	if parsed, ok := record.ParseID(row.ChangeID); ok {
		id = &parsed
	}
	return t.queries.AddEvent(ctx, postgresdb.AddEventParams{
		Pool: row.Pool.String(), Seq: row.Seq, At: row.At, Kind: string(row.Kind), ChangeID: id,
		Payload: row.Payload, PrevHash: row.Prev[:], Hash: row.Hash[:], RecordedAt: toTime(row.RecordedAt),
	})
}

func (t *tables) Events(ctx context.Context, pool lsapi.PoolID, from int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.Events(ctx, postgresdb.EventsParams{Pool: pool.String(), Seq: from, Limit: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) EventsBefore(ctx context.Context, pool lsapi.PoolID, before int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsBack(ctx, postgresdb.EventsBackParams{Pool: pool.String(), Seq: before, Limit: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) EventsAt(ctx context.Context, pool lsapi.PoolID, seqs []int64) ([]record.EventRow, error) {
	rows, err := t.queries.EventsAt(ctx, postgresdb.EventsAtParams{Pool: pool.String(), Seqs: seqs})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) EventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsAfter(ctx, postgresdb.EventsAfterParams{Major: after.Major, Seq: after.Minor, Most: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) ObservedFrom(ctx context.Context, pool lsapi.PoolID, at time.Time, after int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.ObservedFrom(ctx, postgresdb.ObservedFromParams{Pool: pool.String(), At: at, Seq: after, Limit: bound(limit)})
	return record.Convert(rows, err, fromEvent)
}

func fromEvent(row postgresdb.Event) (record.EventRow, error) {
	pool, err := record.PoolOf(row.Pool)
	if err != nil {
		return record.EventRow{}, err
	}
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
		Pool: pool, Seq: row.Seq, At: row.At.UTC(), Kind: lsapi.EventKind(row.Kind),
		ChangeID: id, Payload: row.Payload, Prev: prev, Hash: sum, RecordedAt: fromTime(row.RecordedAt),
		Place: lsapi.Position{Major: row.Major, Minor: row.Seq},
	}, err
}

func (t *tables) End(ctx context.Context) (lsapi.Position, error) {
	places, err := t.queries.LastPlace(ctx)
	if err != nil || len(places) == 0 {
		return record.Beginning(), err
	}
	return lsapi.Position{Major: places[0].Major, Minor: places[0].Seq}, nil
}

func (t *tables) After(ctx context.Context, position lsapi.Position) (readable, soon bool, err error) {
	rows, err := t.queries.Behind(ctx, postgresdb.BehindParams{Major: position.Major, Seq: position.Minor})
	for _, isReadable := range rows {
		readable, soon = readable || isReadable, soon || !isReadable
	}
	return readable, soon, err
}

func (t *tables) Dropped(ctx context.Context) (lsapi.Position, error) {
	row, err := t.queries.DroppedPlace(ctx)
	return lsapi.Position{Major: row.DroppedMajor, Minor: row.DroppedSeq}, err
}

func (t *tables) CheckpointUntil(ctx context.Context, pool lsapi.PoolID, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointUntil(ctx, postgresdb.CheckpointUntilParams{Pool: pool.String(), At: whole(at)}))
}

func (t *tables) CheckpointFrom(ctx context.Context, pool lsapi.PoolID, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointFrom(ctx, postgresdb.CheckpointFromParams{Pool: pool.String(), At: whole(at)}))
}

func (t *tables) NextLogged(ctx context.Context, after lsapi.PoolID) (lsapi.PoolID, error) {
	name, err := record.First(t.queries.NextLogged(ctx, after.String()))
	if err != nil {
		return lsapi.PoolID{}, err
	}
	return record.PoolOf(name)
}

func (t *tables) DropEvents(ctx context.Context, pool lsapi.PoolID, before int64) error {
	return t.queries.DropEvents(ctx, postgresdb.DropEventsParams{Pool: pool.String(), Seq: before})
}

func (t *tables) Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error) {
	names, err := t.queries.Unfinished(ctx, within.Microseconds())
	return record.Convert(names, err, record.PoolOf)
}

func (t *tables) Members(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (record.Members, error) {
	if members == nil {
		rows, err := t.queries.Members(ctx, pool.String())
		return fromMembers(rows, err)
	}
	rows, err := t.queries.MembersOf(ctx, postgresdb.MembersOfParams{Pool: pool.String(), Members: record.MemberTexts(members)})
	return fromMembers(rows, err)
}

func fromMembers(rows []postgresdb.Member, err error) (record.Members, error) {
	found := make(record.Members, len(rows))
	for _, row := range rows {
		member, err := record.MemberOf(row.Member)
		if err != nil {
			return nil, err
		}
		found[member] = row.Seq
	}
	return found, err
}

func (t *tables) Count(ctx context.Context) (members, healths, detached int64, err error) {
	if members, err = t.queries.CountMembers(ctx); err == nil {
		healths, err = t.queries.CountHealth(ctx)
	}
	if err == nil {
		detached, err = t.queries.CountDetached(ctx)
	}
	return members, healths, detached, err
}

func (t *tables) Populated(ctx context.Context) ([]lsapi.PoolID, error) {
	names, err := t.queries.Populated(ctx)
	return record.Convert(names, err, record.PoolOf)
}

func (t *tables) PutMember(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, seq int64) error {
	return t.queries.PutMember(ctx, postgresdb.PutMemberParams{Pool: pool.String(), Member: member.String(), Seq: seq})
}

func (t *tables) DropMember(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error {
	return t.queries.DropMember(ctx, postgresdb.DropMemberParams{Pool: pool.String(), Member: member.String()})
}

func (t *tables) Detached(ctx context.Context, pool lsapi.PoolID, since time.Time) (record.Detached, error) {
	if since.IsZero() {
		rows, err := t.queries.Detached(ctx, pool.String())
		return fromDetached(rows, err)
	}
	rows, err := t.queries.DetachedSince(ctx, postgresdb.DetachedSinceParams{Pool: pool.String(), RecordedAt: toTime(since)})
	return fromDetached(rows, err)
}

func fromDetached(rows []postgresdb.Detached, err error) (record.Detached, error) {
	found := make(record.Detached, len(rows))
	for _, row := range rows {
		member, err := record.MemberOf(row.Member)
		if err != nil {
			return nil, err
		}
		found[member] = record.DetachedRow{Seq: row.Seq, RecordedAt: fromTime(row.RecordedAt)}
	}
	return found, err
}

func (t *tables) PutDetached(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, row record.DetachedRow) error {
	return t.queries.PutDetached(ctx, postgresdb.PutDetachedParams{Pool: pool.String(), Member: member.String(), Seq: row.Seq, RecordedAt: toTime(row.RecordedAt)})
}

func (t *tables) DropDetached(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error {
	return t.queries.DropDetached(ctx, postgresdb.DropDetachedParams{Pool: pool.String(), Member: member.String()})
}

func (t *tables) DropDetachedBefore(ctx context.Context, pool lsapi.PoolID, seq int64) error {
	return t.queries.DropDetachedBefore(ctx, postgresdb.DropDetachedBeforeParams{Pool: pool.String(), Seq: seq})
}

func (t *tables) Health(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (record.Healths, error) {
	if members == nil {
		rows, err := t.queries.Health(ctx, pool.String())
		return fromHealth(rows, err)
	}
	rows, err := t.queries.HealthOf(ctx, postgresdb.HealthOfParams{Pool: pool.String(), Members: record.MemberTexts(members)})
	return fromHealth(rows, err)
}

func fromHealth(rows []postgresdb.Health, err error) (record.Healths, error) {
	found := make(record.Healths, len(rows))
	for _, row := range rows {
		health, err := fromHealthRow(row)
		if err != nil {
			return nil, err
		}
		found[health.Member] = health
	}
	return found, err
}

func fromHealthRow(row postgresdb.Health) (record.HealthRow, error) {
	member, err := record.MemberOf(row.Member)
	return record.HealthRow{
		MemberHealth: lsapi.MemberHealth{
			Member: member, State: lsapi.HealthState(row.State), AWSState: row.AwsState, Reason: row.Reason,
			Description: row.Description, Draining: row.Draining,
		},
		Seq: row.Seq, Since: row.Since.UTC(),
	}, err
}

func (t *tables) PutHealth(ctx context.Context, pool lsapi.PoolID, row record.HealthRow) error {
	return t.queries.PutHealth(ctx, postgresdb.PutHealthParams{
		Pool: pool.String(), Member: row.Member.String(), State: string(row.State), AwsState: row.AWSState, Reason: row.Reason,
		Description: row.Description, Draining: row.Draining, Seq: row.Seq, Since: row.Since,
	})
}

func (t *tables) DropHealth(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error {
	return t.queries.DropHealth(ctx, postgresdb.DropHealthParams{Pool: pool.String(), Member: member.String()})
}

func (t *tables) Delivery(ctx context.Context, receiver string) (*record.DeliveryRow, error) {
	query := t.queries.Delivery
	if t.writing {
		query = t.queries.LockDelivery
	}
	rows, err := query(ctx, receiver)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &record.DeliveryRow{
		Receiver: rows[0].Receiver,
		Delivery: lsapi.Delivery{
			Position: lsapi.Position{Major: rows[0].Major, Minor: rows[0].Minor},
			At:       rows[0].At.UTC(), OutUntil: rows[0].OutUntil.UTC(),
		},
		Holder: rows[0].Holder, ExpiresAt: rows[0].ExpiresAt.UTC(),
	}, nil
}

func (t *tables) AddDelivery(ctx context.Context, row record.DeliveryRow) error {
	return t.queries.AddDelivery(ctx, postgresdb.AddDeliveryParams{
		Receiver: row.Receiver, Major: row.Position.Major, Minor: row.Position.Minor,
		At: row.At, OutUntil: row.OutUntil, Holder: row.Holder, ExpiresAt: row.ExpiresAt,
	})
}

func (t *tables) PutDelivery(ctx context.Context, row record.DeliveryRow) error {
	return t.queries.PutDelivery(ctx, postgresdb.PutDeliveryParams{
		Receiver: row.Receiver, Major: row.Position.Major, Minor: row.Position.Minor,
		At: row.At, OutUntil: row.OutUntil, Holder: row.Holder, ExpiresAt: row.ExpiresAt,
	})
}

func (t *tables) DropDeliveries(ctx context.Context, before time.Time) error {
	return t.queries.DropDeliveries(ctx, before)
}

func (t *tables) OutOfService(ctx context.Context, from, to time.Time) ([]record.OutRow, error) {
	rows, err := t.queries.OutOfService(ctx, postgresdb.OutOfServiceParams{Since: from, Until: to})
	return record.Convert(rows, err, func(row postgresdb.Health) (record.OutRow, error) {
		pool, err := record.PoolOf(row.Pool)
		if err != nil {
			return record.OutRow{}, err
		}
		health, err := fromHealthRow(row)
		return record.OutRow{Pool: pool, HealthRow: health}, err
	})
}

func (t *tables) Key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error) {
	if t.writing {
		if err := t.queries.LockKey(ctx, postgresdb.LockKeyParams(key)); err != nil {
			return nil, err
		}
	}
	rows, err := t.queries.Key(ctx, postgresdb.KeyParams(key))
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

func (t *tables) Times(ctx context.Context) (now, steady, labels time.Time, err error) {
	if now, err = t.queries.Clock(ctx); err == nil {
		steady = t.clock.At(now)
	}
	return now, steady, steady, err
}

// Probe waits for locks no longer than a change.
func (t *tables) Probe(ctx context.Context) error {
	for _, statement := range []string{
		"SAVEPOINT trial", "SET LOCAL lock_timeout = '1s'", "INSERT INTO leases SELECT * FROM leases WHERE false",
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

// toTime is a time as PostgreSQL stores it, NULL for none.
func toTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func fromTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func toInt(n *int) *int64 {
	if n == nil {
		return nil
	}
	return new(int64(*n))
}

func fromInt(n *int64) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

// toText is a text as it is stored in a column of which most rows have none.
func toText(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func fromText(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// whole is a time for comparisons: PostgreSQL would round it to a microsecond, and has
// none as old as Go's zero.
func whole(t time.Time) time.Time { return time.UnixMicro(max(t.UnixMicro(), 0)).UTC() }

func bound(limit int) int32 { return int32(min(limit, math.MaxInt32)) } //nolint:gosec // it is within range
