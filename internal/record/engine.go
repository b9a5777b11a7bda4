package record

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
)

// tables are the queries of one transaction, the same for every engine. A page
// ends before limit rows only when there are no more.
type Tables interface {
	// log returns a row without events for a load balancer that has no log.
	Log(ctx context.Context, loadBalancer string) (LogRow, error)
	Logs(ctx context.Context) ([]LogRow, error)
	PutLog(ctx context.Context, row LogRow) error

	// addEvent returns a coded error when there is an event of that number.
	AddEvent(ctx context.Context, row EventRow) error
	// events returns those from a number on, eventsBack those before one,
	// backwards.
	Events(ctx context.Context, loadBalancer string, from int64, limit int) ([]EventRow, error)
	EventsBefore(ctx context.Context, loadBalancer string, before int64, limit int) ([]EventRow, error)
	// eventsAt returns those of the numbers that are kept, in no order.
	EventsAt(ctx context.Context, loadBalancer string, seqs []int64) ([]EventRow, error)
	// eventsAfter returns those behind a place in the record as a whole, in its order,
	// that nothing will come to stand before; no checkpoints.
	EventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]EventRow, error)
	// end returns the place of the last of them, start() for none.
	End(ctx context.Context) (lsapi.Position, error)
	// behind reports whether there are any, or will be soon.
	After(ctx context.Context, after lsapi.Position) (behind, soon bool, err error)
	// dropped returns the last place of what has been dropped.
	Dropped(ctx context.Context) (lsapi.Position, error)
	// observedFrom returns the observed events of at or later and behind a number.
	ObservedFrom(ctx context.Context, loadBalancer string, at time.Time, after int64, limit int) ([]EventRow, error)
	// checkpointUntil returns the number of the last checkpoint until at, and
	// checkpointFrom that of the first from at on; 0 for none.
	CheckpointUntil(ctx context.Context, loadBalancer string, at time.Time) (int64, error)
	CheckpointFrom(ctx context.Context, loadBalancer string, at time.Time) (int64, error)
	// nextLogged returns the first load balancer behind a name that has events,
	// empty for none.
	NextLogged(ctx context.Context, after string) (string, error)
	DropEvents(ctx context.Context, loadBalancer string, before int64) error

	// change returns nil for an id that is not recorded, or is none.
	Change(ctx context.Context, id string) (*ChangeRow, error)
	// changes returns those of the ids that are recorded, by id.
	Changes(ctx context.Context, ids []string) (map[string]ChangeRow, error)
	Find(ctx context.Context, filter lsapi.ChangeFilter) ([]ChangeRow, error)
	OpenChanges(ctx context.Context, loadBalancer string) ([]ChangeRow, error)
	// changesAfter returns those with ids behind one, of a load balancer or, when
	// that is empty, of all; an empty id is before all.
	ChangesAfter(ctx context.Context, loadBalancer, id string, limit int) ([]ChangeRow, error)
	// lastChanges returns, for each instance that has one, the last change that lsapi
	// made or began to make of it, in no order.
	LastChanges(ctx context.Context, loadBalancer string, instanceIDs []string) ([]ChangeRow, error)
	// addChange leaves one alone that is there already, completeChange overwrites
	// all that a completion may tell anew.
	AddChange(ctx context.Context, row *ChangeRow) (isNew bool, err error)
	CompleteChange(ctx context.Context, row *ChangeRow) error
	// dropChanges drops those that were completed before an event, and whose ids
	// are of a time before.
	DropChanges(ctx context.Context, loadBalancer string, seq int64, before time.Time) error
	// unfinished returns the load balancers with open changes, or with changes that
	// were applied so lately.
	Unfinished(ctx context.Context, within time.Duration) ([]string, error)

	Members(ctx context.Context, loadBalancer string) (Members, error)
	CountMembers(ctx context.Context) (int, error)
	Populated(ctx context.Context) ([]string, error)
	PutMember(ctx context.Context, loadBalancer, instanceID string, seq int64) error
	DropMember(ctx context.Context, loadBalancer, instanceID string) error

	// membersOf returns those of the instances that are members.
	MembersOf(ctx context.Context, loadBalancer string, instanceIDs []string) (Members, error)

	// health returns what is kept of all instances of a load balancer, healthOf that
	// of some.
	Health(ctx context.Context, loadBalancer string) (Healths, error)
	HealthOf(ctx context.Context, loadBalancer string, instanceIDs []string) (Healths, error)
	CountHealth(ctx context.Context) (int, error)
	PutHealth(ctx context.Context, loadBalancer string, row HealthRow) error
	DropHealth(ctx context.Context, loadBalancer, instanceID string) error

	// key returns nil for one that nobody has.
	Key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error)
	PutKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error
	DropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error
	DropKeys(ctx context.Context, until time.Time) (dropped int64, err error)
	// capKeys makes those of a later time be of this one.
	CapKeys(ctx context.Context, now time.Time) error

	// clocks reads the record's clock, by which all processes stamp, and the same held to
	// the pace of this process, by which it measures ages: a jump forward makes nothing
	// old. Only for writing.
	Clocks(ctx context.Context) (now, steady time.Time, err error)
	// labels reads the clock by which events are labelled. Only for writing.
	Labels(ctx context.Context) (time.Time, error)

	// probe tries to write what a change writes, and keeps nothing of it but what
	// proves that the disk has room.
	Probe(ctx context.Context) error
}

// members are the numbers of the events that made instances members, by id; 0 for
// one that was a member before the record.
type Members map[string]int64

// logRow is what is true of a log as a whole.
type LogRow struct {
	LoadBalancer string
	First, Last  int64 // the numbers of the oldest event that is kept, and the newest
	At           time.Time
	Hash         Hash
	Known        bool
	LookedAt     time.Time // by the record's clock, as appliedAt
	AppliedAt    time.Time // when its last applied change was recorded
	Checkpoint   int64     // the number of the last one
	Room         int64     // the events behind it until the next is due
	// Events up to restamped were recorded at restampedAt at the latest, whatever
	// they are stamped with by a clock that was set back since.
	Restamped   int64
	RestampedAt time.Time
	// clock is as it was when the row was read.
	Clock Clock
}

// restamp makes stamps that are still to come count as now, if the last of them is.
func (l *LogRow) restamp(last time.Time) bool {
	if !last.After(l.Clock.Now) {
		return false
	}
	l.Restamped, l.RestampedAt = l.Last, l.Clock.Now
	return true
}

// recordedAt is when an event of the log was recorded, by the record's clock.
func (l *LogRow) recordedAt(row EventRow) time.Time {
	at := row.RecordedAt
	if at.IsZero() {
		at = row.At // of an older version
	}
	if row.Seq <= l.Restamped {
		at = earliest(at, l.RestampedAt)
	}
	return at
}

// eventRow is an event as it is stored. What it tells is in the payload; the
// columns beside that are for finding it.
type EventRow struct {
	LoadBalancer string
	Seq          int64
	At           time.Time
	Kind         lsapi.EventKind
	ChangeID     string
	Payload      []byte
	Prev, Hash   Hash
	RecordedAt   time.Time      // by the record's clock; zero in events of older versions
	Place        lsapi.Position // zero when it was recorded before events had places
}

// recorded is a change with the numbers of the events that began and completed
// it; done is 0 while it is open.
type ChangeRow struct {
	lsapi.Change
	Begun, Done int64
}

// engine is a database that holds a record.
type Engine interface {
	// view runs reading queries on one state of the record.
	View(ctx context.Context, read func(Tables) error) error
	// views gives n connections that all show the same state.
	Views(ctx context.Context, n int, read func([]Tables) error) error
	// update runs writing queries, all or none; what they wrote is durable when it
	// returns nil.
	Update(ctx context.Context, write func(context.Context, Tables) error) error
}

// record is what is the same whatever the engine.
type Record struct {
	Engine
	pruning *pruning
}

// newRecord returns the record in a database.
func New(e Engine, log *slog.Logger) Record { return Record{e, &pruning{log: log}} }
