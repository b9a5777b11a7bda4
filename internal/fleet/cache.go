package fleet

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lsapi"
	"lsapi/internal/background"
)

// cache remembers what somebody said of things, by their names, for a lifetime.
// Many who want to know the same share one question, which goes on when one of
// them leaves. A failure is remembered too, though not for long.
type cache[V any] struct {
	work     *background.Group // the questions, which are nobody's own
	lifetime time.Duration
	batch    int
	// ask returns what is known of at most batch things. What is absent is unknown.
	ask func(ctx context.Context, names []string) (map[string]V, error)

	mu    sync.Mutex
	known *simplelru.LRU[string, *answer[V]]
}

// answer is what was said of one thing, once done is closed.
type answer[V any] struct {
	began time.Time
	done  chan struct{}
	value V
	found bool
	err   error
}

func newCache[V any](work *background.Group, lifetime time.Duration, batch int, ask func(context.Context, []string) (map[string]V, error)) *cache[V] {
	known, _ := simplelru.NewLRU[string, *answer[V]](maxRemembered, nil) // fails for a size below 1 alone
	return &cache[V]{work: work, lifetime: lifetime, batch: batch, ask: ask, known: known}
}

// of returns what is known of the things, without those of which nothing is. If
// there is an error, the rest of it is returned all the same.
func (c *cache[V]) of(ctx context.Context, names ...string) (map[string]V, error) {
	values := make(map[string]V, len(names))
	var failure error
	for name, a := range c.answers(names) {
		select {
		case <-a.done:
		case <-ctx.Done():
			return values, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
		if a.err != nil {
			failure = a.err
		} else if a.found {
			values[name] = a.value
		}
	}
	return values, failure
}

// answers returns the answers of which some are still awaited, and asks for those
// that nobody has.
func (c *cache[V]) answers(names []string) map[string]*answer[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	all := make(map[string]*answer[V], len(names))
	var missing []string
	for _, name := range names {
		if all[name] != nil {
			continue
		}
		a, ok := c.known.Get(name)
		if !ok || a.isOver(now, c.lifetime) {
			a = &answer[V]{began: now, done: make(chan struct{})}
			c.known.Add(name, a)
			missing = append(missing, name)
		}
		all[name] = a
	}
	for some := range slices.Chunk(missing, c.batch) {
		asked := make(map[string]*answer[V], len(some))
		for _, name := range some {
			asked[name] = all[name]
		}
		if !c.work.Go(func(ctx context.Context) { c.fetch(ctx, some, asked) }) {
			note(asked, nil, errStopping())
		}
	}
	return all
}

// isOver reports whether an answer is there and too old.
func (a *answer[V]) isOver(now time.Time, lifetime time.Duration) bool {
	select {
	case <-a.done:
	default:
		return false
	}
	if a.err != nil {
		lifetime = failureLifetime
	}
	return now.Sub(a.began) > lifetime
}

func (c *cache[V]) fetch(ctx context.Context, names []string, into map[string]*answer[V]) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	values, err := c.ask(ctx, names)
	note(into, values, err)
}

// note gives their answers to those who wait.
func note[V any](into map[string]*answer[V], values map[string]V, err error) {
	for name, a := range into {
		a.value, a.found = values[name]
		a.err = err
		close(a.done)
	}
}
