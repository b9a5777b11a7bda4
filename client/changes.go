package client

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// ChangesQuery selects changes. A zero field selects all.
type ChangesQuery struct {
	Pool   lsapi.PoolID
	Kind   lsapi.Kind
	Member lsapi.MemberID
	// Instance is the id of an instance, whatever its port.
	Instance string
	Actor    string
	Action   lsapi.Action
	// Outcome may be lsapi.OutcomeOpen.
	Outcome lsapi.Outcome
	// Bulk is the id of a bulk.
	Bulk string
	// From and To bound IntendedAt: From <= IntendedAt < To.
	From, To time.Time
	// Limit bounds a page; 0 is the service's default.
	Limit int
	// Cursor is the NextCursor of the previous page, which must have the same other
	// fields.
	Cursor string
}

// Changes returns a page of the record, newest first.
func (c *Client) Changes(ctx context.Context, q ChangesQuery) (page apiv1.ChangesPage, err error) {
	v := make(url.Values)
	if q.Pool != (lsapi.PoolID{}) {
		v.Set("pool", q.Pool.Path())
	}
	set(v, "kind", string(q.Kind))
	set(v, "member", q.Member.String())
	set(v, "instance", q.Instance)
	set(v, "actor", q.Actor)
	set(v, "action", string(q.Action))
	set(v, "outcome", string(q.Outcome))
	set(v, "bulk", q.Bulk)
	set(v, "from", apiv1.Time{Time: q.From}.String())
	set(v, "to", apiv1.Time{Time: q.To}.String())
	set(v, "cursor", q.Cursor)
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return page, c.get(ctx, &page, func() bool { return page.Changes != nil }, v, "v1", "changes")
}

// Change returns a change by its id. CodeNotFound: it is not on record.
func (c *Client) Change(ctx context.Context, id string) (change apiv1.Change, err error) {
	return change, c.get(ctx, &change, func() bool { return change.ID == id }, nil, "v1", "changes", id)
}
