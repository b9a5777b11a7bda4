package membership

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// plan is what a round decides, caller by caller in arrival order: what must be on record
// first, and then the changes to send.
type plan struct {
	*round
	v        *view
	guards   *guarding
	first    *recordBatch
	judged   []*caller                  // whose requests have verdicts
	pending  []*caller                  // whose answers depend on the record
	changes  []*change                  // to send, in arrival order
	byMember map[lsapi.MemberID]*change // the same
	members  int                        // as the read showed them
	version  func() (membership string) // of the members
}

// newPlan returns the plan of a round.
func newPlan(r *round, batch []*caller, v *view, first *recordBatch) *plan {
	p := &plan{
		round: r, v: v, first: first, byMember: make(map[lsapi.MemberID]*change), members: len(v.members),
		version: sync.OnceValue(func() string { return lsapi.MembershipVersion(slices.Collect(maps.Keys(v.members))) }),
	}
	for _, c := range batch {
		p.judge(c)
	}
	p.guards = r.guard(p.judged, v)
	for _, c := range p.judged {
		p.decide(c)
	}
	p.intend()
	return p
}

// judge sets the verdicts that depend on nothing but the read.
func (p *plan) judge(c *caller) {
	if c.portOf != "" && p.v.read.Incarnation != "" && c.portOf != p.v.read.Incarnation {
		p.first.fail([]*caller{c}, errMadeAgain(p.pool))
		return
	}
	if err := p.checkUndo(c, p.first.events); err != nil {
		p.first.fail([]*caller{c}, err)
		return
	}
	requests := c.prepare(p.v.members)
	if err := p.lookUpNew(c, requests); err != nil {
		p.first.fail([]*caller{c}, errUnread(err))
		return
	}
	for _, r := range requests {
		r.instance = factsOf(p.v.facts, r.member.Instance)
		r.verdict = r.judge(p.v.members[r.member])
	}
	p.judged = append(p.judged, c)
}

// lookUpNew looks the instances up that a desired set changes: which ones, only the read of
// the members shows.
func (p *plan) lookUpNew(c *caller, requests []*request) error {
	if c.Desired == nil {
		return nil
	}
	var changed []lsapi.MemberID
	for _, r := range requests {
		if p.v.members[r.member] != (r.action == lsapi.Attach) {
			changed = append(changed, r.member)
		}
	}
	ctx, cancel := p.calling()
	defer cancel()
	defer whenAllHaveLeft([]*caller{c}, cancel)()
	return p.lookUp(ctx, p.v, changed)
}

// decide decides what a caller requests, after the callers before it.
func (p *plan) decide(c *caller) {
	if p.join(c) {
		return
	}
	if !c.decide() {
		p.first.withdraw(c.withdrawal())
		return
	}
	if err := p.checkMatch(c); err != nil {
		p.first.fail([]*caller{c}, err)
		return
	}
	p.applyGuards(c)
	if c.Atomic {
		c.skipIfRefused()
	}
	p.conclude(c)
}

// join lets a caller wait for the same change that an earlier one of the round makes.
func (p *plan) join(c *caller) bool {
	if c.isBulk() || c.DryRun {
		return false
	}
	r := c.requests[0]
	before, ok := p.byMember[r.member]
	if ok {
		before.waiting = append(before.waiting, r)
		p.pending = append(p.pending, c)
	}
	return ok
}

// checkMatch returns CodePrecondition if there are requests to send, and the members have
// none of the versions that the caller requires.
func (p *plan) checkMatch(c *caller) error {
	if len(c.IfMatch) == 0 || !slices.ContainsFunc(c.requests, (*request).isToSend) {
		return nil
	}
	if c.matches = slices.Contains(c.IfMatch, lsapi.AnyVersion) || slices.Contains(c.IfMatch, p.version()); !c.matches {
		return errPrecondition(p.pool, p.version())
	}
	return nil
}

// conclude carries the verdicts out. In a dry run it only returns them. All or nothing of a
// bulk is on record: a replay under its key has nothing else.
func (p *plan) conclude(c *caller) {
	p.pending = append(p.pending, c)
	traced := c.isBulk() && !c.DryRun && slices.ContainsFunc(c.requests, (*request).leavesEvent)
	for _, r := range c.requests {
		switch {
		case c.DryRun && r.isToSend():
			r.answer(result{outcome: lsapi.OutcomeApplied, instance: r.instance, guard: r.guard})
		case r.isToSend():
			p.send(r)
		case c.DryRun:
			p.first.answer(r, r.unsent())
		case r.isRefusedByRule():
			p.refuse(r)
		case r.leavesEvent() || traced && r.isRefused():
			p.first.conclude(r, cmp.Or(r.unsentOutcome(), lsapi.OutcomeFailed), &p.members, r.verdict)
		default:
			p.answerUndecided(r)
		}
	}
	c.answerIfEmpty()
}

// answerUndecided answers a request that leaves no event.
func (p *plan) answerUndecided(r *request) {
	if by := r.refusedBy(); by != nil {
		p.metrics.Guard(kindOf(by.Rule), false)
	}
	p.first.answer(r, r.unsent())
}

// send adds the change of a request.
func (p *plan) send(r *request) {
	c := &change{
		action: r.action, member: r.member, instance: r.instance, maker: r,
		trusted: p.trustedFrom(p.pool, r.member),
	}
	p.guards.reserve(r)
	p.changes = append(p.changes, c)
	p.byMember[c.member] = c
}

// intend adds the intents of the changes. Attaches have as much time as the detaches before
// them, after these.
func (p *plan) intend() {
	sending := sendingSteps * p.call
	detachBy := time.Now().Add(sending)
	attachBy := detachBy
	if slices.ContainsFunc(p.changes, func(c *change) bool { return c.action == lsapi.Detach }) {
		attachBy = detachBy.Add(sending)
	}
	for _, c := range p.changes {
		c.sendBy = detachBy
		if c.action == lsapi.Attach {
			c.sendBy = attachBy
		}
		p.first.write(c.intend(&p.members, p.v.began))
	}
}

// intended returns the requests whose intents the plan has, by caller.
func (p *plan) intended() []withdrawal {
	var all []withdrawal
	for _, c := range p.pending {
		w := slices.DeleteFunc(slices.Clone(c.requests), func(r *request) bool {
			sent := p.byMember[r.member]
			return sent == nil || sent.maker != r
		})
		if len(w) > 0 {
			all = append(all, w)
		}
	}
	return all
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

// refuse refuses a request by the rule of a guard.
func (p *plan) refuse(r *request) {
	p.first.conclude(r, lsapi.OutcomeRefused, &p.members, r.verdict)
	p.first.then(pendingAnswer{give: func() {
		p.logChange(&change{action: r.action, member: r.member, recorded: r.change(), err: r.verdict}, p.pool, lsapi.OutcomeRefused, false)
	}})
}
