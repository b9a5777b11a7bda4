package fleet

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// history is the history of the members of a pool.
type history struct {
	byID        map[lsapi.MemberID]lsapi.MemberHistory
	unavailable bool
}

func (h history) of(member lsapi.MemberID) lsapi.MemberHistory {
	if h.unavailable {
		return lsapi.MemberHistory{Unavailable: true}
	}
	return h.byID[member]
}

// historyKey is a member of a pool; the zero member is all of them.
type historyKey struct {
	pool   lsapi.PoolID
	member lsapi.MemberID
}

type historyReads = coalesce.Group[historyKey, map[lsapi.MemberID]lsapi.MemberHistory]

// newHistoryReads returns reads of the record within a bound on their concurrency.
func newHistoryReads(work *background.Group, record Record, reads *semaphore.Weighted) *historyReads {
	o := coalesce.Options{Calls: maxFetches, Timeout: partTimeout}
	return coalesce.New(work, o, func(ctx context.Context, keys []historyKey) (map[historyKey]map[lsapi.MemberID]lsapi.MemberHistory, error) {
		var members []lsapi.MemberID
		if member := keys[0].member; !member.IsZero() {
			members = []lsapi.MemberID{member}
		}
		if err := reads.Acquire(ctx, 1); err != nil {
			return nil, lsapi.Errorf(lsapi.CodeTimeout, "too many reads of the record wait")
		}
		defer reads.Release(1)
		found, err := record.MemberHistory(ctx, keys[0].pool, members)
		return map[historyKey]map[lsapi.MemberID]lsapi.MemberHistory{keys[0]: found}, err
	})
}

type laneReads = coalesce.Group[lsapi.PoolID, lsapi.LaneState]

// newLaneReads returns reads of the open changes of pools, of those that were applied within
// some time, and of the detached members, within the same bound.
func newLaneReads(work *background.Group, record Record, reads *semaphore.Weighted, within time.Duration) *laneReads {
	o := coalesce.Options{Calls: maxFetches, Timeout: partTimeout}
	return coalesce.New(work, o, func(ctx context.Context, keys []lsapi.PoolID) (map[lsapi.PoolID]lsapi.LaneState, error) {
		if err := reads.Acquire(ctx, 1); err != nil {
			return nil, lsapi.Errorf(lsapi.CodeTimeout, "too many reads of the record wait")
		}
		defer reads.Release(1)
		state, err := record.LaneState(ctx, keys[0], within)
		return map[lsapi.PoolID]lsapi.LaneState{keys[0]: state}, err
	})
}
