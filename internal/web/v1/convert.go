package v1

import (
	"encoding/json"
	"io"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/events"
	"lsapi/internal/web/exchange"
)

// converted returns the converted elements of a list. It is never nil, so an empty list
// is [] in JSON.
func converted[T, U any](list []T, convert func(*T) U) []U {
	all := make([]U, len(list))
	for i := range list {
		all[i] = convert(&list[i])
	}
	return all
}

// instant converts a time.
func instant(t time.Time) apiv1.Time { return apiv1.Time{Time: t} }

// seconds converts a duration of AWS, which are whole seconds.
func seconds(d time.Duration) int { return int(d / time.Second) }

func newChange(c *lsapi.Change) apiv1.Change {
	outcome := c.Outcome
	if outcome == "" {
		outcome = lsapi.OutcomeOpen
	}
	return apiv1.Change{
		ID:            c.ID,
		Actor:         c.Actor,
		Action:        string(c.Action),
		Pool:          c.Pool.Path(),
		Member:        c.Member.String(),
		Reason:        c.Reason,
		RequestID:     c.RequestID,
		Source:        string(c.Source),
		IntendedAt:    instant(c.IntendedAt),
		NotBefore:     instant(c.NotBefore),
		Outcome:       string(outcome),
		Code:          c.Code,
		Resolution:    string(c.Resolution),
		CompletedAt:   instant(c.CompletedAt),
		AWSRequestID:  c.AWSRequestID,
		MembersBefore: c.MembersBefore,
		MembersAfter:  c.MembersAfter,
	}
}

func newMembershipAt(m *lsapi.MembershipAt) apiv1.MembershipAt {
	return apiv1.MembershipAt{
		Pool: m.Pool.Path(),
		At:   instant(m.At),
		Members: converted(m.Members, func(m *lsapi.RecordedMember) apiv1.RecordedMember {
			return apiv1.RecordedMember{Member: m.Member.String(), Since: instant(m.Since), ChangeID: m.ChangeID, Source: string(m.Source)}
		}),
		Uncertain: converted(m.Uncertain, newChange),
	}
}

func newPool(s *lsapi.PoolSummary) apiv1.Pool {
	id := s.ID
	p := apiv1.Pool{
		Pool:        id.Path(),
		Kind:        string(id.Kind),
		Name:        id.Name,
		Scope:       id.Scope,
		Tags:        s.Tags,
		MemberCount: s.MemberCount,
		AsOf:        instant(s.AsOf),
	}
	if s.Health != nil {
		counts := apiv1.HealthCounts(*s.Health)
		p.Health = &counts
		p.HealthAsOf = instant(s.HealthAsOf)
	}
	if d := s.Description; d != nil {
		p.DNSName, p.Scheme, p.VPCID, p.Zones, p.CreatedAt = d.DNSName, d.Scheme, d.VPCID, d.Zones, instant(d.CreatedAt)
		for _, l := range d.Listeners {
			p.Listeners = append(p.Listeners, apiv1.Listener(l))
		}
	}
	return p
}

func newPoolDetail(d *lsapi.PoolDetail) apiv1.PoolDetail {
	p := apiv1.PoolDetail{
		Pool:              newPool(&d.PoolSummary),
		MembershipVersion: membershipVersion(d.Members),
		Members:           converted(d.Members, newMember),
	}
	if a := d.Attributes; a != nil {
		p.Attributes = &apiv1.Attributes{
			Draining:               a.Draining,
			DrainingTimeoutSeconds: seconds(a.DrainingTimeout),
			CrossZone:              a.CrossZone,
			IdleTimeoutSeconds:     seconds(a.IdleTimeout),
		}
	}
	if d.Description != nil {
		c := d.Description.HealthCheck
		p.HealthCheck = &apiv1.HealthCheck{
			Target:             c.Target,
			IntervalSeconds:    seconds(c.Interval),
			TimeoutSeconds:     seconds(c.Timeout),
			UnhealthyThreshold: c.UnhealthyThreshold,
			HealthyThreshold:   c.HealthyThreshold,
		}
	}
	return p
}

// membershipVersion returns the version of the attached ones of the members.
func membershipVersion(all []lsapi.MemberDetail) string {
	var attached []lsapi.MemberID
	for _, m := range all {
		if m.Member {
			attached = append(attached, m.ID)
		}
	}
	return lsapi.MembershipVersion(attached)
}

func newMember(d *lsapi.MemberDetail) apiv1.Member {
	return apiv1.Member{
		Member:            d.ID.String(),
		InstanceID:        d.ID.Instance,
		Attached:          d.Member,
		Draining:          d.Health != nil && d.Health.Draining,
		InstanceType:      d.Instance.Type,
		LaunchDate:        instant(d.Instance.LaunchTime),
		Zone:              d.Instance.Zone,
		PrivateAddress:    d.Instance.PrivateAddress,
		Name:              d.Instance.Name,
		State:             string(d.Instance.State),
		Health:            newHealth(d.Health, &d.History),
		Since:             instant(d.History.Since),
		LastChange:        newLastChange(d.History.LastChange),
		RecordUnavailable: d.History.Unavailable,
	}
}

func newInstance(d *lsapi.InstanceDetail) apiv1.Instance {
	return apiv1.Instance{
		InstanceID:     d.ID,
		InstanceType:   d.Type,
		LaunchDate:     instant(d.LaunchTime),
		Zone:           d.Zone,
		PrivateAddress: d.PrivateAddress,
		Name:           d.Name,
		State:          string(d.State),
		Complete:       d.Whole,
		Unread:         converted(d.Unread, func(p *lsapi.PoolID) string { return p.Path() }),
		Memberships:    converted(d.Memberships, newInstanceMembership),
	}
}

func newInstanceMembership(d *lsapi.InstanceMembership) apiv1.InstanceMembership {
	m := newMember(&d.MemberDetail)
	return apiv1.InstanceMembership{
		Pool:              d.Pool.Path(),
		Member:            m.Member,
		Attached:          m.Attached,
		Draining:          m.Draining,
		Health:            m.Health,
		HealthAsOf:        instant(d.HealthAsOf),
		AsOf:              instant(d.AsOf),
		Since:             m.Since,
		LastChange:        m.LastChange,
		RecordUnavailable: m.RecordUnavailable,
	}
}

// newHealth returns the observed health, and its time if the record has the same health.
func newHealth(observed *lsapi.MemberHealth, history *lsapi.MemberHistory) *apiv1.Health {
	if observed == nil {
		return nil
	}
	health := healthNow(observed)
	if history.Health != nil && *history.Health == *observed {
		health.Since = instant(history.HealthSince)
	}
	return health
}

// healthNow returns the observed health. AWS's words for Classic load balancers are those
// of all pools.
func healthNow(h *lsapi.MemberHealth) *apiv1.Health {
	return &apiv1.Health{State: string(h.State), AWSState: string(h.State), Reason: h.Reason, Description: h.Description}
}

func newLastChange(c *lsapi.Change) *apiv1.LastChange {
	if c == nil {
		return nil
	}
	change := newChange(c)
	return &apiv1.LastChange{
		ID:          change.ID,
		Action:      change.Action,
		Actor:       change.Actor,
		Reason:      change.Reason,
		Outcome:     change.Outcome,
		IntendedAt:  change.IntendedAt,
		CompletedAt: change.CompletedAt,
	}
}

// EncodeEvent returns the server-sent events of a recorded event, without their ids.
func EncodeEvent(e *lsapi.RecordedEvent) []events.Message {
	return converted(newEvents(e), encodeEvent)
}

func encodeEvent(e *apiv1.Event) events.Message {
	data, _ := json.Marshal(e)                 // strings, numbers and times always encode
	member, _ := lsapi.ParseMemberID(e.Member) // none, of the event dropped
	return events.Message{Member: member, Body: []byte("event: " + e.Type + "\ndata: " + string(data) + "\n")}
}

// newEvents returns an event for each applied change, external change, health change and
// drained member of a recorded event.
func newEvents(e *lsapi.RecordedEvent) (all []apiv1.Event) {
	about := func(kind string, member lsapi.MemberID) apiv1.Event {
		return apiv1.Event{Type: kind, At: instant(e.Event.At), Pool: e.Pool.Path(), Member: member.String()}
	}
	changed := func(kind string, c *lsapi.Change) apiv1.Event {
		change, event := newChange(c), about(kind, c.Member)
		event.Change = &change
		return event
	}
	switch e.Event.Kind {
	case lsapi.EventCompleted, lsapi.EventResolved:
		c := &e.Event.Change
		kind := apiv1.EventAttached
		if c.Action == lsapi.Detach {
			kind = apiv1.EventDetached
		}
		if c.Outcome == lsapi.OutcomeApplied {
			all = append(all, changed(kind, c))
		}
	case lsapi.EventObserved:
		for i := range e.External {
			all = append(all, changed(apiv1.EventDrift, &e.External[i]))
		}
	case lsapi.EventHealth:
		for _, h := range e.Event.Health {
			event := about(apiv1.EventHealth, h.Member)
			event.Health = healthNow(&h)
			event.Draining = h.Draining
			all = append(all, event)
		}
		for _, id := range e.Event.Drained {
			all = append(all, about(apiv1.EventDrained, id))
		}
	case lsapi.EventIntended, lsapi.EventCheckpoint:
	}
	return all
}

// WriteLine writes a change as a line of application/x-ndjson, as the API answers it.
func WriteLine(w io.Writer, c *lsapi.Change) error { return exchange.WriteJSON(w, newChange(c)) }
