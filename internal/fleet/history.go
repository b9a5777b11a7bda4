package fleet

import (
	"context"

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

// newHistoryReads returns reads of the record with bounded concurrency.
func newHistoryReads(work *background.Group, record Record, reads int) *historyReads {
	o := coalesce.Options{Calls: max(1, reads), Timeout: partTimeout}
	return coalesce.New(work, o, func(ctx context.Context, keys []historyKey) (map[historyKey]map[lsapi.MemberID]lsapi.MemberHistory, error) {
		var members []lsapi.MemberID
		if member := keys[0].member; !member.IsZero() {
			members = []lsapi.MemberID{member}
		}
		found, err := record.MemberHistory(ctx, keys[0].pool, members)
		return map[historyKey]map[lsapi.MemberID]lsapi.MemberHistory{keys[0]: found}, err
	})
}
