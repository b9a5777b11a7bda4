package fleet

import (
	"context"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// history is the history of the instances of a load balancer.
type history struct {
	byID        map[string]lsapi.MemberHistory
	unavailable bool
}

func (h history) of(instanceID string) lsapi.MemberHistory {
	if h.unavailable {
		return lsapi.MemberHistory{Unavailable: true}
	}
	return h.byID[instanceID]
}

// historyKey is an instance of a load balancer; an empty instanceID is all of them.
type historyKey struct{ loadBalancer, instanceID string }

type historyReads = coalesce.Group[historyKey, map[string]lsapi.MemberHistory]

// newHistoryReads returns reads of the record with bounded concurrency.
func newHistoryReads(work *background.Group, record Record, reads int) *historyReads {
	o := coalesce.Options{Calls: max(1, reads), Timeout: partTimeout}
	return coalesce.New(work, o, func(ctx context.Context, keys []historyKey) (map[historyKey]map[string]lsapi.MemberHistory, error) {
		var ids []string
		if id := keys[0].instanceID; id != "" {
			ids = []string{id}
		}
		found, err := record.MemberHistory(ctx, keys[0].loadBalancer, ids)
		return map[historyKey]map[string]lsapi.MemberHistory{keys[0]: found}, err
	})
}
