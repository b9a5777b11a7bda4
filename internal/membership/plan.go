package membership

import (
	"slices"
	"time"

	"lsapi"
)

// plan is what a round decides, caller by caller in arrival order: what must be on record
// first, and then the changes to send.
type plan struct {
	*round
	v       view
	guards  *guarding
	first   *recordBatch
	pending []*caller // whose answers depend on the record
	changes []*change // to send, in arrival order
	// byMember has the change to send of a member.
	byMember map[lsapi.MemberID]*change
	members  int // as the read showed them
}

// newPlan returns the plan of a round without callers.
func newPlan(r *round, v view, guards *guarding, first *recordBatch) *plan {
	return &plan{round: r, v: v, guards: guards, first: first, byMember: make(map[lsapi.MemberID]*change), members: len(v.members)}
}

// add decides what a caller requests.
func (p *plan) add(c *caller) {
	if p.isMisplaced(c) {
		p.first.fail([]*caller{c}, errMadeAgain(p.pool))
		return
	}
	if p.join(c) {
		return
	}
	requests := c.prepare()
	if !c.decide() {
		p.first.withdraw(c.withdrawal())
		return
	}
	p.carry(c, requests, p.judge(requests))
}

// isMisplaced reports whether a member has the port of another incarnation of the pool.
func (p *plan) isMisplaced(c *caller) bool {
	return c.portOf != "" && p.v.read.Incarnation != "" && c.portOf != p.v.read.Incarnation
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

// judge returns why each of the requests is not sent to AWS; nil if it is.
func (p *plan) judge(requests []*request) []*lsapi.Error {
	verdicts := make([]*lsapi.Error, len(requests))
	guards := p.guards.forRequests(len(requests))
	for i, r := range requests {
		verdicts[i] = decide(r.action, r.member, factsOf(p.v.facts, r.member.Instance), p.v.members[r.member], p.pool)
		if verdicts[i] == nil {
			verdicts[i] = guards.judge(r)
		}
	}
	return verdicts
}

// carry carries the verdicts out.
func (p *plan) carry(c *caller, requests []*request, verdicts []*lsapi.Error) {
	p.pending = append(p.pending, c)
	for i, r := range requests {
		switch err := verdicts[i]; {
		case err == nil:
			p.send(r)
		case err.Code == lsapi.CodeConflict:
			p.first.conclude(r, lsapi.OutcomeConflict, &p.members, err)
		case r.guard != nil && !r.guard.Overridden:
			p.refuse(r, err)
		default:
			p.first.answer(r, result{outcome: lsapi.OutcomeRefused, err: err})
		}
	}
}

// send adds the change of a request.
func (p *plan) send(r *request) {
	c := &change{
		action: r.action, member: r.member, instance: factsOf(p.v.facts, r.member.Instance), maker: r,
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
