package membership

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
	"lsapi/internal/guard"
)

// guarding judges the requests of a round. What cannot be read refuses detaches, and no
// attaches: a pool must not stay short of members because its tags or its health are unknown.
type guarding struct {
	*round
	v     *view
	tally *guard.Tally
	// noTags is why not all rules are known, and noHealth why the tally has no members although
	// it needs them.
	noTags, noHealth *lsapi.Error
	health           []lsapi.MemberHealth
	now              time.Time
	reserved         []lsapi.MemberID // the members that the round detaches
	hasFormer        bool             // former members that EC2 no longer has do not count
}

// guard reads what the rules need, if judged callers have detaches to send.
func (r *round) guard(judged []*caller, v *view) *guarding {
	g := &guarding{round: r, v: v, now: time.Now()}
	g.tally = guard.Count(v.rules, g.now, nil)
	if v.noRules != nil {
		g.noTags = errUnguarded(lsapi.CodeTagsUnknown, v.noRules)
	}
	if slices.ContainsFunc(judged, g.needsHealth) {
		g.readHealth()
	}
	return g
}

// needsHealth reports whether the verdict about a caller's detaches depends on health.
func (g *guarding) needsHealth(c *caller) bool {
	if c.MinInService == 0 && (g.noTags != nil || !guard.NeedsHealth(g.v.rules)) {
		return false
	}
	return slices.ContainsFunc(c.requests, func(r *request) bool { return r.action == lsapi.Detach && r.isToSend() })
}

func (g *guarding) readHealth() {
	ctx, cancel := g.reading()
	defer cancel()
	var err error
	if g.health = g.v.read.Health; g.health == nil {
		g.health, err = g.aws.Health(ctx, g.pool)
	}
	if err == nil && guard.NeedsZones(g.v.rules) {
		err = g.lookUp(ctx, g.v, slices.Collect(maps.Keys(g.v.members))) // the record may lack some
	}
	if err != nil {
		g.noHealth = errUnguarded(lsapi.CodeHealthUnknown, err)
		return
	}
	g.recount()
}

// reading returns the context of reads that are used together with the round's first ones.
func (g *guarding) reading() (context.Context, context.CancelFunc) {
	return context.WithDeadline(g.base, g.v.began.Add(g.call))
}

// recount counts the members anew.
func (g *guarding) recount() {
	g.tally = guard.Count(g.v.rules, g.now, g.standings(g.v, g.health, g.now))
	for _, member := range g.reserved {
		g.tally.Detached(member)
	}
}

// forCaller returns a guarding for the requests of a caller. That of a bulk counts those
// before among them: whether they are sent is not known yet.
func (g *guarding) forCaller(c *caller) *guarding {
	if !c.isBulk() {
		return g
	}
	own := *g
	own.tally, own.reserved = g.tally.Copy(), slices.Clone(g.reserved)
	return &own
}

// reserve counts a request that is sent, for those behind it. Attaches do not count: they take
// effect after the detaches of their round, and may fail.
func (g *guarding) reserve(r *request) {
	if r.action == lsapi.Detach {
		g.tally.Detached(r.member)
		g.reserved = append(g.reserved, r.member)
	}
}

// judge returns why a request is refused; nil if it is not. It notes the verdict in the
// request. One that is part of a bulk counts for those behind it.
func (g *guarding) judge(r *request) *lsapi.Error {
	terms := r.caller.Terms
	r.guard = nil
	if err := g.ownRefusal(r, terms.MinInService); err != nil {
		r.guard = &lsapi.GuardVerdict{Rule: ruleOf(err)}
		return err
	}
	if err := g.refusal(r); err != nil {
		r.guard = &lsapi.GuardVerdict{Rule: ruleOf(err), Overridden: terms.Override != "", Reason: terms.Override}
		if terms.Override == "" {
			return err
		}
	}
	if r.caller.isBulk() {
		g.reserve(r)
	}
	return nil
}

// refusal returns why the rules of the pool refuse a request; nil if they do not.
func (g *guarding) refusal(r *request) *lsapi.Error {
	err := g.tally.Attach()
	switch {
	case err != nil || r.action == lsapi.Attach:
		return err
	case g.noTags != nil:
		return g.noTags
	case g.noHealth != nil && guard.NeedsHealth(g.v.rules):
		return g.noHealth
	}
	if err = g.tally.Detach(r.member); err != nil && g.lookUpFormer() {
		return g.tally.Detach(r.member)
	}
	return err
}

// ownRefusal returns why a request's own rule refuses it; nil if it does not.
func (g *guarding) ownRefusal(r *request, least int) *lsapi.Error {
	switch {
	case r.action == lsapi.Attach || least == 0:
		return nil
	case g.noHealth != nil:
		return g.noHealth
	}
	rule := guard.Rule{Kind: guard.MinInService, Amount: guard.Amount{Count: least}, Source: "request"}
	return g.tally.DetachUnder(rule, r.member)
}

// lookUpFormer looks the former members up, if their number may decide and they were not
// looked up before, and counts anew. If that fails, all count as out.
func (g *guarding) lookUpFormer() bool {
	if g.hasFormer || !guard.NeedsFormer(g.v.rules) {
		return false
	}
	g.hasFormer = true
	ctx, cancel := g.reading()
	defer cancel()
	if err := g.lookUp(ctx, g.v, g.former(g.now)); err != nil {
		return false
	}
	g.recount()
	return true
}
