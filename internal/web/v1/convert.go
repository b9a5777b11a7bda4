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
