package cloud

import (
	"context"
	"slices"
	"sync"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/cloud/budget"
)

// LaneClient is the Client of the lanes. It has the priority Write, and batches the
// instance lookups of different lanes.
type LaneClient struct {
	*Client
	lookups *Lookups
}

// ForLanes returns the Client of the lanes. It must be closed.
func (c *Client) ForLanes() LaneClient {
	client := c.For(budget.Write)
	return LaneClient{client, NewLookups(client.Instances)}
}

// Close is Lookups.Close.
func (c LaneClient) Close(ctx context.Context) error { return c.lookups.Close(ctx) }

// Instances is Lookups.Instances.
func (c LaneClient) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	return c.lookups.Instances(ctx, ids)
}

// maxLookups is how many batched lookups run at once: enough that a slow one delays no
// other, few enough that a burst is batched.
const maxLookups = 4

// Lookups batches instance lookups: those that wait while maxLookups run go into the next
// call. A lookup that has begun is not joined, so that its result is never older than the
// caller's request.
type Lookups struct {
	group *background.Group
	find  func(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)

	mu      sync.Mutex
	waiting []*lookup
	running int
}

// lookup is a batch.
type lookup struct {
	ids   []string // sorted and unique; at most maxFilterValues, which is one call
	done  chan struct{}
	found map[string]lsapi.Instance
	err   error
}

// NewLookups returns Lookups that call find. They must be closed.
func NewLookups(find func(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)) *Lookups {
	return &Lookups{group: background.New(), find: find}
}

// Close cancels the running lookups and waits for their end. It returns an error if ctx
// ends first. Later lookups are CodeUnavailable.
func (l *Lookups) Close(ctx context.Context) error { return l.group.Close(ctx) }

// Instances returns EC2's description of instances, by id. CodeTimeout: ctx ended first;
// the lookup continues for its other callers.
func (l *Lookups) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	var joined []*lookup
	l.mu.Lock()
	for batch := range slices.Chunk(ids, maxFilterValues) {
		joined = append(joined, l.join(batch))
	}
	l.mu.Unlock()

	found := make(map[string]lsapi.Instance, len(ids))
	for _, lookup := range joined {
		select {
		case <-lookup.done:
		case <-ctx.Done():
			return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
		}
		if lookup.err != nil {
			return nil, lookup.err
		}
		for _, id := range ids {
			if instance, ok := lookup.found[id]; ok {
				found[id] = instance
			}
		}
	}
	return found, nil
}

// join adds ids to a waiting lookup with room, or to a new one, which starts at once if it
// may. The caller holds mu.
func (l *Lookups) join(ids []string) *lookup {
	for _, waiting := range l.waiting {
		if union := union(waiting.ids, ids); len(union) <= maxFilterValues {
			waiting.ids = union
			return waiting
		}
	}
	fresh := &lookup{ids: union(nil, ids), done: make(chan struct{})}
	switch {
	case l.running >= maxLookups:
		l.waiting = append(l.waiting, fresh)
	case l.group.Go(func(ctx context.Context) { l.run(ctx, fresh) }):
		l.running++
	default:
		fresh.err = lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping")
		close(fresh.done)
	}
	return fresh
}

// run runs a lookup, and then the waiting ones.
func (l *Lookups) run(ctx context.Context, next *lookup) {
	for next != nil {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		next.found, next.err = l.find(ctx, next.ids)
		cancel()
		close(next.done)
		next = l.next()
	}
}

func (l *Lookups) next() *lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.running--
		return nil
	}
	next := l.waiting[0]
	l.waiting = l.waiting[1:]
	return next
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
