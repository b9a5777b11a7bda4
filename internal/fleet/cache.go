package fleet

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lsapi"
	"lsapi/internal/background"
)

// fetch returns values by name, without unknown names.
type fetch[V any] func(ctx context.Context, names []string) (map[string]V, error)

// cache caches fetched values, and for a shorter time failures. Concurrent callers share a
// fetch, which continues if they leave.
type cache[V any] struct {
	group    *background.Group // of the fetches
	lifetime time.Duration
	batch    int // the most names of a fetch
	fetch    fetch[V]

	mu      sync.Mutex
	entries *simplelru.LRU[string, *cacheEntry[V]]
}

// cacheEntry is the result for one name, once done is closed.
type cacheEntry[V any] struct {
	began time.Time
	done  chan struct{}
	value V
	found bool
	err   error
}

func newCache[V any](group *background.Group, lifetime time.Duration, batch int, fetch fetch[V]) *cache[V] {
	entries, _ := simplelru.NewLRU[string, *cacheEntry[V]](maxCached, nil) // fails for a size below 1 only
	return &cache[V]{group: group, lifetime: lifetime, batch: batch, fetch: fetch, entries: entries}
}

// get returns the values of the names that have one. With an error it returns those that
// could be read.
func (c *cache[V]) get(ctx context.Context, names ...string) (map[string]V, error) {
	values := make(map[string]V, len(names))
	var failure error
	for name, e := range c.lookUp(names) {
		select {
		case <-e.done:
		case <-ctx.Done():
			return values, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
		if e.err != nil {
			failure = e.err
		} else if e.found {
			values[name] = e.value
		}
	}
	return values, failure
}

// lookUp returns the entries of the names, and starts to fetch missing and expired ones.
func (c *cache[V]) lookUp(names []string) map[string]*cacheEntry[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	all := make(map[string]*cacheEntry[V], len(names))
	var missing []string
	for _, name := range names {
		if all[name] != nil {
			continue
		}
		e, ok := c.entries.Get(name)
		if !ok || e.isExpired(now, c.lifetime) {
			e = &cacheEntry[V]{began: now, done: make(chan struct{})}
			c.entries.Add(name, e)
			missing = append(missing, name)
		}
		all[name] = e
	}
	for batch := range slices.Chunk(missing, c.batch) {
		entries := make(map[string]*cacheEntry[V], len(batch))
		for _, name := range batch {
			entries[name] = all[name]
		}
		started := c.group.Go(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
			defer cancel()
			values, err := c.fetch(ctx, batch)
			complete(entries, values, err)
		})
		if !started {
			complete(entries, nil, errStopping())
		}
	}
	return all
}

func (e *cacheEntry[V]) isExpired(now time.Time, lifetime time.Duration) bool {
	select {
	case <-e.done:
	default:
		return false
	}
	if e.err != nil {
		lifetime = failureLifetime
	}
	return now.Sub(e.began) > lifetime
}

// complete sets the entries' results and wakes their waiters.
func complete[V any](entries map[string]*cacheEntry[V], values map[string]V, err error) {
	for name, e := range entries {
		e.value, e.found = values[name]
		e.err = err
		close(e.done)
	}
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }
