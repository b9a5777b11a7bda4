package change

import (
	"context"
	"maps"
	"slices"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// recordedBulk is what is on record of a bulk.
type recordedBulk struct {
	id      string
	changes []lsapi.Change
}

// lookAtBulk returns the changes of a reservation's bulk, which are recorded all at once.
func (c *Changer) lookAtBulk(ctx context.Context, first *lsapi.Reservation) (found recordedBulk, spent bool, err error) {
	found.id = first.ChangeID
	filter := lsapi.ChangeFilter{Bulk: first.ChangeID, Limit: recordPage}
	for {
		page, err := c.Record.Changes(ctx, filter)
		if err != nil {
			return found, false, err
		}
		found.changes = append(found.changes, page...)
		if len(page) < filter.Limit {
			break
		}
		filter.Before = page[len(page)-1].ID
	}
	if len(found.changes) == 0 {
		return found, c.neverBegan(first), nil
	}
	return found, found.isSpent(), nil
}

// isSpent reports whether the bulk changed nothing, and might another time.
func (b recordedBulk) isSpent() bool {
	some := false
	for i := range b.changes {
		switch of := &b.changes[i]; {
		case of.FreesKey():
			some = true
		case of.Outcome != lsapi.OutcomeConflict:
			return false
		}
	}
	return some
}

// replayAll returns the final outcomes of a bulk. Nothing else than its changes is on record:
// a member of a desired set without one was as requested, a member of an atomic bulk was not
// sent.
func (c *Changer) replayAll(x *exchange.Exchange, r *BulkRequest, first recordedBulk, w wait) (MadeAll, error) {
	isOpen := func(c lsapi.Change) bool { return c.Outcome == "" }
	if len(first.changes) == 0 || slices.ContainsFunc(first.changes, isOpen) {
		return MadeAll{}, errInProgress()
	}
	setBulkID(x, first.id)
	made := MadeAll{BulkID: first.id}
	requested := r.requested()
	found, others := match(requested, first.changes)
	for i, item := range requested {
		result := lsapi.MemberResult{Action: item.Action, Member: item.Member}
		switch {
		case found[i] != nil:
			result = resultOf(found[i])
		case r.Desired != nil:
			result.Outcome = lsapi.OutcomeConflict
		default:
			result.Err = lsapi.Errorf(lsapi.CodeBulkSkipped, "it was not sent, because another member of the bulk was refused")
		}
		made.Results = append(made.Results, BulkResult{MemberResult: result})
	}
	for _, change := range others {
		made.Results = append(made.Results, BulkResult{MemberResult: resultOf(change)})
	}
	return made, c.awaitEffects(x, r.Pool, made.Results, w)
}

// requested returns the changes that the request names, in its order.
func (r *BulkRequest) requested() []lsapi.BulkItem {
	if r.Desired == nil {
		return r.Items
	}
	items := make([]lsapi.BulkItem, len(r.Desired.Members))
	for i, member := range r.Desired.Members {
		items[i] = lsapi.BulkItem{Action: lsapi.Attach, Member: member}
	}
	return items
}

// resultOf returns the result of a recorded change with an outcome.
func resultOf(c *lsapi.Change) lsapi.MemberResult {
	result := lsapi.MemberResult{
		Action: c.Action, Member: c.Member, ChangeID: c.ID, Outcome: c.Outcome, Instance: c.Instance, Guard: c.Guard,
	}
	if c.Outcome != lsapi.OutcomeApplied && c.Outcome != lsapi.OutcomeConflict {
		result.Err = outcomeError(c)
	}
	return result
}

// match returns the change of each item, nil if it has none, and the other changes, sorted
// by member.
func match(items []lsapi.BulkItem, changes []lsapi.Change) (found, others []*lsapi.Change) {
	found = make([]*lsapi.Change, len(items))
	left := make(map[lsapi.BulkItem]*lsapi.Change, len(changes))
	for i := range changes {
		left[itemOf(&changes[i])] = &changes[i]
	}
	for i, item := range items {
		found[i] = left[item]
		delete(left, item)
	}
	portless := make(map[lsapi.BulkItem]*lsapi.Change) // those requested without the group's port
	for item, change := range left {
		item.Member.Port = 0
		portless[item] = change
	}
	for i, item := range items {
		if change := portless[item]; found[i] == nil && change != nil {
			found[i] = change
			delete(left, itemOf(change))
		}
	}
	others = slices.Collect(maps.Values(left))
	slices.SortFunc(others, func(a, b *lsapi.Change) int { return a.Member.Compare(b.Member) })
	return found, others
}

func itemOf(c *lsapi.Change) lsapi.BulkItem {
	return lsapi.BulkItem{Action: c.Action, Member: c.Member}
}
