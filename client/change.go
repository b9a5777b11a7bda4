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
	// DryRun returns what would happen, and the error that the change would have. Nothing is
	// sent to AWS, and nothing is recorded.
	DryRun bool
	// IfMatch is the version that the pool's membership must have, as Members returns it,
	// or lsapi.AnyVersion. Another one fails with CodePrecondition. Empty: no condition.
	IfMatch string
	// Override overrides the guards of the pool, for this reason: at most 256 characters.
	// CodeDenied: the user may not. Empty: they hold.
	Override string
	// MinInService refuses a detach that would leave fewer members in service, with
	// CodeMinInService. Override does not override it. 0: no such condition.
	MinInService int
	// Atomic sends none of the changes of ChangeMembers if one of them is refused before AWS
	// is called. SetMembers does not have it, and fails with CodeInvalid.
	Atomic bool
	// Await, if set, waits after the change until the members are in service, or drained.
	// Its Progress is called concurrently if there are several members. If the wait fails
	// the change stands, and its result is returned beside the error, which is that of
	// Client.Await.
	Await *AwaitOptions
}

// ChangeResult is a successful change, or one that did not have to be made.
type ChangeResult struct {
	apiv1.ChangeResult
	// RequestID finds the request in the service's log.
	RequestID string
	// State is the last known state of the member, with Await. Nil: unknown.
	State *apiv1.Member
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
// until the member is drained. CodeNotMember: it is not a member. A guard of the pool
// refuses it with a code such as CodeKeepLast, and the members that count are in the Error.
func (c *Client) Detach(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, o ChangeOptions) (ChangeResult, error) {
	return c.change(ctx, lsapi.Detach, pool, member, o)
}

// Undo makes the opposite of an applied change, if it is the last change of its member.
// CodeSuperseded: it is not. CodeNotUndoable: it has changed nothing. CodeNotFound: it is
// not on record.
func (c *Client) Undo(ctx context.Context, id string, o ChangeOptions) (ChangeResult, error) {
	q := request{method: http.MethodPost, path: []string{"v1", "changes", id, "undo"}, created: true}
	return c.changeOne(ctx, q, o, func(r apiv1.ChangeResult) bool { return r.Undoes == id })
}

// methods are the methods of the actions.
var methods = map[lsapi.Action]string{lsapi.Attach: http.MethodPut, lsapi.Detach: http.MethodDelete}

func (c *Client) change(ctx context.Context, action lsapi.Action, pool lsapi.PoolID, member lsapi.MemberID, o ChangeOptions) (ChangeResult, error) {
	q := request{method: methods[action], path: memberPath(pool, member), created: action == lsapi.Attach}
	return c.changeOne(ctx, q, o, func(r apiv1.ChangeResult) bool {
		return r.Pool == pool.Path() && r.Action == string(action) && isMember(r.Member, member)
	})
}

// changeOne sends the change of one member, and waits for its effect.
func (c *Client) changeOne(ctx context.Context, q request, o ChangeOptions, matches func(apiv1.ChangeResult) bool) (ChangeResult, error) {
	made, header, err := write(ctx, c, q, o, func(r apiv1.ChangeResult) bool {
		_, isPool := lsapi.ParsePoolPath(r.Pool)
		_, isID := lsapi.ParseMemberID(r.Member)
		return isPool && isID && r.Outcome != "" && r.DryRun == o.DryRun && matches(r)
	})
	if err != nil {
		return ChangeResult{}, err
	}
	result := ChangeResult{ChangeResult: made, RequestID: header.Get("X-Request-Id")}
	if err := errorOf(made.Outcome, made.ChangeID, result.RequestID, made.Problem); err != nil {
		return ChangeResult{}, err
	}
	if o.Await == nil || o.DryRun {
		return result, nil
	}
	pool, _ := lsapi.ParsePoolPath(made.Pool) // as was checked above
	result.State, err = c.awaitEffect(ctx, pool, made.Member, made.Action, *o.Await)
	return result, err
}

// effects are the conditions that a change leads to.
var effects = map[string]lsapi.WaitCondition{string(lsapi.Attach): lsapi.WaitInService, string(lsapi.Detach): lsapi.WaitDrained}

// awaitEffect waits for the effect of a change of a member.
func (c *Client) awaitEffect(ctx context.Context, pool lsapi.PoolID, text, action string, o AwaitOptions) (*apiv1.Member, error) {
	member, _ := lsapi.ParseMemberID(text) // as was checked with the response
	last, err := c.Await(ctx, pool, member, effects[action], o)
	if last.Member == "" {
		return nil, err
	}
	return &last, err
}

// write sends a change and decodes its response. A change with a key, or one that is not
// made, is sent again while that may help.
func write[R any](ctx context.Context, c *Client, q request, o ChangeOptions, matches func(R) bool) (R, http.Header, error) {
	q.query, q.header = o.query(q.query), o.header()
	began := time.Now()
	for attempt := 1; ; attempt++ {
		result, header, err := writeOnce(ctx, c, q, matches)
		if err == nil || o.IdempotencyKey == "" && !o.DryRun || !canRetry(err, attempt) {
			return result, header, err
		}
		if isInProgress(err) && time.Since(began) > c.limits.settling || !isInProgress(err) && attempt >= maxAttempts {
			return result, header, err
		}
		if c.pause(ctx, attempt, retryAfter(err)) != nil {
			return result, header, err
		}
	}
}

func writeOnce[R any](ctx context.Context, c *Client, q request, matches func(R) bool) (result R, header http.Header, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	q.matches = func() bool { return matches(result) }
	header, err = c.do(ctx, q, &result)
	return result, header, err
}

// query returns the parameters of a change, in addition to others.
func (o *ChangeOptions) query(v url.Values) url.Values {
	if v == nil {
		v = make(url.Values)
	}
	if o.DryRun {
		v.Set("dryRun", "true")
	}
	if o.MinInService > 0 {
		v.Set("minInService", strconv.Itoa(o.MinInService))
	}
	return v
}

// header returns the header of a change. A dry run has no key: it has no outcome to keep.
func (o *ChangeOptions) header() http.Header {
	h := make(http.Header)
	if o.Reason != "" {
		h.Set("X-Reason", encodeText(o.Reason))
	}
	if o.IdempotencyKey != "" && !o.DryRun {
		h.Set("Idempotency-Key", o.IdempotencyKey)
	}
	if o.IfMatch != "" {
		h.Set("If-Match", entityTag(o.IfMatch))
	}
	if o.Override != "" {
		h.Set("X-Override-Guard", encodeText(o.Override))
	}
	return h
}

// entityTag returns a version as an entity tag.
func entityTag(version string) string {
	if version == lsapi.AnyVersion || strings.HasPrefix(version, `"`) {
		return version
	}
	return `"` + version + `"`
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
	case lsapi.CodeUnavailable, lsapi.CodeThrottled, lsapi.CodeHealthUnknown, lsapi.CodeTagsUnknown, lsapi.CodeInProgress:
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
