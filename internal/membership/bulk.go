package membership

import (
	"context"
	"slices"
	"strings"

	"lsapi"
)

// ChangeAll decides the changes of a bulk at once, on one read of the membership, and makes
// them: detaches before attaches, in calls of at most 200 members. They go on record together
// before. ctx bounds the wait of the caller: a bulk that was not decided by then is withdrawn
// as a whole, one that was decided goes on.
//
// An error means that none of the changes was decided. Errors are those of Change, but for
// CodeConflict; of CodeInvalid, that the members are more than 1,000 or one is named twice.
// CodePrecondition: the members of the pool are not as IfMatch requires.
//
// Once decided, the results have the outcome of each change.
func (s *Service) ChangeAll(ctx context.Context, b lsapi.Bulk) (lsapi.BulkResult, error) {
	b, portOf, err := s.resolveAll(ctx, b)
	if err != nil {
		return lsapi.BulkResult{}, err
	}
	c := newBulkCaller(ctx, b, portOf)
	if err := s.await(c); err != nil {
		return lsapi.BulkResult{}, err
	}
	return c.resultOfBulk(), nil
}

// resolveAll returns a bulk with the ids that its members have in the pool. A desired set
// gets the attaches of its members as items.
func (s *Service) resolveAll(ctx context.Context, b lsapi.Bulk) (resolved lsapi.Bulk, portOf string, err error) {
	items := slices.Clone(b.Items)
	if b.Desired != nil {
		for _, member := range b.Desired.Members {
			items = append(items, lsapi.BulkItem{Action: lsapi.Attach, Member: member})
		}
	}
	if len(items) > maxBulk {
		return b, "", lsapi.Errorf(lsapi.CodeInvalid, "%d members are too many; at most %d are changed at once", len(items), maxBulk)
	}
	members := make([]lsapi.MemberID, len(items))
	for i, item := range items {
		members[i] = item.Member
	}
	members, portOf, err = s.pools.Resolve(ctx, b.Pool, members)
	if err != nil {
		return b, "", err
	}
	if twice := duplicates(members); len(twice) > 0 {
		return b, "", lsapi.Errorf(lsapi.CodeInvalid, "these members are named twice: %s", strings.Join(twice, ", "))
	}
	for i, member := range members {
		items[i].Member = member
	}
	b.Items = items
	return b, portOf, nil
}

// duplicates returns the members that are among others more than once.
func duplicates(members []lsapi.MemberID) (twice []string) {
	times := make(map[lsapi.MemberID]int, len(members))
	for _, m := range members {
		if times[m]++; times[m] == 2 {
			twice = append(twice, m.String())
		}
	}
	return twice
}
