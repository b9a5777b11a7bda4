package change

import (
	"context"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// BulkRequest is a request for changes of several members of a pool.
type BulkRequest struct {
	Pool lsapi.PoolID
	// Items, Desired and Atomic are as in lsapi.Bulk.
	Items   []lsapi.BulkItem
	Desired *lsapi.DesiredMembers
	Atomic  bool
	Terms
}

// size returns the number of members in the request.
func (r *BulkRequest) size() int {
	if r.Desired != nil {
		return len(r.Desired.Members)
	}
	return len(r.Items)
}

// MadeAll is what a bulk did, or in a dry run would do.
type MadeAll struct {
	// BulkID is the id of the bulk in the record. Empty if nothing of it is on record.
	BulkID  string
	Results []BulkResult
}

// BulkResult is the result of one member.
type BulkResult struct {
	lsapi.MemberResult
	// Unconfirmed is that the wait for the effect of the change ended before it showed. Nil:
	// it shows, or there was no wait.
	Unconfirmed *Unconfirmed
}

// Failed reports whether the member is not as requested, or not known to be.
func (r *BulkResult) Failed() bool {
	return r.Outcome != lsapi.OutcomeApplied && r.Outcome != lsapi.OutcomeConflict
}

// MakeAll makes the changes of a bulk, at most once for its key, and waits for their effects
// if all members are as requested. Errors are those of Membership.ChangeAll, and those that
// Make adds but CodeWaitFailed: each result says what was not confirmed. Once something may
// be on record, the header X-Bulk-Id has the id of the bulk, also beside an error.
func (c *Changer) MakeAll(x *exchange.Exchange, r BulkRequest) (MadeAll, error) {
	if err := c.permit(x, r.Pool, &r.Terms); err != nil {
		return MadeAll{}, err
	}
	w, err := c.admitWait(x, r.Wait, r.size())
	if err != nil {
		return MadeAll{}, err
	}
	defer w.leave()
	id, at, err := newID()
	if err != nil {
		return MadeAll{}, err
	}
	bulk := lsapi.Bulk{
		ID: x.ID, BulkID: id, At: at, Actor: x.Actor, Pool: r.Pool, Items: r.Items, Desired: r.Desired, Atomic: r.Atomic,
		Reason: r.Reason, Terms: r.ofRequest(),
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	if !r.reserves() {
		made, _, err := c.carryOutAll(ctx, x, bulk, w)
		return made, err
	}
	return once(ctx, c, c.keyOf(x, &r.Terms, id, at), original[recordedBulk, MadeAll]{
		carryOut: func() (MadeAll, bool, error) { return c.carryOutAll(ctx, x, bulk, w) },
		look:     c.lookAtBulk,
		replay:   func(first recordedBulk) (MadeAll, error) { return c.replayAll(x, &r, first, w) },
	})
}

// carryOutAll makes the changes and waits for their effects. It also returns whether one is
// on record, or may still be.
func (c *Changer) carryOutAll(ctx context.Context, x *exchange.Exchange, bulk lsapi.Bulk, w wait) (made MadeAll, kept bool, err error) {
	result, err := c.Membership.ChangeAll(ctx, bulk)
	kept = result.Recorded || result.Pending
	if kept {
		made.BulkID = bulk.BulkID
		setBulkID(x, bulk.BulkID)
	}
	if err != nil {
		return made, kept, err
	}
	made.Results = make([]BulkResult, len(result.Results))
	for i, of := range result.Results {
		made.Results[i].MemberResult = of
	}
	return made, kept, c.awaitEffects(x, bulk.Pool, made.Results, w) //nolint:contextcheck // the exchange carries it
}

func setBulkID(x *exchange.Exchange, id string) { x.Header().Set("X-Bulk-Id", id) }

// awaitEffects waits for the effects of all changes. It does not if a member is not as
// requested: that has to be answered at once.
func (c *Changer) awaitEffects(x *exchange.Exchange, pool lsapi.PoolID, results []BulkResult, w wait) error {
	all := make([]effect, len(results))
	for i := range results {
		if results[i].Failed() {
			return nil
		}
		all[i] = effect{results[i].Member, results[i].Action}
	}
	unconfirmed, err := c.await(x, pool, all, w)
	if err != nil {
		return err
	}
	for i := range results {
		results[i].Unconfirmed = unconfirmed[i]
	}
	return nil
}
