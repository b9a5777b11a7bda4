package fleet

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// fetch returns values by key, without unknown keys.
type fetch[K comparable, V any] func(ctx context.Context, keys []K) (map[K]V, error)

// cache caches fetched values, and for a shorter time failures. Callers share fetches.
type cache[K comparable, V any] struct {
	*entries[K, V]
	fetch   fetch[K, V]
	fetches *coalesce.Group[K, V]
}

// entries are the content of caches, which may fetch it differently.
type entries[K comparable, V any] struct {
	lifetime time.Duration
	denied   time.Duration // the lifetime of CodeForbidden

	mu  sync.Mutex
	lru *simplelru.LRU[K, cacheEntry[V]]
}

// cacheEntry is the result for one key.
type cacheEntry[V any] struct {
	value   V
	found   bool
	err     error
	expires time.Time
}

func newCache[K comparable, V any](group *background.Group, lifetime time.Duration, batch int, fetch fetch[K, V]) *cache[K, V] {
	return cacheOf(newEntries[K, V](lifetime), group, batch, fetch)
}

func newEntries[K comparable, V any](lifetime time.Duration) *entries[K, V] {
	lru, _ := simplelru.NewLRU[K, cacheEntry[V]](maxCached, nil) // fails for a size below 1 only
	return &entries[K, V]{lifetime: lifetime, denied: failureLifetime, lru: lru}
}

// cacheOf returns a cache that adds to entries.
func cacheOf[K comparable, V any](e *entries[K, V], group *background.Group, batch int, fetch fetch[K, V]) *cache[K, V] {
	c := &cache[K, V]{entries: e, fetch: fetch}
	o := coalesce.Options{Calls: maxFetches, Batch: batch, Timeout: fetchTimeout}
	c.fetches = coalesce.New(group, o, func(ctx context.Context, keys []K) (map[K]V, error) {
		values, missing, failure := c.lookUp(keys) // an earlier fetch may have had them
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

// get returns the values of the keys that have one. With an error it returns those that
// could be read.
func (c *cache[K, V]) get(ctx context.Context, keys ...K) (map[K]V, error) {
	values, missing, failure := c.lookUp(keys)
	fetched, err := c.fetches.Do(ctx, missing...)
	maps.Copy(values, fetched)
	if err != nil {
		failure = err
	}
	return values, failure
}

// refresh fetches values before they expire. After a failure, the cached ones stay.
func (c *cache[K, V]) refresh(ctx context.Context, keys []K) error {
	began := time.Now()
	fetched, err := c.fetch(ctx, keys)
	if err == nil {
		c.store(keys, fetched, nil, began)
	}
	return err
}

// expiry returns when the result for a key expires; false if there is none.
func (c *entries[K, V]) expiry(key K) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.lru.Peek(key)
	return e.expires, ok
}

// lookUp returns the cached values, the keys that are not cached, and a cached failure.
func (c *entries[K, V]) lookUp(keys []K) (values map[K]V, missing []K, failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	values = make(map[K]V, len(keys))
	for _, key := range keys {
		switch e, ok := c.lru.Get(key); {
		case !ok || now.After(e.expires):
			missing = append(missing, key)
		case e.err != nil:
			failure = e.err
		case e.found:
			values[key] = e.value
		}
	}
	return values, missing, failure
}

// store stores the result of a fetch.
func (c *entries[K, V]) store(keys []K, values map[K]V, err error, began time.Time) {
	lifetime := c.lifetime
	if lsapi.ErrorCode(err) == lsapi.CodeForbidden {
		lifetime = c.denied
	} else if err != nil {
		lifetime = failureLifetime
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		value, found := values[key]
		c.lru.Add(key, cacheEntry[V]{value, found, err, began.Add(lifetime)})
	}
}
