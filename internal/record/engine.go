package record

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"lsapi"
)

// Engine is a database that holds a record.
type Engine interface {
	// View runs queries on one state of the record.
	View(ctx context.Context, read func(Tables) error) error
	// Views provides up to n connections that read the same state.
	Views(ctx context.Context, n int, read func([]Tables) error) error
	// Update runs write in a transaction, which is durable when it returns nil. After an
	// error write may still be running: the caller must not read its results.
	Update(ctx context.Context, write func(context.Context, Tables) error) error
}

// Record implements the engine-neutral part of Store.
type Record struct {
	Engine
	pruning *pruning
}

// New returns the record in a database.
func New(e Engine, log *slog.Logger) Record { return Record{e, &pruning{log: log}} }

// Read returns what read finds in one state of the record.
func Read[T any](ctx context.Context, e Engine, read func(Tables) (T, error)) (T, error) {
	var found, none T
	err := e.View(ctx, func(t Tables) (err error) {
		found, err = read(t)
		return err
	})
	if err != nil {
		return none, err // read may still be running
	}
	return found, nil
}

// Tables are the queries of one transaction. A query with a limit returns fewer rows only
// at the end. Queries for a single row that does not exist return a zero value.
type Tables interface {
	// Log returns a row without events for a pool without a log.
	Log(ctx context.Context, pool lsapi.PoolID) (LogRow, error)
	Logs(ctx context.Context) ([]LogRow, error)
	PutLog(ctx context.Context, row LogRow) error

	// AddEvent returns a coded error when the number is taken.
	AddEvent(ctx context.Context, row EventRow) error
	// Events returns events from a number on, EventsBefore those before one in reverse.
	Events(ctx context.Context, pool lsapi.PoolID, from int64, limit int) ([]EventRow, error)
	EventsBefore(ctx context.Context, pool lsapi.PoolID, before int64, limit int) ([]EventRow, error)
	// EventsAt returns the kept events with these numbers, in any order.
	EventsAt(ctx context.Context, pool lsapi.PoolID, seqs []int64) ([]EventRow, error)
	// EventsAfter returns the readable events of all logs behind a position in order,
	// without checkpoints. No event appears later before a returned one.
	EventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]EventRow, error)
	// End returns the position of the last of them, Beginning() for none.
	End(ctx context.Context) (lsapi.Position, error)
	// After reports whether some exist behind a position, and whether some become
	// readable soon.
	After(ctx context.Context, position lsapi.Position) (readable, soon bool, err error)
	// Dropped returns the last position that was pruned.
	Dropped(ctx context.Context) (lsapi.Position, error)
	// ObservedFrom returns observed events with numbers behind after, from at on.
	ObservedFrom(ctx context.Context, pool lsapi.PoolID, at time.Time, after int64, limit int) ([]EventRow, error)
	// CheckpointUntil and CheckpointFrom return the number of the last checkpoint until
	// at, and of the first from at on; 0 for none.
	CheckpointUntil(ctx context.Context, pool lsapi.PoolID, at time.Time) (int64, error)
	CheckpointFrom(ctx context.Context, pool lsapi.PoolID, at time.Time) (int64, error)
	// NextLogged returns the first pool behind a name that has events.
	NextLogged(ctx context.Context, after lsapi.PoolID) (lsapi.PoolID, error)
	DropEvents(ctx context.Context, pool lsapi.PoolID, before int64) error

	// Change returns nil for an unknown or invalid id.
	Change(ctx context.Context, id string) (*ChangeRow, error)
	Changes(ctx context.Context, ids []string) (map[string]ChangeRow, error)
	Find(ctx context.Context, filter lsapi.ChangeFilter) ([]ChangeRow, error)
	OpenChanges(ctx context.Context, pool lsapi.PoolID) ([]ChangeRow, error)
	// ChangesAfter returns changes by id, of all pools for an empty name.
	ChangesAfter(ctx context.Context, pool lsapi.PoolID, id string, limit int) ([]ChangeRow, error)
	// LastChanges returns each member's last change of lsapi, open ones included, in any
	// order.
	LastChanges(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) ([]ChangeRow, error)
	// Later returns the first changes of the change's member in its pool that were completed
	// after it as applied or unknown, and then the open ones.
	Later(ctx context.Context, change *ChangeRow, limit int) ([]ChangeRow, error)
	// AddChange leaves an existing change as it is. CompleteChange overwrites all that a
	// completion may contain.
	AddChange(ctx context.Context, row *ChangeRow) (isNew bool, err error)
	CompleteChange(ctx context.Context, row *ChangeRow) error
	// DropChanges drops changes that were completed before an event and intended before a
	// time.
	DropChanges(ctx context.Context, pool lsapi.PoolID, seq int64, before time.Time) error
	// Unfinished returns the pools with open changes, or applied within the
	// duration.
	Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error)

	// Members and Health return those of all members for nil.
	Members(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (Members, error)
	Health(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (Healths, error)
	Count(ctx context.Context) (members, healths, detached int64, err error)
	Populated(ctx context.Context) ([]lsapi.PoolID, error)
	PutMember(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, seq int64) error
	DropMember(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error
	// Detached returns those that were recorded after a time, all for the zero time.
	Detached(ctx context.Context, pool lsapi.PoolID, since time.Time) (Detached, error)
	PutDetached(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, row DetachedRow) error
	DropDetached(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error
	// DropDetachedBefore drops those of events with numbers before seq.
	DropDetachedBefore(ctx context.Context, pool lsapi.PoolID, seq int64) error
	PutHealth(ctx context.Context, pool lsapi.PoolID, row HealthRow) error
	DropHealth(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID) error

	// Delivery returns nil for a new receiver, and locks the row of another in writes.
	Delivery(ctx context.Context, receiver string) (*DeliveryRow, error)
	// AddDelivery leaves an existing row as it is; PutDelivery overwrites one.
	AddDelivery(ctx context.Context, row DeliveryRow) error
	PutDelivery(ctx context.Context, row DeliveryRow) error
	// DropDeliveries drops those that expired before a time.
	DropDeliveries(ctx context.Context, before time.Time) error
	// OutOfService returns the members recorded as out of service since a time in
	// [from, to), in the order of that time.
	OutOfService(ctx context.Context, from, to time.Time) ([]OutRow, error)

	Key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error)
	PutKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error
	DropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error
	DropKeys(ctx context.Context, until time.Time) (dropped int64, err error)
	// CapKeys sets later times to now.
	CapKeys(ctx context.Context, now time.Time) error

	// Times reads the record's clock, which stamps, its steady reading, which measures ages
	// and does not jump, and the clock that labels events. Only for writes.
	Times(ctx context.Context) (now, steady, labels time.Time, err error)

	// Probe writes what a change writes, and keeps only what proves that the disk has
	// room.
	Probe(ctx context.Context) error
}

// Members are the numbers of the events that made them members, by id; 0 for a
// member older than the record.
type Members map[lsapi.MemberID]int64

// LogRow is the state of a log as a whole.
type LogRow struct {
	Pool        lsapi.PoolID
	First, Last int64 // the numbers of the oldest kept event and the newest
	At          time.Time
	Hash        Hash
	Known       bool      // whether the membership is recorded
	Incarnation string    // the last one that an event named; empty is unknown
	Replaced    int64     // the number of the event that named another than those before, 0 if none is kept
	LookedAt    time.Time // of the last look at the membership, by the record's clock
	AppliedAt   time.Time // when the last applied change was recorded
	Checkpoint  int64     // the number of the last one
	Room        int64     // events after it until the next is due
	// Events up to Restamped were recorded at RestampedAt at the latest: their stamps are
	// of a clock that was set back since.
	Restamped   int64
	RestampedAt time.Time
	Clock       Clock // as of the reading of the row
}

// isReplacedBy reports whether an incarnation is another than that of the log.
func (l *LogRow) isReplacedBy(incarnation string) bool {
	return incarnation != "" && l.Incarnation != "" && incarnation != l.Incarnation
}

// restamp makes future stamps count as now, if the last of them is one.
func (l *LogRow) restamp(last time.Time) bool {
	if !last.After(l.Clock.Now) {
		return false
	}
	l.Restamped, l.RestampedAt = l.Last, l.Clock.Now
	return true
}

// recordedAt is when an event of the log was recorded, by the record's clock.
func (l *LogRow) recordedAt(row EventRow) time.Time {
	if row.RecordedAt.IsZero() {
		return l.dated(row.Seq, row.At) // of an older version
	}
	return l.dated(row.Seq, row.RecordedAt)
}

// dated is when an event was recorded, by its stamp.
func (l *LogRow) dated(seq int64, stamp time.Time) time.Time {
	if seq <= l.Restamped {
		stamp = earliest(stamp, l.RestampedAt)
	}
	return stamp
}

// ChainEnd returns the end of the log.
func (l *LogRow) ChainEnd() lsapi.ChainEnd {
	return lsapi.ChainEnd{Pool: l.Pool, Seq: l.Last, Hash: l.Hash.String()}
}

// EventRow is a stored event. The payload is the event; the other columns are for queries.
type EventRow struct {
	Pool       lsapi.PoolID
	Seq        int64
	At         time.Time
	Kind       lsapi.EventKind
	ChangeID   string
	Payload    []byte
	Prev, Hash Hash
	RecordedAt time.Time      // by the record's clock; zero in events of older versions
	Place      lsapi.Position // zero in events of older versions
}

// ChangeRow is a change with the numbers of the events that began and completed it; Done
// is 0 while it is open.
type ChangeRow struct {
	lsapi.Change
	Begun, Done int64
}

// DetachedRow is the event that completed a detach, and when it was recorded, by the
// record's clock; zero in records of older versions.
type DetachedRow struct {
	Seq        int64
	RecordedAt time.Time
}

// Detached are those that ceased to be members, for the last time, by a detach of lsapi, by id.
// Some are members again.
type Detached map[lsapi.MemberID]DetachedRow

// GuardOf returns the guard's verdict of a change, the zero value for none.
func GuardOf(c *ChangeRow) lsapi.GuardVerdict {
	if c.Guard == nil {
		return lsapi.GuardVerdict{}
	}
	return *c.Guard
}

// Verdict returns a stored verdict, nil for none.
func Verdict(v lsapi.GuardVerdict) *lsapi.GuardVerdict {
	if v.Rule == "" {
		return nil
	}
	return &v
}

// HealthRow is a member's last recorded health, with the event that recorded it and
// its time.
type HealthRow struct {
	lsapi.MemberHealth
	Seq   int64
	Since time.Time
}

// Healths are the health of a pool's members and of those that drain, by id.
type Healths map[lsapi.MemberID]HealthRow

// Convert converts the rows of a query.
func Convert[From, To any](rows []From, err error, one func(From) (To, error)) ([]To, error) {
	if err != nil {
		return nil, err
	}
	converted := make([]To, len(rows))
	for i, row := range rows {
		if converted[i], err = one(row); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

// First returns the first row, the zero value for none.
func First[T any](rows []T, err error) (T, error) {
	if err != nil || len(rows) == 0 {
		return *new(T), err
	}
	return rows[0], nil
}

// PoolOf returns the pool of a stored text; Damaged for an invalid one.
func PoolOf(text string) (pool lsapi.PoolID, err error) {
	if err = pool.UnmarshalText([]byte(text)); err != nil {
		err = Damaged("reading the id of a pool", err)
	}
	return pool, err
}

// MemberOf returns the member of a stored text; Damaged for an invalid one.
func MemberOf(text string) (member lsapi.MemberID, err error) {
	if err = member.UnmarshalText([]byte(text)); err != nil {
		err = Damaged("reading the id of a member", err)
	}
	return member, err
}

// LaterFrom returns a lower bound of the ids of the changes after a change.
func LaterFrom(change *ChangeRow) uuid.UUID { return FirstID(change.IntendedAt.Add(-maxAhead)) }

// WithoutPort returns the column instance of a member's changes.
func WithoutPort(member lsapi.MemberID) string {
	member.Port = 0
	return member.String()
}

// MemberTexts returns the ids as they are stored.
func MemberTexts(ids []lsapi.MemberID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}
