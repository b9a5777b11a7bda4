package v1

import (
	"cmp"
	"context"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// changesQuery is what GET /v1/changes takes. Empty is not given.
type changesQuery struct {
	Pool     string `query:"pool" pattern:"^(elb|tg)/[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" patternDescription:"a kind and a name, such as elb/default-elb or tg/web" doc:"Only changes of this pool" example:"elb/default-elb"`
	Kind     string `query:"kind" enum:"elb,tg" doc:"Only changes of Classic load balancers, or only of target groups"`
	Member   string `query:"member" doc:"Only changes of the member with this id in its pool, such as i-5203422c or i-5203422c:8080"`
	Instance string `query:"instance" pattern:"^i-([0-9a-f]{8}|[0-9a-f]{17})$" patternDescription:"i- and 8 or 17 lower-case hexadecimal digits" doc:"Only changes of this instance, whatever its port, such as i-5203422c"`
	Actor    string `query:"actor" maxLength:"256" pattern:"^[^\\x00-\\x1F\\x7F]+$" patternDescription:"without control characters" doc:"Only changes by this user"`
	Action   string `query:"action" enum:"attach,detach" doc:"Only attaches, or only detaches"`
	Outcome  string `query:"outcome" enum:"applied,conflict,refused,failed,withdrawn,unknown,open" doc:"Only changes with this outcome; open are those without one"`
	Bulk     string `query:"bulk" pattern:"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$" patternDescription:"a UUID of version 7, in lower case" doc:"Only changes of this bulk (bulkId), such as 01a20ee8-6140-7a11-8000-0123456789aa"`
	From     string `query:"from" format:"date-time" doc:"Only changes requested at this time or later, such as 2026-11-24T00:00:00Z. A + in a query is written %2B"`
	To       string `query:"to" format:"date-time" doc:"Only changes requested before this time; it must be later than from"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" doc:"The greatest number of changes. Without it, 100 in JSON and all in newline-delimited JSON" example:"100"`
	Cursor   string `query:"cursor" doc:"The nextCursor of the page before, with the same filters"`
}

func (a *API) changes(x *exchange.Exchange, q *changesQuery) error {
	filter, err := q.filter()
	if err != nil {
		return err
	}
	x.Header().Set("Vary", "Accept, Authorization")
	answer, usual := a.page, defaultPage
	if exchange.Prefers(x.Request.Header["Accept"], exchange.TypeLines, exchange.TypeJSON) {
		answer, usual = a.stream, streamPage
	}
	held := cmp.Or(filter.Limit, usual)
	err = a.untilStop(x.Context(), func(ctx context.Context) error { return acquire(ctx, a.held, held, tooManyReads) })
	if err != nil {
		return err
	}
	defer a.held.Release(int64(held))
	return answer(x, filter)
}

// page answers with one page and the cursor of the next. It reads one more change to learn
// whether there is a next one.
func (a *API) page(x *exchange.Exchange, filter lsapi.ChangeFilter) error {
	filter.Limit = cmp.Or(filter.Limit, defaultPage)
	oneMore := filter
	oneMore.Limit++
	ctx, cancel := x.Deadline()
	defer cancel()
	changes, err := a.Record.Changes(ctx, oneMore)
	if err != nil {
		return err
	}
	var next string
	if len(changes) > filter.Limit {
		changes = changes[:filter.Limit]
		next = newCursor(filter, changes[filter.Limit-1].ID)
	}
	return send(x, apiv1.ChangesPage{Changes: converted(changes, newChange), NextCursor: next})
}

// filter returns the query's filter. Its limit is 0 if none was given.
func (q *changesQuery) filter() (lsapi.ChangeFilter, error) {
	pool, _ := lsapi.ParsePoolPath(q.Pool)
	member, wrong := q.member()
	filter := lsapi.ChangeFilter{
		Pool:    pool,
		Kind:    lsapi.Kind(q.Kind),
		Member:  member,
		Actor:   q.Actor,
		Action:  lsapi.Action(q.Action),
		Outcome: lsapi.Outcome(q.Outcome),
		Bulk:    q.Bulk,
		Limit:   q.Limit,
	}
	if wrong != nil {
		return filter, invalid(*wrong)
	}
	from, to := parseTime(q.From), parseTime(q.To)
	if q.From != "" && q.To != "" && !from.Before(to) {
		return filter, invalid(apiv1.Detail{Location: "query.to", Message: "must be later than from"})
	}
	if q.From != "" {
		filter.From = wholeMilliseconds(from)
	}
	if q.To != "" {
		filter.To = wholeMilliseconds(to)
	}
	if q.Cursor != "" {
		id, ok := parseCursor(filter, q.Cursor)
		if !ok {
			return filter, invalid(apiv1.Detail{Location: "query.cursor", Message: "is not the nextCursor of a page with the same filters"})
		}
		filter.Before = id
	}
	return filter, nil
}

// member returns the member of the filters member and instance, which are the same for
// members without a port, or what is wrong with them.
func (q *changesQuery) member() (lsapi.MemberID, *apiv1.Detail) {
	if q.Member == "" {
		return lsapi.InstanceMember(q.Instance), nil
	}
	id, ok := lsapi.ParseMemberID(q.Member)
	switch {
	case !ok:
		return id, &apiv1.Detail{Location: "query.member", Message: "expected the id of a member, such as i-5203422c or i-5203422c:8080"}
	case q.Instance != "" && id.Instance != q.Instance:
		return id, &apiv1.Detail{Location: "query.instance", Message: "is not the instance of the member"}
	}
	return id, nil
}

// parseTime parses a valid time, the zero time if it is empty.
func parseTime(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t.UTC()
}

// wholeMilliseconds rounds a bound up, which separates whole milliseconds as before: the
// record may cut off finer parts. It limits the bound to the times that a UUID can hold and
// a year of four digits can name.
func wholeMilliseconds(t time.Time) time.Time {
	first, last := time.UnixMilli(0).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	whole := t.Truncate(time.Millisecond)
	if whole.Before(t) {
		whole = whole.Add(time.Millisecond)
	}
	switch {
	case whole.Before(first):
		return first
	case whole.After(last):
		return last
	}
	return whole
}

// ChangeParameters is the part of a path that identifies a change. It is exported for huma,
// which skips other embedded structs.
type ChangeParameters struct {
	ID string `path:"id" doc:"The id of the change, as in the header X-Change-Id of the answer to its request: a UUID of version 7, such as 01a20ee8-6140-7a11-8000-0123456789ab"`
}

func (a *API) getChange(x *exchange.Exchange, in *ChangeParameters) error {
	return sendRead(x, func(ctx context.Context) (lsapi.Change, error) { return a.readChange(ctx, in.ID) }, newChange)
}

// readChange returns the change with an id. CodeNotFound: there is none, or none can have it.
func (a *API) readChange(ctx context.Context, id string) (lsapi.Change, error) {
	if _, ok := parseChangeID(id); !ok {
		return lsapi.Change{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no such change; an id is a UUID of version 7, in lower case")
	}
	return a.Record.Change(ctx, id)
}
