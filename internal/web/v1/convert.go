package v1

import (
	"encoding/json"
	"io"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
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
		LoadBalancer:  c.LoadBalancer,
		InstanceID:    c.InstanceID,
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

func newRoster(r *lsapi.MembershipAt) apiv1.Roster {
	return apiv1.Roster{
		LoadBalancer: r.LoadBalancer,
		At:           instant(r.At),
		Members: converted(r.Members, func(m *lsapi.RecordedMember) apiv1.RosterMember {
			return apiv1.RosterMember{InstanceID: m.InstanceID, Since: instant(m.Since), ChangeID: m.ChangeID, Source: string(m.Source)}
		}),
		Uncertain: converted(r.Uncertain, newChange),
	}
}

func newLoadBalancer(s *lsapi.PoolSummary) apiv1.LoadBalancer {
	b := apiv1.LoadBalancer{
		Name:    s.Name,
		Tags:    s.Tags,
		Members: s.Members,
		AsOf:    instant(s.AsOf),
	}
	if s.Health != nil {
		counts := apiv1.HealthCounts(*s.Health)
		b.Health = &counts
		b.HealthAsOf = instant(s.HealthAsOf)
	}
	if d := s.Description; d != nil {
		b.DNSName, b.Scheme, b.Zones, b.CreatedAt = d.DNSName, d.Scheme, d.Zones, instant(d.CreatedAt)
		for _, l := range d.Listeners {
			b.Listeners = append(b.Listeners, apiv1.Listener(l))
		}
	}
	return b
}

func newLoadBalancerDetail(d *lsapi.PoolDetail) apiv1.LoadBalancerDetail {
	b := apiv1.LoadBalancerDetail{
		LoadBalancer: newLoadBalancer(&d.PoolSummary),
		Instances:    converted(d.Instances, newMember),
	}
	if a := d.Attributes; a != nil {
		b.Attributes = &apiv1.Attributes{
			Draining:               a.Draining,
			DrainingTimeoutSeconds: seconds(a.DrainingTimeout),
			CrossZone:              a.CrossZone,
			IdleTimeoutSeconds:     seconds(a.IdleTimeout),
		}
	}
	if d.Description != nil {
		c := d.Description.HealthCheck
		b.HealthCheck = &apiv1.HealthCheck{
			Target:             c.Target,
			IntervalSeconds:    seconds(c.Interval),
			TimeoutSeconds:     seconds(c.Timeout),
			UnhealthyThreshold: c.UnhealthyThreshold,
			HealthyThreshold:   c.HealthyThreshold,
		}
	}
	return b
}

func newMember(d *lsapi.MemberDetail) apiv1.Member {
	return apiv1.Member{
		InstanceID:        d.ID,
		Member:            d.Member,
		Draining:          d.Health != nil && d.Health.Draining,
		InstanceType:      d.Type,
		LaunchDate:        instant(d.LaunchTime),
		Zone:              d.Zone,
		PrivateAddress:    d.PrivateAddress,
		Name:              d.Name,
		State:             string(d.State),
		Health:            newHealth(d.Health, &d.History),
		Since:             instant(d.History.Since),
		LastChange:        newLastChange(d.History.LastChange),
		RecordUnavailable: d.History.Unavailable,
	}
}

// newHealth returns the observed health, and its time if the record has the same health.
func newHealth(observed *lsapi.MemberHealth, history *lsapi.MemberHistory) *apiv1.Health {
	if observed == nil {
		return nil
	}
	health := &apiv1.Health{State: string(observed.State), Reason: observed.Reason, Description: observed.Description}
	if history.Health != nil && *history.Health == *observed {
		health.Since = instant(history.HealthSince)
	}
	return health
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
func EncodeEvent(e *lsapi.RecordedEvent) [][]byte {
	return converted(newEvents(e), encodeEvent)
}

func encodeEvent(e *apiv1.Event) []byte {
	data, _ := json.Marshal(e) // strings, numbers and times always encode
	return []byte("event: " + e.Type + "\ndata: " + string(data) + "\n")
}

// newEvents returns an event for each applied change, external change, health change and
// drained instance of a recorded event.
func newEvents(e *lsapi.RecordedEvent) (all []apiv1.Event) {
	about := func(kind, instanceID string) apiv1.Event {
		return apiv1.Event{Type: kind, At: instant(e.Event.At), LoadBalancer: e.LoadBalancer, InstanceID: instanceID}
	}
	changed := func(kind string, c *lsapi.Change) apiv1.Event {
		change, event := newChange(c), about(kind, c.InstanceID)
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
			event := about(apiv1.EventHealth, h.InstanceID)
			event.Health = &apiv1.Health{State: string(h.State), Reason: h.Reason, Description: h.Description}
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
