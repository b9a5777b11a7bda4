package cli

import (
	"context"

	"lsapi"
	"lsapi/internal/app"
	"lsapi/internal/record"
)

// recordPages returns a function for eachPage that reads the changes of the record.
func recordPages(ctx context.Context, record record.Store, filter lsapi.ChangeFilter) func(size int) ([]lsapi.Change, bool, error) {
	return func(size int) ([]lsapi.Change, bool, error) {
		filter.Limit = size
		page, err := record.Changes(ctx, filter)
		if err != nil {
			return nil, false, &app.StoreError{Err: err}
		}
		if len(page) < size {
			return page, false, nil
		}
		filter.Before = page[size-1].ID
		return page, true, nil
	}
}

// eachPage shows up to limit changes, or all if limit is 0, and returns how many. fetch
// returns the next page of at most the given size, and whether there are more.
func eachPage[C any](limit int, fetch func(size int) ([]C, bool, error), show func(C) error) (shown int, err error) {
	for more := true; more && (limit == 0 || shown < limit); {
		size := listPage
		if limit > 0 {
			size = min(size, limit-shown)
		}
		var page []C
		if page, more, err = fetch(size); err != nil {
			return shown, err
		}
		for _, change := range page {
			if err := show(change); err != nil {
				return shown, err
			}
			shown++
		}
	}
	return shown, nil
}
