package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// encoder encodes notifications.
type encoder struct {
	source string
	change func(*lsapi.Change) apiv1.Change
}

// encode returns a notification as the body of a request.
func (c encoder) encode(n *notification, format Format) (body []byte, contentType string, err error) {
	if format == Slack {
		body, err = json.Marshal(map[string]string{"text": escapeSlack(n.text)})
		return body, "application/json", err
	}
	e, err := c.cloudEvent(n)
	if err != nil {
		return nil, "", err
	}
	body, err = e.MarshalJSON()
	return body, event.ApplicationCloudEventsJSON + "; charset=utf-8", err
}

// escapeSlack escapes what Slack would take for a mention or a link.
func escapeSlack(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func (c encoder) cloudEvent(n *notification) (event.Event, error) {
	e := event.New(event.CloudEventsVersionV1)
	e.SetID(n.id)
	e.SetType(n.kind.Type())
	e.SetSource(c.source)
	e.SetTime(n.at)
	if !n.pool.IsZero() {
		e.SetSubject(n.pool.Path())
	}
	if err := e.SetData(event.ApplicationJSON, c.data(n)); err != nil {
		return e, fmt.Errorf("encoding a notification: %w", err)
	}
	if err := e.Validate(); err != nil {
		return e, fmt.Errorf("an invalid notification: %w", err)
	}
	return e, nil
}

func (c encoder) data(n *notification) apiv1.Notification {
	d := apiv1.Notification{Text: n.text, Count: len(n.changes), Since: apiv1.Time{Time: n.since}}
	if !n.pool.IsZero() {
		d.Pool = n.pool.Path()
	}
	for i := range n.changes[:min(maxListed, len(n.changes))] {
		d.Changes = append(d.Changes, c.change(&n.changes[i]))
	}
	if n.kind == Out {
		d.Count = len(n.out)
	}
	for i := range n.out[:min(maxListed, len(n.out))] {
		d.Out = append(d.Out, newOut(&n.out[i]))
	}
	return d
}

func newOut(m *lsapi.OutMember) apiv1.OutMember {
	out := apiv1.OutMember{Member: m.Member.String(), Since: apiv1.Time{Time: m.Since}}
	if h := m.Health; h != nil {
		out.Health = &apiv1.Health{State: string(h.State), AWSState: cmp.Or(h.AWSState, string(h.State)), Reason: h.Reason, Description: h.Description}
	}
	return out
}
