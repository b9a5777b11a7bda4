package record

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// appender appends to one log, within a transaction.
type appender struct {
	tables Tables
	log    LogRow
}

// appendEvents appends to the log of a load balancer, and to what follows from it.
// It returns the number of the last event before, and the end of the log after. What
// the log tells already is passed over: whoever appended it may not have learned that
// it was kept.
func AppendEvents(ctx context.Context, t Tables, loadBalancer string, events []lsapi.Event) (before int64, head lsapi.Head, err error) {
	a, err := appendTo(ctx, t, loadBalancer)
	if err != nil {
		return 0, lsapi.Head{}, err
	}
	before = a.log.Last
	for _, event := range events {
		if err := a.append(ctx, event); err != nil {
			return 0, lsapi.Head{}, err
		}
	}
	return before, a.log.Head(), a.close(ctx)
}

// append appends an event unless the log tells it already.
func (a *appender) append(ctx context.Context, event lsapi.Event) error {
	until := event.Until
	event.Since, event.Until = a.log.Clock.label(event.Since), a.log.Clock.label(until)
	p, err := accept(a.log.LoadBalancer, event)
	if err != nil {
		return err
	}
	before, told, err := a.told(ctx, p)
	if err != nil || told {
		return err
	}
	if p.Kind == lsapi.EventIntended {
		if err := a.log.Clock.accepts(event.Change.ID); err != nil {
			return err
		}
	}
	if err := a.add(ctx, p, before); err != nil {
		return err
	}
	a.log.LookedAt = Latest(earliest(a.log.LookedAt, a.log.Clock.Now), a.log.Clock.toRecord(until))
	return nil
}

func appendTo(ctx context.Context, t Tables, loadBalancer string) (*appender, error) {
	log, err := t.Log(ctx, loadBalancer)
	log.LoadBalancer = loadBalancer
	if log.restamp(log.AppliedAt) {
		log.AppliedAt = log.Clock.Now
	}
	return &appender{tables: t, log: log}, err
}

// close keeps what has become true of the log.
func (a *appender) close(ctx context.Context) error { return a.tables.PutLog(ctx, a.log) }

// add appends an event, with a checkpoint before it when one is due. The change
// that it is about, if it is recorded, is as it was before.
func (a *appender) add(ctx context.Context, p *payload, before *ChangeRow) error {
	if p.At.IsZero() {
		p.At = Exact(a.log.Clock.Labels)
	}
	p.At = Latest(earliest(p.At, Exact(a.log.Clock.Labels)), a.log.At)
	switch {
	case p.Kind == lsapi.EventCheckpoint:
		return a.firstLook(ctx, p)
	case a.due(p.At):
		if err := a.checkpoint(ctx, p.At); err != nil {
			return err
		}
	}
	return a.write(ctx, p, before)
}

// due reports whether a checkpoint belongs before an event of that time.
func (a *appender) due(at time.Time) bool {
	if a.log.Last == 0 {
		return false
	}
	return midnight(at).After(midnight(a.log.At)) || a.log.Last-a.log.Checkpoint >= max(a.log.Room, minCheckpointRoom)
}

// checkpoint appends the membership, as far as it is known, and the open changes.
func (a *appender) checkpoint(ctx context.Context, at time.Time) error {
	p := &payload{LoadBalancer: a.log.LoadBalancer, At: Latest(at, a.log.At), Kind: lsapi.EventCheckpoint, Until: a.log.Clock.toLabel(a.log.LookedAt)}
	if a.log.Known {
		now, err := a.tables.Members(ctx, a.log.LoadBalancer)
		if err != nil {
			return err
		}
		p.Members = now
	}
	return a.restate(ctx, p)
}

// firstLook appends the checkpoint with which a membership begins to be recorded.
// A later one may only say what the record says.
func (a *appender) firstLook(ctx context.Context, p *payload) error {
	if !a.log.Known {
		for instance := range p.Members {
			if err := a.tables.PutMember(ctx, a.log.LoadBalancer, instance, 0); err != nil {
				return err
			}
		}
		return a.restate(ctx, p)
	}
	now, err := a.tables.Members(ctx, a.log.LoadBalancer)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(now, p.Members, func(int64, int64) bool { return true }) {
		return Contradiction("a checkpoint of load balancer %s is not what its events add up to", a.log.LoadBalancer)
	}
	p.Members = now
	return a.restate(ctx, p)
}

// restate writes a checkpoint, with the open changes and the health.
func (a *appender) restate(ctx context.Context, p *payload) error {
	open, err := a.tables.OpenChanges(ctx, a.log.LoadBalancer)
	if err != nil {
		return err
	}
	for _, c := range open {
		told := changePayloadOf(c.Change)
		told.Seq = c.Begun
		p.Open = append(p.Open, told)
	}
	kept, err := a.tables.Health(ctx, a.log.LoadBalancer)
	if err != nil {
		return err
	}
	p.state(kept)
	return a.write(ctx, p, nil)
}

// write appends an event that is complete but for its number.
func (a *appender) write(ctx context.Context, p *payload, before *ChangeRow) error {
	p.Seq = a.log.Last + 1
	if before != nil {
		p.Change.without(changePayloadOf(before.Change))
	}
	text, err := p.encode()
	if err != nil {
		return err
	}
	row := EventRow{
		LoadBalancer: p.LoadBalancer, Seq: p.Seq, At: p.At, Kind: p.Kind, ChangeID: p.changeID(),
		Payload: text, Prev: a.log.Hash, Hash: a.log.Hash.then(text), RecordedAt: a.log.Clock.Now,
	}
	if err := a.tables.AddEvent(ctx, row); err != nil {
		return err
	}
	does := effectsOf(p, before)
	a.log.follow(p, row.Hash)
	if does.apply() {
		a.log.AppliedAt = a.log.Clock.Now
	}
	return a.project(ctx, p, before, does)
}

// told reports whether the log tells already what the event does; and else what it
// has of the change that the event is about.
func (a *appender) told(ctx context.Context, p *payload) (before *ChangeRow, told bool, err error) {
	switch p.Kind {
	case lsapi.EventObserved:
		told, err = a.observed(ctx, p)
		return nil, told, err
	case lsapi.EventHealth:
		told, err = a.kept(ctx, p)
		return nil, told, err
	case lsapi.EventIntended, lsapi.EventCompleted, lsapi.EventResolved, lsapi.EventCheckpoint:
	}
	before, err = a.begun(ctx, p)
	if err != nil || before == nil {
		return nil, false, err
	}
	switch after := p.Change; {
	case p.Kind == lsapi.EventIntended && before.Outcome == "":
		return before, true, nil
	case before.Outcome == "":
		return before, false, nil
	case before.Outcome == after.Outcome && before.Code == after.Code && before.Resolution == after.Resolution:
		return before, true, nil
	}
	return nil, false, Contradiction("change %s is %s, but its outcome is %q already", p.Change.ID, p.Kind, before.Outcome)
}

// observed reports whether what the event has seen is the membership already.
func (a *appender) observed(ctx context.Context, p *payload) (bool, error) {
	if !a.log.Known {
		return false, nil
	}
	now, err := a.tables.Members(ctx, a.log.LoadBalancer)
	if err != nil {
		return false, err
	}
	for instance := range p.Added {
		if _, member := now[instance]; !member {
			return false, nil
		}
	}
	for instance := range p.Removed {
		if _, member := now[instance]; member {
			return false, nil
		}
	}
	return true, nil
}

// kept takes out of a health event what is recorded already, and reports whether
// that is all of it.
func (a *appender) kept(ctx context.Context, p *payload) (bool, error) {
	instances := slices.Clone(p.Drained)
	for _, h := range p.Health {
		instances = append(instances, h.InstanceID)
	}
	kept, err := a.tables.HealthOf(ctx, a.log.LoadBalancer, instances)
	if err != nil {
		return false, err
	}
	p.Health = slices.DeleteFunc(p.Health, func(h HealthPayload) bool { return kept[h.InstanceID].MemberHealth == h.MemberHealth() })
	p.Drained = slices.DeleteFunc(p.Drained, func(instance string) bool {
		_, speaks := kept[instance]
		return !speaks
	})
	return len(p.Health)+len(p.Drained) == 0, nil
}

// begun returns the change that the event is about, if it is recorded. It is nil
// for an event that begins one, and for one that is about no single change.
func (a *appender) begun(ctx context.Context, p *payload) (*ChangeRow, error) {
	if p.Change == nil {
		return nil, nil
	}
	before, err := a.tables.Change(ctx, p.Change.ID)
	if err != nil || before == nil {
		return nil, err
	}
	if before.LoadBalancer != p.LoadBalancer || before.InstanceID != p.Change.InstanceID || before.Action != p.Change.Action {
		return nil, Contradiction("change %s was intended to do something else", p.Change.ID)
	}
	return before, nil
}

// project keeps what the event does to the changes, the health and the members.
func (a *appender) project(ctx context.Context, p *payload, before *ChangeRow, does effects) error {
	for i := range does.changes {
		if err := a.projectChange(ctx, &does.changes[i], before); err != nil {
			return err
		}
	}
	if err := a.projectHealth(ctx, does); err != nil {
		return err
	}
	if !a.log.Known {
		return nil
	}
	for _, instance := range does.joined {
		if err := a.tables.PutMember(ctx, p.LoadBalancer, instance, p.Seq); err != nil {
			return err
		}
	}
	for _, instance := range does.left {
		if err := a.tables.DropMember(ctx, p.LoadBalancer, instance); err != nil {
			return err
		}
	}
	return nil
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

func (a *appender) projectHealth(ctx context.Context, does effects) error {
	for _, row := range does.told {
		if err := a.tables.PutHealth(ctx, a.log.LoadBalancer, row); err != nil {
			return err
		}
	}
	for _, instance := range does.drained {
		if err := a.tables.DropHealth(ctx, a.log.LoadBalancer, instance); err != nil {
			return err
		}
	}
	return nil
}

// follow makes the row true of the log with one more event.
func (l *LogRow) follow(p *payload, sum Hash) {
	if l.Last == 0 {
		l.First = p.Seq
	}
	l.Last, l.At, l.Hash = p.Seq, p.At, sum
	if p.Kind == lsapi.EventCheckpoint {
		l.Known = p.Members != nil
		l.Checkpoint, l.Room = p.Seq, int64(len(p.Members))
	}
}

// head is the end of the log.
func (l *LogRow) Head() lsapi.Head {
	return lsapi.Head{LoadBalancer: l.LoadBalancer, Seq: l.Last, Hash: l.Hash.String()}
}

func Latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
