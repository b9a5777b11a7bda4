package membership

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/guard"
)

// Guards has the rules of pools.
type Guards interface {
	// Rules returns the rules of a pool. With CodeTagsUnknown, it returns those that do not
	// depend on the pool's tags.
	Rules(ctx context.Context, pool lsapi.PoolID) ([]guard.Rule, error)
}

// noGuards has no rules.
type noGuards struct{}

func (noGuards) Rules(context.Context, lsapi.PoolID) ([]guard.Rule, error) { return nil, nil }

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

// lookUpBatch reads the rules of the pool, and looks up the instances of the batch. It waits for
// the rules only if the batch detaches: then it looks up what these need, too.
func (r *round) lookUpBatch(ctx context.Context, batch []*caller, v *view) error {
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, rulesTimeout)
		defer cancel()
		v.rules, v.noRules = r.guards.Rules(bounded, r.pool)
	})
	members := namedMembers(batch)
	if slices.ContainsFunc(batch, (*caller).mayDetach) {
		reading.Wait()
		members = append(members, r.guardedMembers(len(members), v.rules)...)
	}
	return r.lookUp(ctx, v, members)
}

// guardedMembers returns the members of which the rules need EC2's description, besides those
// that a batch names: one lookup has them all. Former members are left out if they make it
// larger than a filter: they are looked up only if their number decides.
func (r *round) guardedMembers(named int, rules []guard.Rule) []lsapi.MemberID {
	var members []lsapi.MemberID
	if guard.NeedsZones(rules) {
		members = slices.Collect(maps.Keys(r.journal.recorded.members))
	}
	former := r.former(time.Now())
	if guard.NeedsFormer(rules) && named+len(members)+len(former) <= maxBatch {
		members = append(members, former...)
	}
	return members
}

// mayDetach reports whether the caller requests detaches.
func (c *caller) mayDetach() bool {
	return c.changesAny() || slices.ContainsFunc(c.Items, func(i lsapi.BulkItem) bool { return i.Action == lsapi.Detach })
}

// lookUp adds EC2's descriptions of the members' instances to the view, without a call if it
// has them.
func (r *round) lookUp(ctx context.Context, v *view, members []lsapi.MemberID) error {
	missing := slices.DeleteFunc(instanceIDs(members), func(id string) bool { return v.lookedUp[id] })
	if len(missing) == 0 {
		return nil
	}
	found, err := r.aws.Instances(ctx, missing)
	if err != nil {
		return err
	}
	maps.Copy(v.facts, found)
	for _, id := range missing {
		v.lookedUp[id] = true
	}
	return nil
}

// former returns the members that lsapi has detached and that are not back, by the record.
func (r *round) former(now time.Time) []lsapi.MemberID {
	maps.DeleteFunc(r.journal.recorded.detached, func(_ lsapi.MemberID, at time.Time) bool { return now.Sub(at) >= lsapi.DetachedWithin })
	return slices.Collect(maps.Keys(r.journal.recorded.detached))
}

// standings returns how the members and the former ones count, each once.
func (r *round) standings(v *view, health []lsapi.MemberHealth, now time.Time) []lsapi.GuardedMember {
	counted := make(map[lsapi.MemberID]lsapi.Standing, len(v.members))
	for _, member := range r.former(now) {
		if !v.isTerminated(member) {
			counted[member] = lsapi.StandingDetached
		}
	}
	reported := make(map[lsapi.MemberID]lsapi.MemberHealth, len(health))
	for _, h := range health {
		reported[h.Member] = h
		if h.Draining {
			counted[h.Member] = lsapi.StandingDraining
		}
	}
	for member := range v.members {
		counted[member] = r.standing(member, v, reported)
	}
	for _, c := range r.open.changes {
		if c.action == lsapi.Detach {
			counted[c.member] = lsapi.StandingDetached
		}
	}
	members := make([]lsapi.GuardedMember, 0, len(counted))
	for member, standing := range counted {
		members = append(members, lsapi.GuardedMember{Member: member, Zone: v.facts[member.Instance].Zone, Standing: standing})
	}
	return members
}

// standing returns how a member counts. If it was detached within the overlay window, reads may
// show it as it was before that.
func (r *round) standing(member lsapi.MemberID, v *view, reported map[lsapi.MemberID]lsapi.MemberHealth) lsapi.Standing {
	h, known := reported[member]
	switch {
	case !known && v.isTerminated(member):
		return lsapi.StandingOut
	case !known || v.began.Before(r.journal.recorded.taken[member].Add(r.overlay.Window())):
		return lsapi.StandingUnknown
	case h.Draining && r.trustedFrom(r.pool, member).After(v.began):
		return lsapi.StandingUnknown // it is attached again
	case h.Draining:
		return lsapi.StandingDraining
	}
	switch h.State {
	case lsapi.InService:
		return lsapi.StandingInService
	case lsapi.OutOfService:
		return lsapi.StandingOut
	case lsapi.HealthUnknown:
	}
	return lsapi.StandingUnknown
}

// isTerminated reports whether the member's instance was looked up, and is terminated.
func (v *view) isTerminated(member lsapi.MemberID) bool {
	instance := v.facts[member.Instance]
	return v.lookedUp[member.Instance] && (!instance.Exists() || instance.State == lsapi.StateTerminated)
}

// applyGuards sets the verdicts of the guards about the requests of a caller.
func (p *plan) applyGuards(c *caller) {
	guards := p.guards.forCaller(c)
	for _, r := range c.requests {
		if r.isToSend() {
			r.verdict = guards.judge(r)
		}
	}
}

// refusedBy returns the guard that refuses the request; nil if none does.
func (r *request) refusedBy() *lsapi.GuardVerdict {
	if r.guard == nil || r.guard.Overridden {
		return nil
	}
	return r.guard
}

// isRefusedByRule reports whether a rule refuses the request, not that something is unknown.
func (r *request) isRefusedByRule() bool {
	if r.refusedBy() == nil {
		return false
	}
	_, byRule := errors.AsType[*lsapi.GuardRefusal](r.verdict)
	return byRule
}

// refuse refuses a request by the rule of a guard.
func (p *plan) refuse(r *request) {
	p.first.conclude(r, lsapi.OutcomeRefused, &p.members, r.verdict)
	p.first.then(pendingAnswer{give: func() {
		p.logChange(&change{action: r.action, member: r.member, recorded: r.change(), err: r.verdict}, p.pool, lsapi.OutcomeRefused, false)
	}})
}

// ruleOf returns the rule that refuses a change, for the record.
func ruleOf(refusal *lsapi.Error) string {
	if by, ok := errors.AsType[*lsapi.GuardRefusal](refusal); ok {
		return by.Rule
	}
	if refusal.Code == lsapi.CodeTagsUnknown {
		return "tagsUnknown"
	}
	return "healthUnknown"
}

// kindOf returns the kind of a rule on record.
func kindOf(rule string) string {
	kind, _, _ := strings.Cut(rule, " ")
	return kind
}
