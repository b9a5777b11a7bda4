package notify

import (
	"cmp"
	"encoding/json"
	"strings"

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
	body, err = json.Marshal(c.cloudEvent(n))
	return body, "application/cloudevents+json; charset=utf-8", err
}

// escapeSlack escapes what Slack would take for a mention or a link. A zero-width space keeps
// other chats, such as Mattermost, from notifying all of a channel for @all in a reason.
func escapeSlack(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b").Replace(text)
}

// cloudEvent is the structured JSON of CloudEvents 1.0. Tests hold it to the validation of
// CloudEvents' own Go SDK, which would make the program 6 MiB larger.
type cloudEvent struct {
	SpecVersion     string             `json:"specversion"`
	ID              string             `json:"id"`
	Source          string             `json:"source"`
	Type            string             `json:"type"`
	Subject         string             `json:"subject,omitempty"`
	Time            apiv1.Time         `json:"time"`
	DataContentType string             `json:"datacontenttype"`
	Data            apiv1.Notification `json:"data"`
}

func (c encoder) cloudEvent(n *notification) cloudEvent {
	e := cloudEvent{
		SpecVersion: "1.0", ID: n.id, Source: c.source, Type: n.kind.Type(), Time: apiv1.Time{Time: n.at},
		DataContentType: "application/json", Data: c.data(n),
	}
	if !n.pool.IsZero() {
		e.Subject = n.pool.Path()
	}
	return e
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
