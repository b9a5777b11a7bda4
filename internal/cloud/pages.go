package cloud

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// pageTimeout bounds each page of a listing, retries included. It is shorter than a
// client's timeout, so that a listing fails while readers still wait.
const pageTimeout = 10 * time.Second

// FetchPage returns the page of a token, nil for the first, and the token of the next.
type FetchPage[T any] func(ctx context.Context, token *string) (page []T, next *string, err error)

// ListPages returns the pages of a listing, through a cache. It requests a page after the
// loop body has returned from the last. An error is the last pair.
func ListPages[T any](ctx context.Context, priority Priority, cache *PageCache[T], fetch FetchPage[T]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		ctx, done := priority.Begin(ctx)
		defer done()
		cache.begin()
		var token *string
		for {
			page, next, err := cachedPage(ctx, cache, token, fetch)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || aws.ToString(next) == "" {
				return
			}
			token = next
		}
	}
}

// cachedPage fetches a page through the cache, within pageTimeout.
func cachedPage[T any](ctx context.Context, cache *PageCache[T], token *string, fetch FetchPage[T]) (page []T, next *string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	page, err = cache.page(ctx, func(ctx context.Context) (page []T, err error) {
		page, next, err = fetch(ctx, token)
		return page, err
	})
	if err != nil {
		return nil, nil, Coded(ctx, err)
	}
	return page, next, nil
}
