package record

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

type appender struct {
	tables Tables
	log    LogRow
}

// AppendEvents appends to a pool's log and updates the projections. It returns
// the number of the last event before and the end of the log after. Events that are
// recorded already are skipped: their author may not know.
func AppendEvents(ctx context.Context, t Tables, pool lsapi.PoolID, events []lsapi.Event) (before int64, end lsapi.ChainEnd, err error) {
	a, err := appendTo(ctx, t, pool)
	if err != nil {
		return 0, lsapi.ChainEnd{}, err
	}
	before = a.log.Last
	for _, event := range events {
		if err := a.append(ctx, event); err != nil {
			return 0, lsapi.ChainEnd{}, err
		}
	}
	return before, a.log.ChainEnd(), a.close(ctx)
}

func appendTo(ctx context.Context, t Tables, pool lsapi.PoolID) (*appender, error) {
	log, err := t.Log(ctx, pool)
	log.Pool = pool
	if log.restamp(log.AppliedAt) {
		log.AppliedAt = log.Clock.Now
	}
	return &appender{tables: t, log: log}, err
}

func (a *appender) close(ctx context.Context) error { return a.tables.PutLog(ctx, a.log) }

// append appends an event unless it is recorded, after a checkpoint if one is due.
func (a *appender) append(ctx context.Context, event lsapi.Event) error {
	clock, until := a.log.Clock, event.Until
	event.Since, event.Until = clock.label(event.Since), clock.label(until)
	p, err := accept(a.log.Pool, event)
	if err != nil {
		return err
	}
	before, recorded, err := a.recorded(ctx, p)
	if err != nil || recorded {
		return err
	}
	if p.Kind == lsapi.EventIntended {
		if err := clock.accepts(event.Change.ID); err != nil {
			return err
		}
	}
	now := Exact(clock.Labels)
	if p.At.IsZero() {
		p.At = now
	}
	p.At = Latest(earliest(p.At, now), a.log.At)
	if err := a.markReplacement(ctx, p); err != nil {
		return err
	}
	if p.Kind == lsapi.EventCheckpoint {
		err = a.firstLook(ctx, p)
	} else {
		if a.checkpointDue(p.At) {
			err = a.checkpoint(ctx, p.At)
		}
		if err == nil {
			err = a.write(ctx, p, before)
		}
	}
	a.log.LookedAt = Latest(earliest(a.log.LookedAt, clock.Now), clock.toRecord(until))
	return err
}

// markReplacement marks an event of another incarnation than the log's. The members of the one
// before must be gone.
func (a *appender) markReplacement(ctx context.Context, p *payload) error {
	if p.Replaces = a.log.isReplacedBy(p.Incarnation); !p.Replaces {
		return nil
	}
	members, err := a.tables.Members(ctx, a.log.Pool, nil)
	if err == nil && len(members) > 0 {
		err = Contradiction("pool %s was replaced, but the one before still has members on record", a.log.Pool)
	}
	return err
}

func (a *appender) checkpointDue(at time.Time) bool {
	return a.log.Last > 0 && (midnight(at).After(midnight(a.log.At)) || a.log.Last-a.log.Checkpoint >= max(a.log.Room, minCheckpointRoom))
}

// checkpoint appends the membership, if it is known, the open changes and the health.
func (a *appender) checkpoint(ctx context.Context, at time.Time) (err error) {
	p := &payload{Pool: a.log.Pool, At: Latest(at, a.log.At), Kind: lsapi.EventCheckpoint, Until: a.log.Clock.toLabel(a.log.LookedAt)}
	if a.log.Known {
		if p.Members, err = a.tables.Members(ctx, a.log.Pool, nil); err != nil {
			return err
		}
	}
	return a.restate(ctx, p)
}

// firstLook appends the checkpoint that begins the record of a membership. A later one
// must agree with the record.
func (a *appender) firstLook(ctx context.Context, p *payload) error {
	if !a.log.Known {
		for member := range p.Members {
			if err := a.tables.PutMember(ctx, a.log.Pool, member, 0); err != nil {
				return err
			}
		}
		return a.restate(ctx, p)
	}
	members, err := a.tables.Members(ctx, a.log.Pool, nil)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(members, p.Members, func(int64, int64) bool { return true }) {
		return Contradiction("a checkpoint of pool %s is not what its events add up to", a.log.Pool)
	}
	p.Members = members
	return a.restate(ctx, p)
}

// restate writes a checkpoint with the open changes and the health.
func (a *appender) restate(ctx context.Context, p *payload) error {
	fill(&p.Incarnation, a.log.Incarnation)
	open, err := a.tables.OpenChanges(ctx, a.log.Pool)
	if err != nil {
		return err
	}
	for _, c := range open {
		change := newChangePayload(c.Change)
		change.Seq = c.Begun
		p.Open = append(p.Open, change)
	}
	healths := make(Healths)
	if !p.Replaces {
		if healths, err = a.tables.Health(ctx, a.log.Pool, nil); err != nil {
			return err
		}
	}
	p.setHealths(healths)
	return a.write(ctx, p, nil)
}

// write numbers, hashes and writes an event, and updates the projections. before is the
// event's change so far, nil for a new one.
func (a *appender) write(ctx context.Context, p *payload, before *ChangeRow) error {
	p.Seq = a.log.Last + 1
	if before != nil {
		p.Change.without(newChangePayload(before.Change))
	}
	text, err := p.encode()
	if err != nil {
		return err
	}
	row := EventRow{
		Pool: p.Pool, Seq: p.Seq, At: p.At, Kind: p.Kind, ChangeID: p.changeID(),
		Payload: text, Prev: a.log.Hash, Hash: a.log.Hash.then(text), RecordedAt: a.log.Clock.Now,
	}
	if err := a.tables.AddEvent(ctx, row); err != nil {
		return err
	}
	e := effectsOf(p, before)
	a.log.follow(p, row.Hash)
	if e.applies() {
		a.log.AppliedAt = a.log.Clock.Now
	}
	return a.project(ctx, p.Seq, before, e)
}

// recorded reports whether the log has an event already, and returns its change so far.
func (a *appender) recorded(ctx context.Context, p *payload) (before *ChangeRow, recorded bool, err error) {
	switch p.Kind {
	case lsapi.EventObserved:
		recorded, err = a.observed(ctx, p)
		return nil, recorded, err
	case lsapi.EventHealth:
		recorded, err = a.healthKnown(ctx, p)
		return nil, recorded, err
	case lsapi.EventIntended, lsapi.EventCompleted, lsapi.EventResolved, lsapi.EventCheckpoint:
	}
	if p.Change == nil {
		return nil, false, nil
	}
	before, err = a.tables.Change(ctx, p.Change.ID)
	if err != nil || before == nil {
		return nil, false, err
	}
	switch after := p.Change; {
	case before.Pool != p.Pool || before.Member != after.Member || before.Action != after.Action:
		return nil, false, Contradiction("change %s was intended to do something else", after.ID)
	case before.Outcome == "":
		return before, p.Kind == lsapi.EventIntended, nil
	case before.Outcome == after.Outcome && before.Code == after.Code && before.Resolution == after.Resolution:
		return before, true, nil
	}
	return nil, false, Contradiction("change %s is %s, but its outcome is %q already", p.Change.ID, p.Kind, before.Outcome)
}

// observed reports whether the recorded membership has all that the event observed. Once
// another incarnation is on record, the one before has no members.
func (a *appender) observed(ctx context.Context, p *payload) (bool, error) {
	switch {
	case !a.log.Known:
		return false, nil
	case a.log.isReplacedBy(p.Incarnation):
		return len(p.Added) == 0, nil
	}
	members, err := a.tables.Members(ctx, a.log.Pool, nil)
	if err != nil {
		return false, err
	}
	for member := range p.Added {
		if _, member := members[member]; !member {
			return false, nil
		}
	}
	for member := range p.Removed {
		if _, member := members[member]; member {
			return false, nil
		}
	}
	return true, nil
}

// healthKnown removes recorded health from a health event, and reports whether nothing
// is left.
func (a *appender) healthKnown(ctx context.Context, p *payload) (bool, error) {
	members := slices.Clone(p.Drained)
	for _, h := range p.Health {
		members = append(members, h.Member)
	}
	known, err := a.tables.Health(ctx, a.log.Pool, members)
	if err != nil {
		return false, err
	}
	p.Health = slices.DeleteFunc(p.Health, func(h HealthPayload) bool { return known[h.Member].MemberHealth == h.MemberHealth() })
	p.Drained = slices.DeleteFunc(p.Drained, func(member lsapi.MemberID) bool {
		_, has := known[member]
		return !has
	})
	return len(p.Health)+len(p.Drained) == 0, nil
}

func (a *appender) project(ctx context.Context, seq int64, before *ChangeRow, e effects) error {
	for i := range e.changes {
		if err := a.projectChange(ctx, &e.changes[i], before); err != nil {
			return err
		}
	}
	if e.replaces {
		if err := a.dropReplaced(ctx, seq); err != nil {
			return err
		}
	}
	if err := a.projectDetached(ctx, seq, e); err != nil {
		return err
	}
	for _, row := range e.healths {
		if err := a.tables.PutHealth(ctx, a.log.Pool, row); err != nil {
			return err
		}
	}
	for _, member := range e.drained {
		if err := a.tables.DropHealth(ctx, a.log.Pool, member); err != nil {
			return err
		}
	}
	if !a.log.Known {
		return nil
	}
	for _, member := range e.joined {
		if err := a.tables.PutMember(ctx, a.log.Pool, member, seq); err != nil {
			return err
		}
	}
	for _, member := range e.left {
		if err := a.tables.DropMember(ctx, a.log.Pool, member); err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) projectDetached(ctx context.Context, seq int64, e effects) error {
	for _, member := range e.detached {
		if err := a.tables.PutDetached(ctx, a.log.Pool, member, DetachedRow{Seq: seq, RecordedAt: a.log.Clock.Now}); err != nil {
			return err
		}
	}
	for _, member := range e.removed {
		if err := a.tables.DropDetached(ctx, a.log.Pool, member); err != nil {
			return err
		}
	}
	return nil
}

// dropReplaced drops the health and the detached members of the pool that an event replaced.
func (a *appender) dropReplaced(ctx context.Context, seq int64) error {
	healths, err := a.tables.Health(ctx, a.log.Pool, nil)
	if err != nil {
		return err
	}
	for member := range healths {
		if err := a.tables.DropHealth(ctx, a.log.Pool, member); err != nil {
			return err
		}
	}
	return a.tables.DropDetachedBefore(ctx, a.log.Pool, seq)
}

func (a *appender) projectChange(ctx context.Context, c, before *ChangeRow) error {
	if before != nil {
		return a.tables.CompleteChange(ctx, c)
	}
	isNew, err := a.tables.AddChange(ctx, c)
	if err == nil && !isNew {
		return Contradiction("change %s has been recorded before", c.ID)
	}
	return err
}

func (l *LogRow) follow(p *payload, sum Hash) {
	if l.Last == 0 {
		l.First = p.Seq
	}
	l.Last, l.At, l.Hash = p.Seq, p.At, sum
	if p.Incarnation != "" {
		l.Incarnation = p.Incarnation
	}
	if p.Replaces {
		l.Replaced = p.Seq
	}
	if p.Kind == lsapi.EventCheckpoint {
		l.Known = p.Members != nil
		l.Checkpoint, l.Room = p.Seq, int64(len(p.Members)+len(p.Open))
	}
}
