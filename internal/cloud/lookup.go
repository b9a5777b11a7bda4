package cloud

import (
	"context"
	"slices"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

const (
	// maxLookups is how many shared lookups are in flight at once: enough that
	// one which hangs holds nobody up, few enough that a burst travels together.
	maxLookups = 4
	// lookupTimeout bounds each filtered lookup, its retries included, whoever
	// waits for it.
	lookupTimeout = 10 * time.Second
)

// Lookups lets lookups of instances from different callers travel together: what
// waits while maxLookups are in flight goes out in the next one, so that fifty
// lanes that each change ten instances cost a few calls and not fifty.
//
// A lookup is never joined once it has begun: what it finds was asked for after
// its callers came.
type Lookups struct {
	work *background.Group
	find func(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)

	mu       sync.Mutex
	waiting  []*lookup
	inFlight int
}

// lookup is one that has not begun, or is under way.
type lookup struct {
	ids   []string // sorted, each once; at most maxFilterValues, which is one call
	done  chan struct{}
	found map[string]lsapi.Instance
	err   error
}

// NewLookups returns Lookups that find by find, until they are closed.
func NewLookups(find func(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)) *Lookups {
	return &Lookups{work: background.New(), find: find}
}

// Close ends the lookups that are under way, and waits until they have ended. Its
// error says that ctx ended before that. Later ones are CodeUnavailable.
func (l *Lookups) Close(ctx context.Context) error { return l.work.Close(ctx) }

// Instances returns what EC2 knows of the instances, by id. When ctx ends first, it returns CodeTimeout and leaves the lookup to
// whoever shares it.
func (l *Lookups) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	var mine []*lookup
	l.mu.Lock()
	for batch := range slices.Chunk(ids, maxFilterValues) {
		mine = append(mine, l.join(batch))
	}
	l.mu.Unlock()

	found := make(map[string]lsapi.Instance, len(ids))
	for _, shared := range mine {
		select {
		case <-shared.done:
		case <-ctx.Done():
			return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
		}
		if shared.err != nil {
			return nil, shared.err
		}
		for _, id := range ids {
			if instance, ok := shared.found[id]; ok {
				found[id] = instance
			}
		}
	}
	return found, nil
}

// join adds ids to a lookup that waits and has room, or to a new one, which
// begins at once if it may. The caller holds mu.
func (l *Lookups) join(ids []string) *lookup {
	for _, waiting := range l.waiting {
		if union := union(waiting.ids, ids); len(union) <= maxFilterValues {
			waiting.ids = union
			return waiting
		}
	}
	fresh := &lookup{ids: union(nil, ids), done: make(chan struct{})}
	switch {
	case l.inFlight >= maxLookups:
		l.waiting = append(l.waiting, fresh)
	case l.work.Go(func(ctx context.Context) { l.run(ctx, fresh) }):
		l.inFlight++
	default:
		fresh.err = lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping")
		close(fresh.done)
	}
	return fresh
}

// run carries out a lookup, and then what waits. It ends with the last of them,
// each within lookupTimeout.
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
		l.inFlight--
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
