package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// MemberChanges are changes of several members of one pool. No member is among them twice.
type MemberChanges struct {
	Attach, Detach []lsapi.MemberID
}

// BulkResult is the result of a change of several members.
type BulkResult struct {
	// BulkID selects its changes in the record. Empty: nothing is on record.
	BulkID string
	// DryRun is whether it was a dry run.
	DryRun bool
	// Results are those of the attached members, then those of the detached, in the order
	// of the request. Of SetMembers: those of its members, then the others that it detaches.
	Results []MemberResult
	// RequestID finds the request in the service's log.
	RequestID string
}

// MemberResult is the result of one member.
type MemberResult struct {
	apiv1.MemberResult
	// Err is why the change was not made, an *Error, or else why the wait for its effect
	// failed. Nil if it was made or, as a dry run, would be, and if it was not needed.
	Err error
	// State is the last known state of the member, with Await. Nil: unknown.
	State *apiv1.Member
}

// ChangeMembers attaches and detaches up to 1,000 members of a pool in one request, which
// the service decides at once. An attach of a member and a detach of another instance are
// apiv1.OutcomeUnchanged, and no failure.
//
// An error with CodeBulkFailed means that some changes were not made: the results have the
// error of each. With another error and without results, none was decided, or the outcome
// is unknown. With another error beside results, a wait failed.
func (c *Client) ChangeMembers(ctx context.Context, pool lsapi.PoolID, changes MemberChanges, o ChangeOptions) (BulkResult, error) {
	body := apiv1.BulkChange{Attach: texts(changes.Attach), Detach: texts(changes.Detach)}
	return c.changeAll(ctx, http.MethodPatch, pool, nil, body, o, func(results []apiv1.MemberResult) bool {
		attached := len(changes.Attach)
		return len(results) == attached+len(changes.Detach) &&
			areResults(results[:attached], lsapi.Attach, changes.Attach) && areResults(results[attached:], lsapi.Detach, changes.Detach)
	})
}

// SetMembers makes the changes that lead to a set of members: it attaches those that are
// missing and, unless it is additive, detaches the others. The service determines them from
// a fresh read. The rest is as with ChangeMembers.
func (c *Client) SetMembers(ctx context.Context, pool lsapi.PoolID, desired lsapi.DesiredMembers, o ChangeOptions) (BulkResult, error) {
	query := make(url.Values)
	if desired.Additive {
		query.Set("additive", "true")
	}
	body := apiv1.DesiredMembers{Members: texts(desired.Members)}
	return c.changeAll(ctx, http.MethodPut, pool, query, body, o, func(results []apiv1.MemberResult) bool {
		wanted := len(desired.Members)
		if len(results) < wanted || desired.Additive && len(results) > wanted {
			return false
		}
		for _, r := range results[wanted:] {
			if _, ok := lsapi.ParseMemberID(r.Member); !ok || r.Action != string(lsapi.Detach) || r.Outcome == "" {
				return false
			}
		}
		return areResults(results[:wanted], lsapi.Attach, desired.Members)
	})
}

// areResults reports whether results are those of the changes of members, in their order.
func areResults(results []apiv1.MemberResult, action lsapi.Action, members []lsapi.MemberID) bool {
	for i, r := range results {
		if r.Action != string(action) || !isMember(r.Member, members[i]) || r.Outcome == "" {
			return false
		}
	}
	return true
}

func texts(members []lsapi.MemberID) []string {
	all := make([]string, len(members))
	for i, m := range members {
		all[i] = m.String()
	}
	return all
}

// changeAll sends a bulk, and waits for its effect.
func (c *Client) changeAll(ctx context.Context, method string, pool lsapi.PoolID, query url.Values, body any, o ChangeOptions, matches func([]apiv1.MemberResult) bool) (BulkResult, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return BulkResult{}, err
	}
	if o.Atomic {
		if query == nil {
			query = make(url.Values)
		}
		query.Set("atomic", "true")
	}
	made, header, err := write(ctx, c, request{method: method, path: poolPath(pool, "members"), query: query, body: text, bulk: true}, o, func(r apiv1.BulkResult) bool {
		return r.Pool == pool.Path() && r.DryRun == o.DryRun && matches(r.Results)
	})
	if err != nil && ErrorCode(err) != lsapi.CodeBulkFailed {
		return BulkResult{}, err
	}
	result := BulkResult{BulkID: made.BulkID, DryRun: made.DryRun, RequestID: header.Get("X-Request-Id"), Results: make([]MemberResult, len(made.Results))}
	for i, r := range made.Results {
		result.Results[i] = MemberResult{MemberResult: r, Err: errorOf(r.Outcome, r.ChangeID, result.RequestID, r.Problem)}
	}
	if o.Await == nil || o.DryRun {
		return result, err
	}
	return result, errors.Join(err, c.awaitAll(ctx, pool, result.Results, *o.Await))
}

// awaitAll waits for the effect of changes, and returns the first error.
func (c *Client) awaitAll(ctx context.Context, pool lsapi.PoolID, results []MemberResult, o AwaitOptions) error {
	deadline := time.Now().Add(o.Timeout)
	var waiting sync.WaitGroup
	room := make(chan struct{}, maxIdleConnections)
	var awaited []*MemberResult
	for i := range results {
		r := &results[i]
		if r.Err != nil {
			continue
		}
		awaited = append(awaited, r)
		room <- struct{}{}
		waiting.Go(func() {
			defer func() { <-room }()
			bounds := AwaitOptions{Timeout: max(time.Until(deadline), min(o.Timeout, lateWait)), Progress: o.Progress}
			r.State, r.Err = c.awaitEffect(ctx, pool, r.Member, r.Action, bounds)
		})
	}
	waiting.Wait()
	for _, r := range awaited {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}
