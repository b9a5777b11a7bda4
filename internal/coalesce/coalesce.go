// Package coalesce lets callers that need the same answer share the call that gets it.
//
// A call serves only callers that came before it began, so that no answer is older than
// its request. Each caller waits within its own context, and none can cut off a call for
// the others. A call whose callers have all left before it began is not made. One that has
// begun is finished, because its cost is paid, and nothing is saved by breaking a
// connection. A call that fails fails for all its callers; a panic ends the process.
//
// Where callers may join a call in progress, x/sync/singleflight suffices.
package coalesce

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// retryAfter is the advice to a caller that finds no room.
const retryAfter = time.Second

// Options bound the calls of a Group. Calls and Timeout are required.
type Options struct {
	// Calls is the maximum number of concurrent calls.
	Calls int
	// Timeout bounds a call.
	Timeout time.Duration
	// Batch is the maximum number of keys of a call. Default: 1.
	Batch int
	// Waiting is the maximum number of keys that wait for a call. Default: no limit.
	Waiting int
}

// Group shares calls by key. A key has at most one call in progress. It is safe for
// concurrent use.
type Group[K comparable, V any] struct {
	work *background.Group
	o    Options
	call func(ctx context.Context, keys []K) (map[K]V, error)

	mu      sync.Mutex
	waiting map[K]*request[V] // without a call
	queue   []K               // the waiting keys that may get one, in order
	active  map[K]*request[V] // with a call in progress
	calls   int               // goroutines that make calls
}

// request is the request of all callers that share a call for a key.
type request[V any] struct {
	callers int
	joined  time.Time     // when the last caller came
	done    chan struct{} // closed when the answer is set
	value   V
	found   bool
	err     error
}

// New returns a Group whose calls are goroutines of work. A call returns the values of the
// keys that have one.
func New[K comparable, V any](work *background.Group, o Options, call func(ctx context.Context, keys []K) (map[K]V, error)) *Group[K, V] {
	o.Batch = max(1, o.Batch)
	return &Group[K, V]{work: work, o: o, call: call, waiting: make(map[K]*request[V]), active: make(map[K]*request[V])}
}

// Do returns the values of the keys that have one, from calls that begin after Do. With an
// error it returns those that it got.
//
// Errors: those of the calls. CodeTimeout: ctx ended first. CodeThrottled: too many keys
// wait. CodeUnavailable: work is closed.
func (g *Group[K, V]) Do(ctx context.Context, keys ...K) (map[K]V, error) {
	requests, err := g.join(keys)
	if err != nil {
		return nil, err
	}
	defer g.leave(keys, requests)
	values := make(map[K]V, len(keys))
	var failure error
	for i, r := range requests {
		err := g.await(ctx, r)
		if err == nil && r.found {
			values[keys[i]] = r.value
		}
		if err == nil {
			err = r.err
		}
		failure = cmp.Or(failure, err)
	}
	return values, failure
}

// await waits for the answer of a request. An answer that is there counts, even if ctx has
// ended.
func (g *Group[K, V]) await(ctx context.Context, r *request[V]) error {
	select {
	case <-r.done:
		return nil
	default:
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
	case <-g.work.Context().Done():
		return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping")
	}
}

// Start makes a call for a key without waiting for its answer. The call is not made if too
// many keys wait.
func (g *Group[K, V]) Start(key K) { _, _ = g.join([]K{key}) }

// Release ends the wait for keys without a call, when other work has had their effect. It
// concerns keys whose callers all came before that work began. The result's done reports
// whether the work included a key; its callers get err and no value. result must not use
// the Group.
func (g *Group[K, V]) Release(began time.Time, result func(key K) (done bool, err error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, r := range g.waiting {
		if r.joined.After(began) {
			continue
		}
		if done, err := result(key); done {
			g.remove(key)
			r.err = err
			close(r.done)
		}
	}
}

// join adds a caller to the next call for each key.
func (g *Group[K, V]) join(keys []K) ([]*request[V], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	isNew := func(key K) bool { return g.waiting[key] == nil }
	if g.o.Waiting > 0 && len(g.waiting) >= g.o.Waiting && slices.ContainsFunc(keys, isNew) {
		return nil, &lsapi.Error{Code: lsapi.CodeThrottled, Message: "too many reads are waiting", RetryAfter: retryAfter}
	}
	requests := make([]*request[V], len(keys))
	for i, key := range keys {
		r := g.waiting[key]
		if r == nil {
			r = &request[V]{done: make(chan struct{})}
			g.waiting[key] = r
			if g.active[key] == nil {
				g.queue = append(g.queue, key)
			}
		}
		r.callers++
		r.joined = time.Now()
		requests[i] = r
	}
	g.start()
	return requests, nil
}

// leave removes a caller from its requests.
func (g *Group[K, V]) leave(keys []K, requests []*request[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, r := range requests {
		if r.callers--; r.callers == 0 && g.waiting[keys[i]] == r {
			g.remove(keys[i])
		}
	}
}

// remove removes a waiting key. The caller holds mu.
func (g *Group[K, V]) remove(key K) {
	delete(g.waiting, key)
	g.queue = slices.DeleteFunc(g.queue, func(queued K) bool { return queued == key })
}

// start starts a goroutine for the queue, if one is free. The caller holds mu.
func (g *Group[K, V]) start() {
	if len(g.queue) > 0 && g.calls < g.o.Calls && g.work.Go(g.run) {
		g.calls++
	}
}

// run makes calls until the queue is empty.
func (g *Group[K, V]) run(ctx context.Context) {
	for keys := g.begin(ctx); len(keys) > 0; keys = g.begin(ctx) {
		bounded, cancel := context.WithTimeout(ctx, g.o.Timeout)
		values, err := g.call(bounded, keys)
		cancel()
		g.end(keys, values, err)
	}
}

// begin takes the keys of the next call from the queue. No caller joins it from now on.
func (g *Group[K, V]) begin(ctx context.Context) []K {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ctx.Err() != nil || len(g.queue) == 0 {
		g.calls--
		return nil
	}
	keys := slices.Clone(g.queue[:min(g.o.Batch, len(g.queue))])
	g.queue = g.queue[len(keys):]
	for _, key := range keys {
		g.active[key] = g.waiting[key]
		delete(g.waiting, key)
	}
	g.start()
	return keys
}

// end answers the callers of a call.
func (g *Group[K, V]) end(keys []K, values map[K]V, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range keys {
		r := g.active[key]
		delete(g.active, key)
		r.value, r.found = values[key]
		r.err = err
		close(r.done)
		if g.waiting[key] != nil {
			g.queue = append(g.queue, key)
		}
	}
	g.start()
}
