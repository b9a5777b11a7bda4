package record

import (
	"maps"
	"slices"

	"lsapi"
)

// effects are what an event does to the projections.
type effects struct {
	// changes are the new rows of the changes that it is about.
	changes []ChangeRow
	// joined and left are the instances that became members, or stopped to be.
	joined, left []string
	// told is the health of instances, and drained are those of which nothing is kept
	// any more.
	told    []HealthRow
	drained []string
}

// instances are those whose membership has changed.
func (e effects) instances() []string { return slices.Concat(e.joined, e.left) }

// apply reports whether lsapi has changed a membership.
func (e effects) apply() bool {
	for _, c := range e.changes {
		if c.Outcome == lsapi.OutcomeApplied && c.Source == lsapi.SourceLSAPI {
			return true
		}
	}
	return false
}

// effectsOf is the one place that says what events mean. before is the open change
// that the event is about, nil when it begins one.
func effectsOf(p *payload, before *ChangeRow) effects {
	switch p.Kind {
	case lsapi.EventIntended:
		return effects{changes: []ChangeRow{p.begin(*p.Change)}}
	case lsapi.EventCompleted, lsapi.EventResolved:
		return p.completion(before)
	case lsapi.EventObserved:
		return p.observation()
	case lsapi.EventHealth:
		return p.condition()
	case lsapi.EventCheckpoint:
	}
	return effects{}
}

func (p *payload) begin(c changePayload) ChangeRow {
	return ChangeRow{Change: p.change(c), Begun: p.Seq}
}

func (p *payload) completion(before *ChangeRow) effects {
	told, begun := *p.Change, p.Seq
	if before != nil {
		told.with(changePayloadOf(before.Change))
		begun = before.Begun
	}
	done := ChangeRow{Change: p.change(told), Begun: begun, Done: p.Seq}
	done.CompletedAt = p.At
	e := effects{changes: []ChangeRow{done}}
	switch {
	case done.Outcome != lsapi.OutcomeApplied:
	case done.Action == lsapi.Attach:
		e.joined = []string{done.InstanceID}
	case done.Action == lsapi.Detach:
		e.left = []string{done.InstanceID}
	}
	return e
}

func (p *payload) observation() effects {
	e := effects{joined: slices.Sorted(maps.Keys(p.Added)), left: slices.Sorted(maps.Keys(p.Removed))}
	for _, instance := range e.joined {
		e.changes = append(e.changes, p.external(lsapi.Attach, instance, p.Added[instance]))
	}
	for _, instance := range e.left {
		e.changes = append(e.changes, p.external(lsapi.Detach, instance, p.Removed[instance]))
	}
	return e
}

func (p *payload) condition() effects {
	e := effects{drained: p.Drained}
	for _, h := range p.Health {
		e.told = append(e.told, HealthRow{MemberHealth: h.MemberHealth(), Seq: p.Seq, Since: p.At})
	}
	return e
}

// external is a change that somebody made past lsapi.
func (p *payload) external(action lsapi.Action, instance, id string) ChangeRow {
	c := p.change(changePayload{ID: id, Action: action, InstanceID: instance, Outcome: lsapi.OutcomeApplied, Resolution: lsapi.ResolutionObserved})
	c.Source, c.NotBefore, c.CompletedAt = lsapi.SourceExternal, p.Since, p.At
	return ChangeRow{Change: c, Begun: p.Seq, Done: p.Seq}
}

// change is what c tells of a change of the event's load balancer.
func (p *payload) change(c changePayload) lsapi.Change {
	id, _ := ParseID(c.ID) // whatever was appended has one, and verifying looks
	return lsapi.Change{
		ID: c.ID, Actor: c.Actor, Action: c.Action, LoadBalancer: p.LoadBalancer, InstanceID: c.InstanceID,
		Reason: c.Reason, RequestID: c.RequestID, Source: lsapi.SourceLSAPI, IntendedAt: IntendedAt(id),
		Deadline: c.Deadline, Outcome: c.Outcome, Code: c.Code, Resolution: c.Resolution, AWSRequestID: c.AWSRequestID,
		MembersBefore: c.MembersBefore, MembersAfter: c.MembersAfter,
		Instance: lsapi.Instance{ID: c.InstanceID, Type: c.InstanceType, LaunchTime: c.LaunchTime, State: c.State},
	}
}

// open are the changes that a checkpoint tells to be open.
func (p *payload) open() map[string]ChangeRow {
	open := make(map[string]ChangeRow, len(p.Open))
	for _, c := range p.Open {
		open[c.ID] = ChangeRow{Change: p.change(c), Begun: c.Seq}
	}
	return open
}
