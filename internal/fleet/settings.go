package fleet

import (
	"context"
	"maps"

	"lsapi"
)

// eachPool returns the fetch function of a cache of what takes a call for each pool.
func eachPool[V any](read func(context.Context, lsapi.PoolID) (V, error)) fetch[lsapi.PoolID, V] {
	return func(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]V, error) {
		all := make(map[lsapi.PoolID]V, len(pools))
		for _, pool := range pools {
			found, err := read(ctx, pool)
			if err != nil {
				return nil, err
			}
			all[pool] = found
		}
		return all, nil
	}
}

// tagsFrom returns the fetch function of the cache of tags. If one of the pools has been
// deleted, AWS returns the tags of none; they are then read in halves.
func tagsFrom(s Settings) fetch[lsapi.PoolID, map[string]string] {
	var read fetch[lsapi.PoolID, map[string]string]
	read = func(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error) {
		tags, err := s.Tags(ctx, pools)
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
