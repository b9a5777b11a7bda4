package policy

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/guard"
)

// Tags returns the tags of pools.
type Tags interface {
	// Of returns the tags of a pool, of a bounded age. The caller must not change them.
	// CodeNotFound: there is no such pool. CodeForbidden: AWS denies reading tags.
	Of(ctx context.Context, pool lsapi.PoolID) (map[string]string, error)
	// Known returns the tags that Of would return without a call; false if it needs one.
	Known(pool lsapi.PoolID) (map[string]string, bool)
}

// Options configure Guards. All but Log are required.
type Options struct {
	// Policy returns the policy in force.
	Policy func() *Policy
	Tags   Tags
	// Log receives malformed tags, and the denial of tags by AWS. Default: none.
	Log *slog.Logger
}

// Guards returns the rules of pools: those of the policy in force, and those in the pool's
// tags. All of them hold. It is safe for concurrent use.
type Guards struct {
	o      Options
	denied *background.Outage
	group  *background.Group

	mu    sync.Mutex
	cache *simplelru.LRU[lsapi.PoolID, compiled]

	selecting sync.Mutex
	selecter  *Policy               // of selected
	selected  map[lsapi.PoolID]bool // whether the policy selects a pool by its name
}

// compiled are the rules of a pool under a policy and tags.
type compiled struct {
	policy *Policy
	tags   map[string]string
	rules  []guard.Rule
}

// New returns Guards with an empty cache.
func New(o Options) *Guards {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	cache, _ := simplelru.NewLRU[lsapi.PoolID, compiled](maxCached, nil) // fails for a size below 1 only
	group := background.New()
	return &Guards{o: o, cache: cache, group: group, denied: background.NewOutage(group, o.Log,
		"AWS denies elasticloadbalancing:DescribeTags; guards in tags have no effect, and a policy that selects by tags refuses detaches", "AWS permits elasticloadbalancing:DescribeTags again")}
}

// Rules returns the rules of a pool. The caller must not change them.
//
// CodeTagsUnknown: the tags cannot be read now, or AWS denies it and the policy selects
// pools by tags. The rules are then those that do not depend on tags. If AWS denies it and
// the policy does not, guards in tags have no effect.
func (g *Guards) Rules(ctx context.Context, pool lsapi.PoolID) ([]guard.Rule, error) {
	p := g.o.Policy()
	tags, err := g.o.Tags.Of(ctx, pool)
	code := lsapi.ErrorCode(err)
	if err == nil || code == lsapi.CodeForbidden {
		g.denied.Note(err)
	}
	switch {
	case code == "" || code == lsapi.CodeNotFound || code == lsapi.CodeForbidden && !p.ByTag():
		return g.rules(p, pool, tags), nil
	case code == lsapi.CodeForbidden:
		return p.Rules(pool, nil), unknownTags(err, "AWS denies elasticloadbalancing:DescribeTags, and guards of the policy select pools by their tags")
	}
	return p.Rules(pool, nil), unknownTags(err, "the tags of "+pool.Title()+" cannot be read, and may be guards")
}

// Close ends the logging. Its error is ctx's, if ctx ends first.
func (g *Guards) Close(ctx context.Context) error { return g.group.Close(ctx) }

func unknownTags(err error, message string) *lsapi.Error {
	return &lsapi.Error{Code: lsapi.CodeTagsUnknown, Message: message, RetryAfter: lsapi.AsError(err).RetryAfter, Err: err}
}

// Known returns the rules of a pool without a call; false if they are not known.
func (g *Guards) Known(pool lsapi.PoolID) ([]guard.Rule, bool) {
	tags, ok := g.o.Tags.Known(pool)
	if !ok {
		return nil, false
	}
	return g.rules(g.o.Policy(), pool, tags), true
}

// Selects reports whether the policy in force has rules for a pool by its name, apart from
// the default of keepLast.
func (g *Guards) Selects(pool lsapi.PoolID) bool {
	p := g.o.Policy()
	g.selecting.Lock()
	defer g.selecting.Unlock()
	if g.selecter != p || len(g.selected) > maxCached {
		g.selecter, g.selected = p, make(map[lsapi.PoolID]bool)
	}
	selects, known := g.selected[pool]
	if !known {
		selects = p.Selects(pool)
		g.selected[pool] = selects
	}
	return selects
}

// rules returns the rules of a pool with tags, from the cache if neither the policy nor the
// tags have changed.
func (g *Guards) rules(p *Policy, pool lsapi.PoolID, tags map[string]string) []guard.Rule {
	g.mu.Lock()
	before, cached := g.cache.Get(pool)
	g.mu.Unlock()
	if cached && before.policy == p && maps.Equal(before.tags, tags) {
		return before.rules
	}
	after := compiled{p, tags, append(p.Rules(pool, tags), TagRules(tags)...)}
	g.mu.Lock()
	g.cache.Add(pool, after)
	g.mu.Unlock()
	if !maps.Equal(before.tags, tags) {
		g.logMalformed(pool, after.rules)
	}
	return after.rules
}

// logMalformed logs the tags of a pool that are no valid guards.
func (g *Guards) logMalformed(pool lsapi.PoolID, rules []guard.Rule) {
	for _, r := range rules {
		if r.Kind == guard.Malformed {
			g.o.Log.Error("malformed guard in a tag; detaches are refused", "pool", pool.String(), "tag", r.Source, "value", r.Text)
		}
	}
}

// TagsDenied reports whether AWS denied the last read of tags.
func (g *Guards) TagsDenied() bool { return g.denied.Failing() }

// Malformed returns the cached pools with malformed rules, sorted.
func (g *Guards) Malformed() []lsapi.PoolID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var pools []lsapi.PoolID
	for _, pool := range g.cache.Keys() {
		if c, ok := g.cache.Peek(pool); ok && slices.ContainsFunc(c.rules, func(r guard.Rule) bool { return r.Kind == guard.Malformed }) {
			pools = append(pools, pool)
		}
	}
	slices.SortFunc(pools, lsapi.PoolID.Compare)
	return pools
}
