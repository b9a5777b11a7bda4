package fleet

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// Tags caches the tags of pools for all their readers: views, which can leave them out, and
// guards, which cannot. They are at most two minutes old. It is safe for concurrent use.
type Tags struct {
	*entries[lsapi.PoolID, map[string]string] // also of the Fleet's cache

	guarded   *cache[lsapi.PoolID, map[string]string]
	refreshed *cache[lsapi.PoolID, map[string]string]
	group     *background.Group

	wanting sync.Mutex
	wanted  map[lsapi.PoolID]time.Time // when the guards of a pool last needed them
}

// NewTags returns an empty cache. Guards read by guarded, refreshes by refreshed.
func NewTags(guarded, refreshed TagReader) *Tags {
	group := background.New()
	shared := newEntries[lsapi.PoolID, map[string]string](settingsLifetime)
	shared.denied = settingsLifetime // a denial must not cost a call for each change
	return &Tags{
		entries:   shared,
		guarded:   cacheOf(shared, group, tagsBatch, tagsFrom(guarded)),
		refreshed: cacheOf(shared, group, tagsBatch, tagsFrom(refreshed)),
		group:     group,
		wanted:    make(map[lsapi.PoolID]time.Time),
	}
}

// Start starts the refreshes.
func (t *Tags) Start() {
	t.group.Go(func(ctx context.Context) { background.Every(ctx, tagsEvery, func() { t.refresh(ctx) }) })
}

// Close ends the reads. Its error is ctx's, if ctx ends first. Later reads are
// CodeUnavailable.
func (t *Tags) Close(ctx context.Context) error { return t.group.Close(ctx) }

// Of returns the tags of a pool, none for one that does not exist. The caller must not
// change them.
//
// Errors: CodeForbidden if AWS denies reading tags, for two minutes. Others are those of the
// read, for two seconds.
func (t *Tags) Of(ctx context.Context, pool lsapi.PoolID) (map[string]string, error) {
	t.want(pool)
	found, err := t.guarded.get(ctx, pool)
	return found[pool], err
}

// want lets the tags of a pool be read in the background, and kept fresh.
func (t *Tags) want(pool lsapi.PoolID) {
	t.wanting.Lock()
	defer t.wanting.Unlock()
	t.wanted[pool] = time.Now()
}

// isWanted reports whether guards needed the tags of a pool lately.
func (t *Tags) isWanted(pool lsapi.PoolID) bool {
	t.wanting.Lock()
	defer t.wanting.Unlock()
	return !t.wanted[pool].IsZero()
}

// Known returns the tags that Of would return without a call; false if it needs one, or
// they cannot be read.
func (t *Tags) Known(pool lsapi.PoolID) (map[string]string, bool) {
	found, missing, failure := t.lookUp([]lsapi.PoolID{pool})
	return found[pool], len(missing) == 0 && failure == nil
}

// refresh refreshes the tags that guards needed lately and that expire soon. A failure is
// tried again at the next refresh, while they are valid.
func (t *Tags) refresh(ctx context.Context) {
	for batch := range slices.Chunk(t.due(time.Now()), tagsBatch) {
		timely, cancel := context.WithTimeout(ctx, fetchTimeout)
		_ = t.refreshed.refresh(timely, batch) // it leaves the tags as they are
		cancel()
	}
}

// due returns the pools to refresh, sorted, and forgets those that are not wanted any more.
func (t *Tags) due(now time.Time) []lsapi.PoolID {
	t.wanting.Lock()
	defer t.wanting.Unlock()
	var due []lsapi.PoolID
	for pool, at := range t.wanted {
		expires, ok := t.expiry(pool)
		switch {
		case now.Sub(at) > tagsWanted:
			delete(t.wanted, pool)
		case !ok || expires.Sub(now) <= settingsLifetime/2:
			due = append(due, pool)
		}
	}
	slices.SortFunc(due, lsapi.PoolID.Compare)
	return due
}

// tagsFrom returns the fetch function of a cache of tags. If one of the pools has been
// deleted, AWS returns the tags of none; they are then read in halves.
func tagsFrom(r TagReader) fetch[lsapi.PoolID, map[string]string] {
	var read fetch[lsapi.PoolID, map[string]string]
	read = func(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error) {
		tags, err := r.Tags(ctx, pools)
		if lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			return tags, err
		}
		all := make(map[lsapi.PoolID]map[string]string, len(pools))
		if len(pools) == 1 {
			return all, nil
		}
		for _, half := range [][]lsapi.PoolID{pools[:len(pools)/2], pools[len(pools)/2:]} {
			tags, err := read(ctx, half)
			if err != nil {
				return nil, err
			}
			maps.Copy(all, tags)
		}
		return all, nil
	}
	return read
}
