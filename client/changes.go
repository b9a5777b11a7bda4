package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// ChangeOptions are what may be said of a change.
type ChangeOptions struct {
	// Reason is why, for the record: at most 256 characters.
	Reason string
	// IdempotencyKey makes the request one that can be sent again: it is carried out
	// once. A Client does so by itself then when the service did not answer, or was
	// not able to. It has 1 to 128 visible ASCII characters.
	IdempotencyKey string
}

// Changed is a change that was made.
type Changed struct {
	// ChangeID names it in the record.
	ChangeID string
	// RequestID finds the request in the service's log.
	RequestID string
	Instance  Instance
}

// Instance is what the service says of an instance that it has attached or
// detached.
type Instance struct {
	InstanceID string `json:"instanceId"`
	// InstanceType and LaunchDate are "unknown" when EC2 does not know it any more.
	InstanceType string `json:"instanceType"`
	LaunchDate   string `json:"launchDate"`
}

// UnmarshalJSON reads an instance in the envelope that the contract has, or without.
func (i *Instance) UnmarshalJSON(text []byte) error {
	type plain Instance
	var enveloped struct {
		Message *plain `json:"message"`
		plain
	}
	if err := json.Unmarshal(text, &enveloped); err != nil {
		return err
	}
	*i = Instance(enveloped.plain)
	if enveloped.Message != nil {
		*i = Instance(*enveloped.Message)
	}
	return nil
}

// Attach makes an instance a member of a load balancer. When it returns, AWS has
// accepted it; Await tells when it serves. CodeConflict: it is a member already.
// CodeTimeout: what becomes of it is not known.
func (c *Client) Attach(ctx context.Context, loadBalancer, instanceID string, o ChangeOptions) (Changed, error) {
	return c.change(ctx, http.MethodPost, loadBalancer, instanceID, o)
}

// Detach ends that. When it returns, AWS has accepted it; Await tells when it is
// drained. CodeConflict: it is no member.
func (c *Client) Detach(ctx context.Context, loadBalancer, instanceID string, o ChangeOptions) (Changed, error) {
	return c.change(ctx, http.MethodDelete, loadBalancer, instanceID, o)
}

func (c *Client) change(ctx context.Context, method, loadBalancer, instanceID string, o ChangeOptions) (Changed, error) {
	q := call{
		method: method,
		path:   []string{"elb", loadBalancer},
		header: make(http.Header),
		body:   map[string]string{"instanceId": instanceID},

		success: http.StatusCreated,
	}
	if o.Reason != "" {
		q.header.Set("X-Reason", encodeText(o.Reason))
	}
	if o.IdempotencyKey != "" {
		q.header.Set("Idempotency-Key", o.IdempotencyKey)
	}
	began := time.Now()
	for attempt := 1; ; attempt++ {
		changed, err := c.changeOnce(ctx, q, instanceID)
		if err == nil || o.IdempotencyKey == "" || !worthAnother(err, attempt) {
			return changed, err
		}
		if isUnderWay(err) && time.Since(began) > c.settling || !isUnderWay(err) && attempt >= maxAttempts {
			return changed, err
		}
		if c.pauseFor(ctx, attempt, advice(err)) != nil {
			return changed, err
		}
	}
}

// worthAnother reports whether a change may end otherwise when it is sent again
// under its key: the service went away, or the first request is still under way. Of
// one to whose first request nobody listened it is not, nor of an outcome that
// nobody knows, which the key would only repeat.
func worthAnother(err error, attempt int) bool {
	e, answered := errors.AsType[*Error](err)
	if !answered {
		return errors.Is(err, ErrUnreachable) && (attempt > 1 || !errors.Is(err, ErrNotSent))
	}
	return e.Status == http.StatusServiceUnavailable || isUnderWay(err)
}

// isUnderWay reports whether it is not known yet what becomes of a change.
func isUnderWay(err error) bool {
	return ErrorCode(err) == lsapi.CodeInProgress
}

// encodeText returns a text as the value of a header. What is not visible ASCII is
// sent as RFC 8187 has it, which no proxy or library on the way can spoil.
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

func (c *Client) changeOnce(ctx context.Context, q call, instanceID string) (Changed, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var instance Instance
	q.fits = func() bool { return instance.InstanceID == instanceID }
	header, err := c.ask(ctx, q, &instance)
	if err != nil {
		return Changed{}, err
	}
	return Changed{ChangeID: header.Get("X-Change-Id"), RequestID: header.Get("X-Request-Id"), Instance: instance}, nil
}

// ChangesQuery says which changes to list. The zero value of a field is all.
type ChangesQuery struct {
	LoadBalancer string
	InstanceID   string
	Actor        string
	Action       lsapi.Action
	// Outcome may be lsapi.OutcomeOpen.
	Outcome lsapi.Outcome
	// From and To bound IntendedAt: From <= IntendedAt < To.
	From, To time.Time
	// Limit is how many a page has at most; 0 leaves it to the service.
	Limit int
	// Cursor is the NextCursor of the page before, with the same of all the rest.
	Cursor string
}

// Changes returns a page of the record, the newest first.
func (c *Client) Changes(ctx context.Context, q ChangesQuery) (page apiv1.ChangesPage, err error) {
	v := make(url.Values)
	set(v, "loadBalancer", q.LoadBalancer)
	set(v, "instanceId", q.InstanceID)
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

// Change returns a change by its id. CodeNotFound: it is not in the record.
func (c *Client) Change(ctx context.Context, id string) (change apiv1.Change, err error) {
	return change, c.get(ctx, &change, func() bool { return change.ID == id }, nil, "v1", "changes", id)
}
