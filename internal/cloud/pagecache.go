package cloud

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"sync"

	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PageCache caches the decoded pages of the last two listings by the digest of their XML.
// Most pages do not change between listings, and decoding them is the main cost of
// listing a large fleet.
type PageCache[T any] struct {
	element string // the XML element that contains the listed items

	mu                sync.Mutex
	previous, current map[digest][]T

	buffers sync.Pool // of response bodies, which are megabytes
}

// NewPageCache returns an empty cache of pages whose items are inside an XML element.
func NewPageCache[T any](element string) *PageCache[T] { return &PageCache[T]{element: element} }

// digest is the digest of the items' XML; zero without items.
type digest [sha256.Size]byte

// begin starts a listing: pages that occur neither in the last nor in this one are removed.
func (c *PageCache[T]) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.previous, c.current = c.current, make(map[digest][]T, len(c.current))
}

// page calls fetch, and returns its page or an equal cached one.
func (c *PageCache[T]) page(ctx context.Context, fetch func(context.Context) ([]T, error)) ([]T, error) {
	buffer, ok := c.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	defer c.buffers.Put(buffer)
	var cached []T
	lookup := &pageLookup{element: c.element, buffer: buffer}
	lookup.find = func(d digest) (ok bool) { cached, ok = c.find(d); return ok }
	page, err := fetch(context.WithValue(ctx, pageLookupKey{}, lookup))
	if err != nil {
		return nil, err
	}
	if lookup.hit {
		page = cached
	}
	if lookup.digest != (digest{}) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.current[lookup.digest] = page
	}
	return page, nil
}

func (c *PageCache[T]) find(d digest) (page []T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if page, ok = c.current[d]; !ok {
		page, ok = c.previous[d]
	}
	return page, ok
}

// pageLookup is the cache lookup of a call. It travels in the call's context.
type pageLookup struct {
	element string
	find    func(digest) bool
	buffer  *bytes.Buffer // of the response; exclusive until the call ends

	digest digest
	hit    bool
}

type pageLookupKey struct{}

// addPageLookup adds lookUpPage where responses arrive.
func addPageLookup(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("lsapi:LookUpPage", lookUpPage), middleware.After)
}

// lookUpPage looks up the response of a call with a pageLookup.
func lookUpPage(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	lookup, requested := ctx.Value(pageLookupKey{}).(*pageLookup)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !requested || !ok || response.StatusCode != http.StatusOK {
		return out, metadata, err
	}
	lookup.buffer.Reset() // it may hold an earlier attempt
	if _, err := lookup.buffer.ReadFrom(response.Body); err != nil {
		return out, metadata, &smithy.DeserializationError{Err: err}
	}
	_ = response.Body.Close() // it was read to its end
	response.Body = io.NopCloser(bytes.NewReader(lookup.strip(lookup.buffer.Bytes())))
	return out, metadata, nil
}

// strip looks up the items of a body, and removes them if they are cached. What remains
// has the token of the next page.
func (l *pageLookup) strip(body []byte) []byte {
	l.digest, l.hit = digest{}, false
	from := bytes.Index(body, []byte("<"+l.element+">"))
	to := bytes.LastIndex(body, []byte("</"+l.element+">"))
	if from < 0 || to < from {
		return body // no items
	}
	from += len("<" + l.element + ">")
	l.digest = sha256.Sum256(body[from:to])
	if l.hit = l.find(l.digest); l.hit {
		return append(body[:from], body[to:]...)
	}
	return body
}
