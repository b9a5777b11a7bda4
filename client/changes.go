package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// ChangeOptions are the optional parts of a change.
type ChangeOptions struct {
	// Reason is kept in the record: at most 256 characters.
	Reason string
	// IdempotencyKey makes retries safe: the service carries the change out once. With a
	// key, a Client retries by itself when the service does not respond or is
	// unavailable. A key has 1 to 128 visible ASCII characters.
	IdempotencyKey string
}

// ChangeResult is a successful change, or one that did not have to be made.
type ChangeResult struct {
	apiv1.ChangeResult
	// RequestID finds the request in the service's log.
	RequestID string
}

// Attach registers a member with a pool. When it returns nil, AWS has accepted the member,
// or the outcome is apiv1.OutcomeUnchanged: it was a member already. Await waits until it
// serves. A member of a target group without a port gets the group's own, which the result
// has. CodeNotChangeable: the pool's members cannot be changed. CodeTimeout: the outcome is
// unknown.
func (c *Client) Attach(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, o ChangeOptions) (ChangeResult, error) {
	return c.change(ctx, lsapi.Attach, pool, member, o)
}

// Detach deregisters a member. When it returns nil, AWS has accepted that; Await waits
// until the member is drained. CodeNotMember: it is not a member.
func (c *Client) Detach(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, o ChangeOptions) (ChangeResult, error) {
	return c.change(ctx, lsapi.Detach, pool, member, o)
}

// methods are the methods of the actions.
var methods = map[lsapi.Action]string{lsapi.Attach: http.MethodPut, lsapi.Detach: http.MethodDelete}

func (c *Client) change(ctx context.Context, action lsapi.Action, pool lsapi.PoolID, member lsapi.MemberID, o ChangeOptions) (ChangeResult, error) {
	q := request{method: methods[action], path: memberPath(pool, member), header: make(http.Header), created: action == lsapi.Attach}
	if o.Reason != "" {
		q.header.Set("X-Reason", encodeText(o.Reason))
	}
	if o.IdempotencyKey != "" {
		q.header.Set("Idempotency-Key", o.IdempotencyKey)
	}
	isResult := func(r apiv1.ChangeResult) bool {
		return r.Pool == pool.Path() && r.Action == string(action) && isMember(r.Member, member) && r.Outcome != ""
	}
	began := time.Now()
	for attempt := 1; ; attempt++ {
		result, err := c.changeOnce(ctx, q, isResult)
		if err == nil || o.IdempotencyKey == "" || !canRetry(err, attempt) {
			return result, err
		}
		if isInProgress(err) && time.Since(began) > c.limits.settling || !isInProgress(err) && attempt >= maxAttempts {
			return result, err
		}
		if c.pause(ctx, attempt, retryAfter(err)) != nil {
			return result, err
		}
	}
}

// isMember reports whether text is the id of the member, or has the port that the member
// lacks.
func isMember(text string, member lsapi.MemberID) bool {
	found, ok := lsapi.ParseMemberID(text)
	if member.Port == 0 {
		found.Port = 0
	}
	return ok && found == member
}

// canRetry reports whether a change may succeed when it is sent again under its key: the
// service went away or has no room, or the first request is still in progress. A first request that
// was not sent is not retried, nor an unknown outcome, which the key would repeat.
func canRetry(err error, attempt int) bool {
	switch ErrorCode(err) {
	case "":
		return errors.Is(err, ErrUnreachable) && (attempt > 1 || !errors.Is(err, ErrNotSent))
	case lsapi.CodeUnavailable, lsapi.CodeThrottled, lsapi.CodeInProgress:
		return true
	}
	return false
}

// isInProgress reports whether the outcome of a change is still pending.
func isInProgress(err error) bool {
	return ErrorCode(err) == lsapi.CodeInProgress
}

// encodeText returns a text as the value of a header. Text beyond visible ASCII is
// encoded by RFC 8187, which passes through any proxy.
func encodeText(text string) string {
	const charset = "UTF-8''"
	isPlain := func(r rune) bool { return ' ' <= r && r <= '~' }
	if !strings.ContainsFunc(text, func(r rune) bool { return !isPlain(r) }) && !hasPrefixFold(text, "utf-8'") {
		return text
	}
	return charset + url.PathEscape(text)
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

func (c *Client) changeOnce(ctx context.Context, q request, isResult func(apiv1.ChangeResult) bool) (ChangeResult, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var result ChangeResult
	q.matches = func() bool { return isResult(result.ChangeResult) }
	header, err := c.do(ctx, q, &result.ChangeResult)
	if err != nil {
		return ChangeResult{}, err
	}
	result.RequestID = header.Get("X-Request-Id")
	return result, nil
}

// ChangesQuery selects changes. A zero field selects all.
type ChangesQuery struct {
	Pool   lsapi.PoolID
	Member lsapi.MemberID
	// Instance is the id of an instance, whatever its port.
	Instance string
	Actor    string
	Action   lsapi.Action
	// Outcome may be lsapi.OutcomeOpen.
	Outcome lsapi.Outcome
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
	set(v, "member", q.Member.String())
	set(v, "instance", q.Instance)
	set(v, "actor", q.Actor)
	set(v, "action", string(q.Action))
	set(v, "outcome", string(q.Outcome))
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
