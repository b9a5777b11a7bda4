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

// listing remembers the pages of the last two listings of something. Most pages
// say what they said a while ago, and reading the XML of a large fleet is what
// listing it costs: what a page lists is not read again when its bytes are known.
type listing[T any] struct {
	// element is the XML element that holds what a page lists.
	element string

	mu            sync.Mutex
	last, current map[digest][]T

	// buffers hold answers until they have been read. They are megabytes: made anew
	// for each page they would be what a refresh costs most.
	buffers sync.Pool
}

// digest is of the bytes of what a page lists. The zero digest is of none.
type digest [sha256.Size]byte

// begin starts a listing: what does not come up in it will be forgotten.
func (l *listing[T]) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.current = l.current, make(map[digest][]T, len(l.current))
}

// page returns what a page lists, as ask has read it, now or before.
func (l *listing[T]) page(ctx context.Context, ask func(context.Context) ([]T, error)) ([]T, error) {
	var known []T
	question := &recognition{element: l.element, buffer: l.buffer()}
	question.known = func(d digest) (ok bool) { known, ok = l.recall(d); return ok }
	defer l.buffers.Put(question.buffer)
	page, err := ask(context.WithValue(ctx, recognitionKey{}, question))
	if err != nil {
		return nil, err
	}
	if question.recognized {
		page = known
	}
	l.keep(question.digest, page)
	return page, nil
}

// buffer returns one that nobody else has.
func (l *listing[T]) buffer() *bytes.Buffer {
	if buffer, ok := l.buffers.Get().(*bytes.Buffer); ok {
		return buffer
	}
	return new(bytes.Buffer)
}

func (l *listing[T]) recall(d digest) (page []T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if page, ok = l.current[d]; !ok {
		page, ok = l.last[d]
	}
	return page, ok
}

func (l *listing[T]) keep(d digest, page []T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d != (digest{}) {
		l.current[d] = page
	}
}

// recognition is a question that travels with a call: is what the answer lists
// known?
type recognition struct {
	element string
	known   func(digest) bool
	buffer  *bytes.Buffer // for the answer; nobody else's until the call has ended

	digest     digest // of what the answer lists
	recognized bool   // it is known, and has been left out
}

type recognitionKey struct{}

// addRecognition puts recognize where the answer's bytes arrive.
func addRecognition(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("lsapi:Recognize", recognize), middleware.After)
}

// recognize answers the question that the call carries, if it carries one.
func recognize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	question, asked := ctx.Value(recognitionKey{}).(*recognition)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !asked || !ok || response.StatusCode != http.StatusOK {
		return out, metadata, err
	}
	question.buffer.Reset() // an earlier attempt may have left something
	if _, err := question.buffer.ReadFrom(response.Body); err != nil {
		return out, metadata, &smithy.DeserializationError{Err: err}
	}
	_ = response.Body.Close() // it has been read to its end
	response.Body = io.NopCloser(bytes.NewReader(question.answer(question.buffer.Bytes())))
	return out, metadata, nil
}

// answer returns what has to be read of the body: all of it but what it lists, if
// that is known. What is left tells which page is the next.
func (r *recognition) answer(body []byte) []byte {
	r.digest, r.recognized = digest{}, false
	from := bytes.Index(body, []byte("<"+r.element+">"))
	to := bytes.LastIndex(body, []byte("</"+r.element+">"))
	if from < 0 || to < from {
		return body // it lists nothing
	}
	from += len("<" + r.element + ">")
	r.digest = sha256.Sum256(body[from:to])
	if r.recognized = r.known(r.digest); r.recognized {
		return append(body[:from], body[to:]...)
	}
	return body
}
