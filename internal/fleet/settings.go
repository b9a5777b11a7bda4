package fleet

import (
	"context"

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
