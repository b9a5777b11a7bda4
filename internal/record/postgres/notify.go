package postgres

import (
	"context"
	"maps"
	"slices"
	"sync"

	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// The channels on which replicas notify each other. A notification is a hint: waiters also
// look at intervals.
const (
	leasesChannel   = "lsapi_leases"   // a lease was released; the payload is its name
	changesChannel  = "lsapi_changes"  // changes were applied; implies events
	eventsChannel   = "lsapi_events"   // there are other events
	listingsChannel = "lsapi_listings" // a listing was published
	healthChannel   = "lsapi_health"   // a report of health was published
)

// notifier sends notifications, outside the transactions of their subjects, because
// PostgreSQL serializes commits with notifications. Those that arrive during one query are
// sent together in the next.
type notifier struct {
	*engine
	ready chan struct{} // holds one value when there are some to send

	mu      sync.Mutex
	pending map[string]map[string]bool // payloads, by channel
}

func newNotifier(e *engine) *notifier {
	return &notifier{engine: e, ready: make(chan struct{}, 1), pending: make(map[string]map[string]bool)}
}

func (n *notifier) notify(channel, payload string) {
	n.mu.Lock()
	if n.pending[channel] == nil {
		n.pending[channel] = make(map[string]bool)
	}
	n.pending[channel][payload] = true
	n.mu.Unlock()
	record.Signal(n.ready)
}

func (n *notifier) run(ctx context.Context) {
	for {
		select {
		case <-n.ready:
		case <-ctx.Done():
			return
		}
		n.mu.Lock()
		pending := n.pending
		n.pending = make(map[string]map[string]bool)
		n.mu.Unlock()
		for channel, payloads := range pending {
			// A lost notification only delays the others.
			_ = n.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
				return q.Notify(ctx, postgresdb.NotifyParams{Channel: channel, Payloads: slices.Collect(maps.Keys(payloads))})
			})
		}
	}
}
