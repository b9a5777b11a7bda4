package fleet

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// fetch returns values by name, without unknown names.
type fetch[V any] func(ctx context.Context, names []string) (map[string]V, error)

// cache caches fetched values, and for a shorter time failures. Callers share fetches.
type cache[V any] struct {
	lifetime time.Duration
	fetches  *coalesce.Group[string, V]

	mu      sync.Mutex
	entries *simplelru.LRU[string, cacheEntry[V]]
}

// cacheEntry is the result for one name.
type cacheEntry[V any] struct {
	value   V
	found   bool
	err     error
	expires time.Time
}

func newCache[V any](group *background.Group, lifetime time.Duration, batch int, fetch fetch[V]) *cache[V] {
	entries, _ := simplelru.NewLRU[string, cacheEntry[V]](maxCached, nil) // fails for a size below 1 only
	c := &cache[V]{lifetime: lifetime, entries: entries}
	o := coalesce.Options{Calls: maxFetches, Batch: batch, Timeout: fetchTimeout}
	c.fetches = coalesce.New(group, o, func(ctx context.Context, names []string) (map[string]V, error) {
		values, missing, failure := c.lookUp(names) // an earlier fetch may have had them
		if len(missing) == 0 {
			return values, failure
		}
		began := time.Now()
		fetched, err := fetch(ctx, missing)
		c.store(missing, fetched, err, began)
		maps.Copy(values, fetched)
		return values, errors.Join(failure, err)
	})
	return c
}

// get returns the values of the names that have one. With an error it returns those that
// could be read.
func (c *cache[V]) get(ctx context.Context, names ...string) (map[string]V, error) {
	values, missing, failure := c.lookUp(names)
	fetched, err := c.fetches.Do(ctx, missing...)
	maps.Copy(values, fetched)
	if err != nil {
		failure = err
	}
	return values, failure
}

// lookUp returns the cached values, the names that are not cached, and a cached failure.
func (c *cache[V]) lookUp(names []string) (values map[string]V, missing []string, failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	values = make(map[string]V, len(names))
	for _, name := range names {
		switch e, ok := c.entries.Get(name); {
		case !ok || now.After(e.expires):
			missing = append(missing, name)
		case e.err != nil:
			failure = e.err
		case e.found:
			values[name] = e.value
		}
	}
	return values, missing, failure
}

// store stores the result of a fetch.
func (c *cache[V]) store(names []string, values map[string]V, err error, began time.Time) {
	lifetime := c.lifetime
	if err != nil {
		lifetime = failureLifetime
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		value, found := values[name]
		c.entries.Add(name, cacheEntry[V]{value, found, err, began.Add(lifetime)})
	}
}
