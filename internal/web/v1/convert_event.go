package v1

import (
	"encoding/json"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/events"
)

// EncodeEvent returns the server-sent events of a recorded event, without their ids.
func EncodeEvent(e *lsapi.RecordedEvent) []events.Message {
	return converted(newEvents(e), encodeEvent)
}

func encodeEvent(e *apiv1.Event) events.Message {
	data, _ := json.Marshal(e)                 // strings, numbers and times always encode
	member, _ := lsapi.ParseMemberID(e.Member) // none, of the event dropped
	return events.Message{Member: member, Body: []byte("event: " + e.Type + "\ndata: " + string(data) + "\n")}
}

// newEvents returns an event for each applied change, refusal by a guard, external change,
// health change and drained member of a recorded event.
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
		switch {
		case c.Outcome == lsapi.OutcomeApplied:
			all = append(all, changed(kind, c))
		case c.RefusedByGuard():
			all = append(all, changed(apiv1.EventRefused, c))
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
