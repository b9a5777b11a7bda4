package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/sqlite/sqlitedb"
)

type tables struct {
	queries *sqlitedb.Queries
	db      sqlitedb.DBTX
	written int // the number of writes
	machine *machine
	anchor  *anchor // nil until it is read
}

// write returns the queries for a write, and counts it.
func (t *tables) write() *sqlitedb.Queries {
	t.written++
	return t.queries
}

func (t *tables) Log(ctx context.Context, pool lsapi.PoolID) (record.LogRow, error) {
	row, err := t.queries.Log(ctx, pool.String())
	none := errors.Is(err, sql.ErrNoRows)
	if err != nil && !none {
		return record.LogRow{}, err
	}
	clock, err := t.clock(ctx)
	if none || err != nil {
		return record.LogRow{Pool: pool, Clock: clock}, err
	}
	return fromLog(row, clock)
}

func (t *tables) Logs(ctx context.Context) ([]record.LogRow, error) {
	rows, err := t.queries.Logs(ctx)
	if err != nil {
		return nil, err
	}
	clock, err := t.clock(ctx)
	return record.Convert(rows, err, func(row sqlitedb.Log) (record.LogRow, error) { return fromLog(row, clock) })
}

func fromLog(row sqlitedb.Log, clock record.Clock) (record.LogRow, error) {
	pool, err := record.PoolOf(row.Pool)
	if err != nil {
		return record.LogRow{}, err
	}
	sum, err := record.ParseHash(row.LastHash)
	return record.LogRow{
		Pool: pool, First: row.FirstSeq, Last: row.LastSeq, At: fromMicros(row.LastAt), Hash: sum,
		Known: row.Known != 0, LookedAt: fromMicros(row.LookedAt), AppliedAt: fromMicros(row.AppliedAt),
		Checkpoint: row.CheckpointSeq, Room: row.CheckpointRoom,
		Restamped: row.RestampedSeq, RestampedAt: fromMicros(row.RestampedAt), Clock: clock,
		Incarnation: row.Incarnation, Replaced: row.ReplacedSeq,
	}, err
}

func (t *tables) PutLog(ctx context.Context, row record.LogRow) error {
	return t.write().PutLog(ctx, sqlitedb.PutLogParams{
		Pool: row.Pool.String(), FirstSeq: row.First, LastSeq: row.Last, LastAt: micros(row.At), LastHash: row.Hash[:],
		Known: fromBool(row.Known), LookedAt: micros(row.LookedAt), AppliedAt: micros(row.AppliedAt),
		CheckpointSeq: row.Checkpoint, CheckpointRoom: row.Room, RestampedSeq: row.Restamped, RestampedAt: micros(row.RestampedAt),
		Incarnation: row.Incarnation, ReplacedSeq: row.Replaced,
	})
}

func (t *tables) AddEvent(ctx context.Context, row record.EventRow) error {
	id, err := toBytes(row.ChangeID)
	if err != nil {
		return err
	}
	err = t.write().AddEvent(ctx, sqlitedb.AddEventParams{
		Pool: row.Pool.String(), Seq: row.Seq, At: micros(row.At), Kind: string(row.Kind), ChangeID: id,
		Payload: row.Payload, PrevHash: row.Prev[:], Hash: row.Hash[:], RecordedAt: micros(row.RecordedAt),
	})
	if violates(err) {
		return errDamagedLog(row.Pool, err)
	}
	return err
}

func (t *tables) Events(ctx context.Context, pool lsapi.PoolID, from int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.Events(ctx, sqlitedb.EventsParams{Pool: pool.String(), Seq: from, Limit: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) EventsBefore(ctx context.Context, pool lsapi.PoolID, before int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsBack(ctx, sqlitedb.EventsBackParams{Pool: pool.String(), Seq: before, Limit: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) EventsAt(ctx context.Context, pool lsapi.PoolID, seqs []int64) ([]record.EventRow, error) {
	return each(seqs, func(seq int64) ([]record.EventRow, error) {
		rows, err := t.queries.EventAt(ctx, sqlitedb.EventAtParams{Pool: pool.String(), Seq: seq})
		return record.Convert(rows, err, fromEvent)
	})
}

func (t *tables) EventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.EventsAfter(ctx, sqlitedb.EventsAfterParams{Place: after.Major, Most: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func (t *tables) ObservedFrom(ctx context.Context, pool lsapi.PoolID, at time.Time, after int64, limit int) ([]record.EventRow, error) {
	rows, err := t.queries.ObservedFrom(ctx, sqlitedb.ObservedFromParams{Pool: pool.String(), At: micros(at), Seq: after, Limit: int64(limit)})
	return record.Convert(rows, err, fromEvent)
}

func fromEvent(row sqlitedb.Event) (record.EventRow, error) {
	pool, err := record.PoolOf(row.Pool)
	if err != nil {
		return record.EventRow{}, err
	}
	prev, err := record.ParseHash(row.PrevHash)
	if err != nil {
		return record.EventRow{}, err
	}
	sum, err := record.ParseHash(row.Hash)
	return record.EventRow{
		Pool: pool, Seq: row.Seq, At: fromMicros(row.At), Kind: lsapi.EventKind(row.Kind),
		ChangeID: fromBytes(row.ChangeID), Payload: row.Payload, Prev: prev, Hash: sum, RecordedAt: fromMicros(row.RecordedAt),
		Place: lsapi.Position{Major: row.Place},
	}, err
}

func (t *tables) End(ctx context.Context) (lsapi.Position, error) {
	places, err := t.queries.LastPlace(ctx)
	if err != nil || len(places) == 0 {
		return record.Beginning(), err
	}
	return lsapi.Position{Major: places[0]}, nil
}

func (t *tables) After(ctx context.Context, position lsapi.Position) (readable, soon bool, err error) {
	end, err := t.End(ctx)
	return end.Major > position.Major, false, err
}

func (t *tables) Dropped(ctx context.Context) (lsapi.Position, error) {
	place, err := t.queries.DroppedPlace(ctx)
	return lsapi.Position{Major: place}, err
}

func (t *tables) CheckpointUntil(ctx context.Context, pool lsapi.PoolID, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointUntil(ctx, sqlitedb.CheckpointUntilParams{Pool: pool.String(), At: micros(at)}))
}

func (t *tables) CheckpointFrom(ctx context.Context, pool lsapi.PoolID, at time.Time) (int64, error) {
	return record.First(t.queries.CheckpointFrom(ctx, sqlitedb.CheckpointFromParams{Pool: pool.String(), At: micros(at)}))
}

func (t *tables) NextLogged(ctx context.Context, after lsapi.PoolID) (lsapi.PoolID, error) {
	name, err := record.First(t.queries.NextLogged(ctx, after.String()))
	if err != nil {
		return lsapi.PoolID{}, err
	}
	return record.PoolOf(name)
}

func (t *tables) DropEvents(ctx context.Context, pool lsapi.PoolID, before int64) error {
	if err := t.write().DropPlaces(ctx, sqlitedb.DropPlacesParams{Pool: pool.String(), Seq: before}); err != nil {
		return err
	}
	return t.queries.DropEvents(ctx, sqlitedb.DropEventsParams{Pool: pool.String(), Seq: before})
}

func (t *tables) Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error) {
	clock, err := t.clock(ctx)
	if err != nil {
		return nil, err
	}
	names, err := t.queries.Unfinished(ctx, max(0, micros(clock.Now.Add(-within))))
	return record.Convert(names, err, record.PoolOf)
}

func (t *tables) Members(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (record.Members, error) {
	if members == nil {
		rows, err := t.queries.Members(ctx, pool.String())
		return fromMembers(rows, err)
	}
	rows, err := each(members, func(member lsapi.MemberID) ([]sqlitedb.Member, error) {
		return t.queries.MemberOf(ctx, sqlitedb.MemberOfParams{Pool: pool.String(), Member: member.String()})
	})
	return fromMembers(rows, err)
}

func fromMembers(rows []sqlitedb.Member, err error) (record.Members, error) {
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
	return t.write().PutMember(ctx, sqlitedb.PutMemberParams{Pool: pool.String(), Member: member.String(), Seq: seq})
}

func (t *tables) DropMember(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error {
	return t.write().DropMember(ctx, sqlitedb.DropMemberParams{Pool: pool.String(), Member: member.String()})
}

func (t *tables) Detached(ctx context.Context, pool lsapi.PoolID, since time.Time) (record.Detached, error) {
	if since.IsZero() {
		rows, err := t.queries.Detached(ctx, pool.String())
		return fromDetached(rows, err)
	}
	rows, err := t.queries.DetachedSince(ctx, sqlitedb.DetachedSinceParams{Pool: pool.String(), RecordedAt: micros(since)})
	return fromDetached(rows, err)
}

func fromDetached(rows []sqlitedb.Detached, err error) (record.Detached, error) {
	found := make(record.Detached, len(rows))
	for _, row := range rows {
		member, err := record.MemberOf(row.Member)
		if err != nil {
			return nil, err
		}
		found[member] = record.DetachedRow{Seq: row.Seq, RecordedAt: fromMicros(row.RecordedAt)}
	}
	return found, err
}

func (t *tables) PutDetached(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, row record.DetachedRow) error {
	return t.write().PutDetached(ctx, sqlitedb.PutDetachedParams{Pool: pool.String(), Member: member.String(), Seq: row.Seq, RecordedAt: micros(row.RecordedAt)})
}

func (t *tables) DropDetached(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error {
	return t.write().DropDetached(ctx, sqlitedb.DropDetachedParams{Pool: pool.String(), Member: member.String()})
}

func (t *tables) DropDetachedBefore(ctx context.Context, pool lsapi.PoolID, seq int64) error {
	return t.write().DropDetachedBefore(ctx, sqlitedb.DropDetachedBeforeParams{Pool: pool.String(), Seq: seq})
}

func (t *tables) Health(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (record.Healths, error) {
	if members == nil {
		rows, err := t.queries.Health(ctx, pool.String())
		return fromHealth(rows, err)
	}
	rows, err := each(members, func(member lsapi.MemberID) ([]sqlitedb.Health, error) {
		return t.queries.HealthOf(ctx, sqlitedb.HealthOfParams{Pool: pool.String(), Member: member.String()})
	})
	return fromHealth(rows, err)
}

func fromHealth(rows []sqlitedb.Health, err error) (record.Healths, error) {
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

func fromHealthRow(row sqlitedb.Health) (record.HealthRow, error) {
	member, err := record.MemberOf(row.Member)
	return record.HealthRow{
		MemberHealth: lsapi.MemberHealth{
			Member: member, State: lsapi.HealthState(row.State), AWSState: row.AwsState, Reason: row.Reason,
			Description: row.Description, Draining: row.Draining != 0,
		},
		Seq: row.Seq, Since: fromMicros(row.Since),
	}, err
}

func (t *tables) PutHealth(ctx context.Context, pool lsapi.PoolID, row record.HealthRow) error {
	return t.write().PutHealth(ctx, sqlitedb.PutHealthParams{
		Pool: pool.String(), Member: row.Member.String(), State: string(row.State), AwsState: row.AWSState, Reason: row.Reason,
		Description: row.Description, Draining: fromBool(row.Draining), Seq: row.Seq, Since: micros(row.Since),
	})
}

func (t *tables) DropHealth(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error {
	return t.write().DropHealth(ctx, sqlitedb.DropHealthParams{Pool: pool.String(), Member: member.String()})
}

func (t *tables) Delivery(ctx context.Context, receiver string) (*record.DeliveryRow, error) {
	rows, err := t.queries.Delivery(ctx, receiver)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &record.DeliveryRow{
		Receiver: rows[0].Receiver,
		Delivery: lsapi.Delivery{
			Position: lsapi.Position{Major: rows[0].Major, Minor: rows[0].Minor},
			At:       fromMicros(rows[0].At), OutUntil: fromMicros(rows[0].OutUntil),
		},
		Holder: rows[0].Holder, ExpiresAt: fromMicros(rows[0].ExpiresAt),
	}, nil
}

func (t *tables) AddDelivery(ctx context.Context, row record.DeliveryRow) error {
	return t.write().AddDelivery(ctx, sqlitedb.AddDeliveryParams{
		Receiver: row.Receiver, Major: row.Position.Major, Minor: row.Position.Minor,
		At: micros(row.At), OutUntil: micros(row.OutUntil), Holder: row.Holder, ExpiresAt: micros(row.ExpiresAt),
	})
}

func (t *tables) PutDelivery(ctx context.Context, row record.DeliveryRow) error {
	return t.write().PutDelivery(ctx, sqlitedb.PutDeliveryParams{
		Receiver: row.Receiver, Major: row.Position.Major, Minor: row.Position.Minor,
		At: micros(row.At), OutUntil: micros(row.OutUntil), Holder: row.Holder, ExpiresAt: micros(row.ExpiresAt),
	})
}

func (t *tables) DropDeliveries(ctx context.Context, before time.Time) error {
	return t.write().DropDeliveries(ctx, micros(before))
}

func (t *tables) OutOfService(ctx context.Context, from, to time.Time) ([]record.OutRow, error) {
	rows, err := t.queries.OutOfService(ctx, sqlitedb.OutOfServiceParams{Since: micros(from), Until: micros(to)})
	return record.Convert(rows, err, func(row sqlitedb.Health) (record.OutRow, error) {
		pool, err := record.PoolOf(row.Pool)
		if err != nil {
			return record.OutRow{}, err
		}
		health, err := fromHealthRow(row)
		return record.OutRow{Pool: pool, HealthRow: health}, err
	})
}

func (t *tables) Key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error) {
	row, err := t.queries.Key(ctx, sqlitedb.KeyParams(key))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &lsapi.Reservation{ChangeID: row.ChangeID, BodyHash: row.BodyHash, At: fromMicros(row.At)}, nil
}

func (t *tables) PutKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error {
	return t.write().PutKey(ctx, sqlitedb.PutKeyParams{
		Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key,
		ChangeID: reservation.ChangeID, BodyHash: reservation.BodyHash, At: micros(reservation.At),
	})
}

func (t *tables) DropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	return t.write().DropKey(ctx, sqlitedb.DropKeyParams{Actor: key.Actor, Method: key.Method, Path: key.Path, Key: key.Key, ChangeID: changeID})
}

func (t *tables) DropKeys(ctx context.Context, until time.Time) (dropped int64, err error) {
	return t.write().DropKeys(ctx, micros(until))
}

func (t *tables) CapKeys(ctx context.Context, now time.Time) error {
	return t.write().CapKeys(ctx, micros(now))
}

// clock must be read after the rows whose ages it measures.
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

func (t *tables) Times(ctx context.Context) (now, steady, labels time.Time, err error) {
	clock, err := t.clock(ctx)
	return clock.Now, clock.Now, clock.Labels, err
}

// Probe writes new bytes, so that SQLite has to.
func (t *tables) Probe(ctx context.Context) error {
	if _, err := t.db.ExecContext(ctx, "SAVEPOINT trial"); err != nil {
		return err
	}
	err := record.WriteTrial(ctx, t)
	if _, failed := t.db.ExecContext(ctx, "ROLLBACK TO trial; RELEASE trial"); err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	noise := make([]byte, probeSize)
	if _, err := rand.Read(noise); err != nil {
		return err
	}
	return t.write().Probe(ctx, noise)
}
