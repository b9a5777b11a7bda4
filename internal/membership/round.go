package membership

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// view is what a round sees of the world. All of it was asked for after the
// round's requests had arrived.
type view struct {
	began   time.Time
	shown   map[string]bool // the members as AWS showed them
	members map[string]bool // the same, with the lane's recent changes laid over
	facts   map[string]lsapi.Instance
	err     error
}

// round carries out a batch and settles what earlier rounds left open. What it
// must record before it asks AWS to change anything goes on the page first.
func (l *lane) round(batch []*request, first *page) {
	v := l.look(batch)
	l.settle(v)
	if v.err != nil {
		if lsapi.ErrorCode(v.err) == lsapi.CodeNotFound {
			l.forget()
		}
		first.fail(batch, v.err)
		return
	}
	l.countLooks()
	if event, ok := l.roster.unexplained(v.members, v.began); ok {
		first.write(event)
	}
	l.roster.lookedAt = later(l.roster.lookedAt, v.began)
	changes := l.claim(l.decide(batch, v, first), v, first)
	if err := l.append(first); err != nil {
		first.refuse(err)
		for _, c := range changes {
			c.maker.refuse(err)
			failAll(c.waiting, errUnrecorded(err))
		}
		*first = page{}
		return
	}
	l.carryOut(changes)
	l.finish(changes)
}

// look reads the membership and looks up the batch's instances, at once. It ends
// when nobody wants to know any more.
func (l *lane) look(batch []*request) view {
	ctx, cancel := l.service.asking()
	defer cancel()
	if len(l.open) == 0 {
		defer whenAllHaveLeft(batch, cancel)()
	}

	v := view{began: time.Now()}
	var lookupErr error
	var lookup sync.WaitGroup
	if ids := instancesOf(batch); len(ids) > 0 {
		lookup.Go(func() { v.facts, lookupErr = l.service.aws.Instances(ctx, ids) })
	}
	ids, err := l.service.aws.Members(ctx, l.loadBalancer)
	if err != nil {
		cancel()
		lookup.Wait()
		v.err = err
		return v
	}
	lookup.Wait()
	v.err = lookupErr
	v.shown = setOf(ids)
	v.members = setOf(l.service.Overlay(l.loadBalancer, ids, v.began))
	return v
}

// whenAllHaveLeft calls f when the callers of all requests have left, until stop
// is called.
func whenAllHaveLeft(batch []*request, f func()) (stop func()) {
	var there atomic.Int64
	there.Store(int64(len(batch)))
	stops := make([]func() bool, len(batch))
	for i, r := range batch {
		stops[i] = context.AfterFunc(r.ctx, func() {
			if there.Add(-1) == 0 {
				f()
			}
		})
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// decide answers what needs no call and returns the changes that do, in arrival
// order. The order of its checks is the contract's: the instance, then the
// conflict.
func (l *lane) decide(batch []*request, v view, first *page) []*change {
	var changes []*change
	members := len(v.members)
	for _, c := range group(batch, v) {
		if c.action == lsapi.Attach {
			if err := unfit(c.instance); err != nil {
				failAll(c.waiting, err)
				continue
			}
		}
		if v.members[c.instance.ID] != (c.action == lsapi.Attach) {
			changes = append(changes, c)
			continue
		}
		for _, r := range c.waiting {
			if !r.decide() {
				first.withdraw([]*request{r})
				continue
			}
			first.conclude(r, lsapi.OutcomeConflict, &members, errConflict(c.action, c.instance.ID, l.loadBalancer))
		}
	}
	return changes
}

// group makes one change of all requests for an instance. They all have the same
// direction: a reversal does not share a round.
func group(batch []*request, v view) []*change {
	var changes []*change
	byInstance := make(map[string]*change)
	for _, r := range batch {
		c, ok := byInstance[r.InstanceID]
		if !ok {
			c = &change{action: r.Action, instance: factsOf(v.facts, r.InstanceID)}
			byInstance[r.InstanceID] = c
			changes = append(changes, c)
		}
		c.waiting = append(c.waiting, r)
	}
	return changes
}

// claim returns the changes whose callers have not all left, and puts what is
// intended on the page.
func (l *lane) claim(changes []*change, v view, first *page) []*change {
	members := len(v.members)
	l.sendBy = time.Now().Add(sendingSteps * l.service.call)
	return slices.DeleteFunc(changes, func(c *change) bool {
		left, ok := c.claim()
		first.withdraw(left)
		if ok {
			c.trusted = l.trusted(c.instance.ID)
			first.write(c.intend(&members, v.began, l.sendBy))
		}
		return !ok
	})
}

// carryOut sends the changes, each direction by one call.
func (l *lane) carryOut(changes []*change) {
	var attaches, detaches []*change
	for _, c := range changes {
		if c.action == lsapi.Attach {
			attaches = append(attaches, c)
		} else {
			detaches = append(detaches, c)
		}
	}
	var calls sync.WaitGroup
	calls.Go(func() { l.send(lsapi.Attach, attaches) })
	calls.Go(func() { l.send(lsapi.Detach, detaches) })
	calls.Wait()
}

// send makes one call for changes of one direction. When AWS refuses it for one
// of the instances, the others are sent again without it.
func (l *lane) send(action lsapi.Action, changes []*change) {
	if len(changes) == 0 {
		return
	}
	if err := l.ask(action, changes); refusedForOne(err) {
		l.isolate(action, changes)
	}
}

// ask makes one register or deregister call and notes its answer in the changes.
func (l *lane) ask(action lsapi.Action, changes []*change) *lsapi.Error {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.instance.ID
	}
	call := l.service.aws.Register
	if action == lsapi.Detach {
		call = l.service.aws.Deregister
	}
	l.service.observe.Batch(string(action), len(ids))
	ctx, cancel := l.service.asking()
	defer cancel()
	ctx, cancelLast := context.WithDeadline(ctx, l.sendBy)
	defer cancelLast()
	awsRequestID, failure := call(ctx, l.loadBalancer, ids, l.permit)
	err := codedOrNil(failure)
	if refusedForOne(err) && len(changes) > 1 {
		// AWS's message is about one of them. Those that are not told apart later
		// must not be given it.
		err.Message = "AWS refused the instance together with the others of its batch"
	}
	deadline, _ := ctx.Deadline()
	for _, c := range changes {
		c.err, c.awsRequestID, c.deadline = err, awsRequestID, deadline
	}
	return err
}

// finish records the outcomes of changes and tells them to their callers, or
// keeps them open.
func (l *lane) finish(changes []*change) {
	var applied []*change
	for _, c := range changes {
		if c.err == nil {
			applied = append(applied, c)
		}
	}
	l.show(applied)
	var outcomes page
	for _, c := range changes {
		if c.err != nil && c.err.Ambiguous {
			l.keepOpen(c)
			continue
		}
		l.settled(&outcomes, c, c.outcome(), false)
	}
	if err := l.persist(&outcomes); err != nil {
		outcomes.lose(l.service.log, err)
		for _, c := range changes {
			if c.err != nil && !c.err.Ambiguous {
				l.again(c.waiting) // theirs was never sent
			}
		}
	}
}

// show makes changes that took effect visible to every read from now on.
func (l *lane) show(changes []*change) {
	if len(changes) == 0 {
		return
	}
	l.remember(changes)
	var attached, detached []lsapi.Instance
	for _, c := range changes {
		if c.action == lsapi.Attach {
			attached = append(attached, c.instance)
		} else {
			detached = append(detached, c.instance)
		}
	}
	l.service.applied(l.loadBalancer, attached, detached)
}

// remember lays changes that took effect over the reads to come.
func (l *lane) remember(changes []*change) {
	s, now := l.service, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	l.overlay.prune(s.recently())
	for _, c := range changes {
		l.overlay[c.instance.ID] = applied{member: c.action == lsapi.Attach, at: now}
	}
}

// forget drops the recent changes of a load balancer that no longer exists: one
// that is created under its name has none of them.
func (l *lane) forget() {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	clear(l.overlay)
	delete(l.service.seen, l.loadBalancer)
}

// trusted returns from when on AWS's reads no longer lag behind the lane's last
// change of the instance.
func (l *lane) trusted(instance string) time.Time {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	if last, ok := l.overlay[instance]; ok {
		return last.at.Add(l.service.window)
	}
	return time.Time{}
}

func codedOrNil(err error) *lsapi.Error {
	if err == nil {
		return nil
	}
	return lsapi.AsError(err)
}

func instancesOf(batch []*request) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, r := range batch {
		if !seen[r.InstanceID] {
			seen[r.InstanceID] = true
			ids = append(ids, r.InstanceID)
		}
	}
	return ids
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
