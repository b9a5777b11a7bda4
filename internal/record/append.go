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
	tables tables
	log    logRow
}

// appendEvents appends to the log of a load balancer, and to what follows from it.
// It returns the number of the last event before, and the end of the log after. What
// the log tells already is passed over: whoever appended it may not have learned that
// it was kept.
func appendEvents(ctx context.Context, t tables, loadBalancer string, events []lsapi.Event) (before int64, head lsapi.Head, err error) {
	a, err := appendTo(ctx, t, loadBalancer)
	if err != nil {
		return 0, lsapi.Head{}, err
	}
	before = a.log.last
	for _, event := range events {
		if err := a.append(ctx, event); err != nil {
			return 0, lsapi.Head{}, err
		}
	}
	return before, a.log.head(), a.close(ctx)
}

// append appends an event unless the log tells it already.
func (a *appender) append(ctx context.Context, event lsapi.Event) error {
	until := event.Until
	event.Since, event.Until = a.log.clock.label(event.Since), a.log.clock.label(until)
	p, err := accept(a.log.loadBalancer, event)
	if err != nil {
		return err
	}
	before, told, err := a.told(ctx, p)
	if err != nil || told {
		return err
	}
	if p.Kind == lsapi.EventIntended {
		if err := a.log.clock.accepts(event.Change.ID); err != nil {
			return err
		}
	}
	if err := a.add(ctx, p, before); err != nil {
		return err
	}
	a.log.lookedAt = latest(earliest(a.log.lookedAt, a.log.clock.now), a.log.clock.toRecord(until))
	return nil
}

func appendTo(ctx context.Context, t tables, loadBalancer string) (*appender, error) {
	log, err := t.log(ctx, loadBalancer)
	log.loadBalancer = loadBalancer
	if log.restamp(log.appliedAt) {
		log.appliedAt = log.clock.now
	}
	return &appender{tables: t, log: log}, err
}

// close keeps what has become true of the log.
func (a *appender) close(ctx context.Context) error { return a.tables.putLog(ctx, a.log) }

// add appends an event, with a checkpoint before it when one is due. The change
// that it is about, if it is recorded, is as it was before.
func (a *appender) add(ctx context.Context, p *payload, before *recorded) error {
	if p.At.IsZero() {
		p.At = exact(a.log.clock.labels)
	}
	p.At = latest(earliest(p.At, exact(a.log.clock.labels)), a.log.at)
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
	if a.log.last == 0 {
		return false
	}
	return midnight(at).After(midnight(a.log.at)) || a.log.last-a.log.checkpoint >= max(a.log.room, minCheckpointRoom)
}

// checkpoint appends the membership, as far as it is known, and the open changes.
func (a *appender) checkpoint(ctx context.Context, at time.Time) error {
	p := &payload{LoadBalancer: a.log.loadBalancer, At: latest(at, a.log.at), Kind: lsapi.EventCheckpoint, Until: a.log.clock.toLabel(a.log.lookedAt)}
	if a.log.known {
		now, err := a.tables.members(ctx, a.log.loadBalancer)
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
	if !a.log.known {
		for instance := range p.Members {
			if err := a.tables.putMember(ctx, a.log.loadBalancer, instance, 0); err != nil {
				return err
			}
		}
		return a.restate(ctx, p)
	}
	now, err := a.tables.members(ctx, a.log.loadBalancer)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(now, p.Members, func(int64, int64) bool { return true }) {
		return errContradicts("a checkpoint of load balancer %s is not what its events add up to", a.log.loadBalancer)
	}
	p.Members = now
	return a.restate(ctx, p)
}

// restate writes a checkpoint, with the open changes and the health.
func (a *appender) restate(ctx context.Context, p *payload) error {
	open, err := a.tables.openChanges(ctx, a.log.loadBalancer)
	if err != nil {
		return err
	}
	for _, c := range open {
		told := changePayloadOf(c.Change)
		told.Seq = c.begun
		p.Open = append(p.Open, told)
	}
	kept, err := a.tables.health(ctx, a.log.loadBalancer)
	if err != nil {
		return err
	}
	p.state(kept)
	return a.write(ctx, p, nil)
}

// write appends an event that is complete but for its number.
func (a *appender) write(ctx context.Context, p *payload, before *recorded) error {
	p.Seq = a.log.last + 1
	if before != nil {
		p.Change.without(changePayloadOf(before.Change))
	}
	text, err := p.encode()
	if err != nil {
		return err
	}
	row := eventRow{
		loadBalancer: p.LoadBalancer, seq: p.Seq, at: p.At, kind: p.Kind, changeID: p.changeID(),
		payload: text, prev: a.log.hash, hash: a.log.hash.then(text), recordedAt: a.log.clock.now,
	}
	if err := a.tables.addEvent(ctx, row); err != nil {
		return err
	}
	does := effectsOf(p, before)
	a.log.follow(p, row.hash)
	if does.apply() {
		a.log.appliedAt = a.log.clock.now
	}
	return a.project(ctx, p, before, does)
}

// told reports whether the log tells already what the event does; and else what it
// has of the change that the event is about.
func (a *appender) told(ctx context.Context, p *payload) (before *recorded, told bool, err error) {
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
	return nil, false, errContradicts("change %s is %s, but its outcome is %q already", p.Change.ID, p.Kind, before.Outcome)
}

// observed reports whether what the event has seen is the membership already.
func (a *appender) observed(ctx context.Context, p *payload) (bool, error) {
	if !a.log.known {
		return false, nil
	}
	now, err := a.tables.members(ctx, a.log.loadBalancer)
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
	kept, err := a.tables.healthOf(ctx, a.log.loadBalancer, instances)
	if err != nil {
		return false, err
	}
	p.Health = slices.DeleteFunc(p.Health, func(h healthPayload) bool { return kept[h.InstanceID].MemberHealth == h.health() })
	p.Drained = slices.DeleteFunc(p.Drained, func(instance string) bool {
		_, speaks := kept[instance]
		return !speaks
	})
	return len(p.Health)+len(p.Drained) == 0, nil
}

// begun returns the change that the event is about, if it is recorded. It is nil
// for an event that begins one, and for one that is about no single change.
func (a *appender) begun(ctx context.Context, p *payload) (*recorded, error) {
	if p.Change == nil {
		return nil, nil
	}
	before, err := a.tables.change(ctx, p.Change.ID)
	if err != nil || before == nil {
		return nil, err
	}
	if before.LoadBalancer != p.LoadBalancer || before.InstanceID != p.Change.InstanceID || before.Action != p.Change.Action {
		return nil, errContradicts("change %s was intended to do something else", p.Change.ID)
	}
	return before, nil
}

// project keeps what the event does to the changes, the health and the members.
func (a *appender) project(ctx context.Context, p *payload, before *recorded, does effects) error {
	for i := range does.changes {
		if err := a.projectChange(ctx, &does.changes[i], before); err != nil {
			return err
		}
	}
	if err := a.projectHealth(ctx, does); err != nil {
		return err
	}
	if !a.log.known {
		return nil
	}
	for _, instance := range does.joined {
		if err := a.tables.putMember(ctx, p.LoadBalancer, instance, p.Seq); err != nil {
			return err
		}
	}
	for _, instance := range does.left {
		if err := a.tables.dropMember(ctx, p.LoadBalancer, instance); err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) projectChange(ctx context.Context, c, before *recorded) error {
	if before != nil {
		return a.tables.completeChange(ctx, c)
	}
	isNew, err := a.tables.addChange(ctx, c)
	if err == nil && !isNew {
		return errContradicts("change %s has been recorded before", c.ID)
	}
	return err
}

func (a *appender) projectHealth(ctx context.Context, does effects) error {
	for _, row := range does.told {
		if err := a.tables.putHealth(ctx, a.log.loadBalancer, row); err != nil {
			return err
		}
	}
	for _, instance := range does.drained {
		if err := a.tables.dropHealth(ctx, a.log.loadBalancer, instance); err != nil {
			return err
		}
	}
	return nil
}

// follow makes the row true of the log with one more event.
func (l *logRow) follow(p *payload, sum hash) {
	if l.last == 0 {
		l.first = p.Seq
	}
	l.last, l.at, l.hash = p.Seq, p.At, sum
	if p.Kind == lsapi.EventCheckpoint {
		l.known = p.Members != nil
		l.checkpoint, l.room = p.Seq, int64(len(p.Members))
	}
}

// head is the end of the log.
func (l *logRow) head() lsapi.Head {
	return lsapi.Head{LoadBalancer: l.loadBalancer, Seq: l.last, Hash: l.hash.String()}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
