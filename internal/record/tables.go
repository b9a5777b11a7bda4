package record

import (
	"context"
	"time"

	"lsapi"
)

// tables are the queries of one transaction, the same for every engine. A page
// ends before limit rows only when there are no more.
type tables interface {
	// log returns a row without events for a load balancer that has no log.
	log(ctx context.Context, loadBalancer string) (logRow, error)
	logs(ctx context.Context) ([]logRow, error)
	putLog(ctx context.Context, row logRow) error

	// addEvent returns a coded error when there is an event of that number.
	addEvent(ctx context.Context, row eventRow) error
	// events returns those from a number on, eventsBack those before one,
	// backwards.
	events(ctx context.Context, loadBalancer string, from int64, limit int) ([]eventRow, error)
	eventsBack(ctx context.Context, loadBalancer string, before int64, limit int) ([]eventRow, error)
	// eventsAt returns those of the numbers that are kept, in no order.
	eventsAt(ctx context.Context, loadBalancer string, seqs []int64) ([]eventRow, error)
	// eventsAfter returns those behind a place in the record as a whole, in its order,
	// that nothing will come to stand before; no checkpoints.
	eventsAfter(ctx context.Context, after lsapi.Position, limit int) ([]eventRow, error)
	// end returns the place of the last of them, start() for none.
	end(ctx context.Context) (lsapi.Position, error)
	// behind reports whether there are any, or will be soon.
	behind(ctx context.Context, after lsapi.Position) (behind, soon bool, err error)
	// dropped returns the last place of what has been dropped.
	dropped(ctx context.Context) (lsapi.Position, error)
	// observedFrom returns the observed events of at or later and behind a number.
	observedFrom(ctx context.Context, loadBalancer string, at time.Time, after int64, limit int) ([]eventRow, error)
	// checkpointUntil returns the number of the last checkpoint until at, and
	// checkpointFrom that of the first from at on; 0 for none.
	checkpointUntil(ctx context.Context, loadBalancer string, at time.Time) (int64, error)
	checkpointFrom(ctx context.Context, loadBalancer string, at time.Time) (int64, error)
	// nextLogged returns the first load balancer behind a name that has events,
	// empty for none.
	nextLogged(ctx context.Context, after string) (string, error)
	dropEvents(ctx context.Context, loadBalancer string, before int64) error

	// change returns nil for an id that is not recorded, or is none.
	change(ctx context.Context, id string) (*recorded, error)
	// changes returns those of the ids that are recorded, by id.
	changes(ctx context.Context, ids []string) (map[string]recorded, error)
	find(ctx context.Context, filter lsapi.ChangeFilter) ([]recorded, error)
	openChanges(ctx context.Context, loadBalancer string) ([]recorded, error)
	// changesAfter returns those with ids behind one, of a load balancer or, when
	// that is empty, of all; an empty id is before all.
	changesAfter(ctx context.Context, loadBalancer, id string, limit int) ([]recorded, error)
	// lastChanges returns, for each instance that has one, the last change that lsapi
	// made or began to make of it, in no order.
	lastChanges(ctx context.Context, loadBalancer string, instanceIDs []string) ([]recorded, error)
	// addChange leaves one alone that is there already, completeChange overwrites
	// all that a completion may tell anew.
	addChange(ctx context.Context, row *recorded) (isNew bool, err error)
	completeChange(ctx context.Context, row *recorded) error
	// dropChanges drops those that were completed before an event, and whose ids
	// are of a time before.
	dropChanges(ctx context.Context, loadBalancer string, seq int64, before time.Time) error
	// unfinished returns the load balancers with open changes, or with changes that
	// were applied so lately.
	unfinished(ctx context.Context, within time.Duration) ([]string, error)

	members(ctx context.Context, loadBalancer string) (members, error)
	countMembers(ctx context.Context) (int, error)
	populated(ctx context.Context) ([]string, error)
	putMember(ctx context.Context, loadBalancer, instanceID string, seq int64) error
	dropMember(ctx context.Context, loadBalancer, instanceID string) error

	// membersOf returns those of the instances that are members.
	membersOf(ctx context.Context, loadBalancer string, instanceIDs []string) (members, error)

	// health returns what is kept of all instances of a load balancer, healthOf that
	// of some.
	health(ctx context.Context, loadBalancer string) (healths, error)
	healthOf(ctx context.Context, loadBalancer string, instanceIDs []string) (healths, error)
	countHealth(ctx context.Context) (int, error)
	putHealth(ctx context.Context, loadBalancer string, row healthRow) error
	dropHealth(ctx context.Context, loadBalancer, instanceID string) error

	// key returns nil for one that nobody has.
	key(ctx context.Context, key lsapi.IdempotencyKey) (*lsapi.Reservation, error)
	putKey(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) error
	dropKey(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error
	dropKeys(ctx context.Context, until time.Time) (dropped int64, err error)
	// capKeys makes those of a later time be of this one.
	capKeys(ctx context.Context, now time.Time) error

	// clocks reads the record's clock, by which all processes stamp, and the same held to
	// the pace of this process, by which it measures ages: a jump forward makes nothing
	// old. Only for writing.
	clocks(ctx context.Context) (now, steady time.Time, err error)
	// labels reads the clock by which events are labelled. Only for writing.
	labels(ctx context.Context) (time.Time, error)

	// probe tries to write what a change writes, and keeps nothing of it but what
	// proves that the disk has room.
	probe(ctx context.Context) error
}

// members are the numbers of the events that made instances members, by id; 0 for
// one that was a member before the record.
type members map[string]int64

// logRow is what is true of a log as a whole.
type logRow struct {
	loadBalancer string
	first, last  int64 // the numbers of the oldest event that is kept, and the newest
	at           time.Time
	hash         hash
	known        bool
	lookedAt     time.Time // by the record's clock, as appliedAt
	appliedAt    time.Time // when its last applied change was recorded
	checkpoint   int64     // the number of the last one
	room         int64     // the events behind it until the next is due
	// Events up to restamped were recorded at restampedAt at the latest, whatever
	// they are stamped with by a clock that was set back since.
	restamped   int64
	restampedAt time.Time
	// clock is as it was when the row was read.
	clock clock
}

// restamp makes stamps that are still to come count as now, if the last of them is.
func (l *logRow) restamp(last time.Time) bool {
	if !last.After(l.clock.now) {
		return false
	}
	l.restamped, l.restampedAt = l.last, l.clock.now
	return true
}

// recordedAt is when an event of the log was recorded, by the record's clock.
func (l *logRow) recordedAt(row eventRow) time.Time {
	at := row.recordedAt
	if at.IsZero() {
		at = row.at // of an older version
	}
	if row.seq <= l.restamped {
		at = earliest(at, l.restampedAt)
	}
	return at
}

// eventRow is an event as it is stored. What it tells is in the payload; the
// columns beside that are for finding it.
type eventRow struct {
	loadBalancer string
	seq          int64
	at           time.Time
	kind         lsapi.EventKind
	changeID     string
	payload      []byte
	prev, hash   hash
	recordedAt   time.Time      // by the record's clock; zero in events of older versions
	place        lsapi.Position // zero when it was recorded before events had places
}

// recorded is a change with the numbers of the events that began and completed
// it; done is 0 while it is open.
type recorded struct {
	lsapi.Change
	begun, done int64
}

// engine is a database that holds a record.
type engine interface {
	// view runs reading queries on one state of the record.
	view(ctx context.Context, read func(tables) error) error
	// views gives n connections that all show the same state.
	views(ctx context.Context, n int, read func([]tables) error) error
	// update runs writing queries, all or none; what they wrote is durable when it
	// returns nil.
	update(ctx context.Context, write func(context.Context, tables) error) error
}

// record is what is the same whatever the engine.
type record struct {
	engine
	pruning *pruning
}
