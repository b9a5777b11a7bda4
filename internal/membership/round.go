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
	ended   time.Time       // when AWS had answered who the members are
	shown   map[string]bool // the members as AWS showed them
	members map[string]bool // the same, with the lane's recent changes laid over
	facts   map[string]lsapi.Instance
	err     error
}

// round is what a lane does under one lease. What it knows of the record is a value
// of the round: there is none without the lease under which it was read.
type round struct {
	*lane
	extending sync.Mutex // guards lease while calls are under way
	lease     lsapi.Lease
	recorded  *recordedMembers
	failure   error // of the record: then the round must end
}

// carryOut carries out a batch and settles what earlier rounds left open. What it
// must record before it asks AWS to change anything is added to first.
func (r *round) carryOut(batch []*request, first *recordBatch) {
	v := r.look(batch)
	r.countLooks()
	r.settle(v)
	if v.err != nil {
		if lsapi.ErrorCode(v.err) == lsapi.CodeNotFound {
			r.deleted(v, first)
		}
		first.fail(batch, v.err)
		return
	}
	if r.failure != nil {
		first.fail(batch, errUnrecorded(r.failure))
		return
	}
	if event, ok := r.recorded.unexplained(v.members, v.began, v.ended, r.open...); ok {
		first.write(event)
	}
	r.recorded.looked(v.began)
	changes := r.claim(r.decide(batch, v, first), v, first)
	if err := r.append(first); err != nil {
		r.refuse(first, err)
		for _, c := range changes {
			r.turnAway(append(c.makers(), c.waiting...), err)
		}
		return
	}
	for _, c := range changes {
		c.maker.intent.Store(true)
	}
	r.sendAll(changes)
	r.finish(changes)
}

// look reads the membership and looks up the batch's instances, at once. It ends
// when nobody wants to know any more.
func (r *round) look(batch []*request) view {
	ctx, cancel := r.service.asking()
	defer cancel()
	if len(r.open) == 0 {
		defer whenAllHaveLeft(batch, cancel)()
	}

	v := view{began: time.Now()}
	var lookupErr error
	var lookup sync.WaitGroup
	if ids := instancesOf(batch); len(ids) > 0 {
		lookup.Go(func() { v.facts, lookupErr = r.service.aws.Instances(ctx, ids) })
	}
	ids, err := r.service.aws.Members(ctx, r.loadBalancer)
	v.ended = time.Now()
	if err != nil {
		cancel()
		lookup.Wait()
		v.err = err
		return v
	}
	lookup.Wait()
	v.err = lookupErr
	v.shown = setOf(ids)
	v.members = setOf(r.service.overlay.Over(r.loadBalancer, ids, v.began))
	return v
}

// whenAllHaveLeft calls f when the callers of all requests have left, until stop
// is called. Without requests it never does.
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
func (r *round) decide(batch []*request, v view, first *recordBatch) []*change {
	var changes []*change
	members := len(v.members)
	for _, c := range group(batch, v) {
		if c.action == lsapi.Attach {
			if err := unfit(c.instance); err != nil {
				first.fail(c.waiting, err)
				continue
			}
		}
		if v.members[c.instance.ID] != (c.action == lsapi.Attach) {
			changes = append(changes, c)
			continue
		}
		for _, waiting := range c.waiting {
			if !waiting.decide() {
				first.withdraw([]*request{waiting})
				continue
			}
			first.conclude(waiting, lsapi.OutcomeConflict, &members, errConflict(c.action, c.instance.ID, r.loadBalancer))
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

// claim returns the changes whose callers have not all left, and adds their intents to
// first. Detaches go out before attaches, so that a full load balancer has room; the
// attaches have as much time when the detaches have had theirs.
func (r *round) claim(changes []*change, v view, first *recordBatch) []*change {
	members := len(v.members)
	sending := sendingSteps * r.service.call
	detachBy := time.Now().Add(sending)
	attachBy := detachBy
	if slices.ContainsFunc(changes, func(c *change) bool { return c.action == lsapi.Detach }) {
		attachBy = detachBy.Add(sending)
	}
	return slices.DeleteFunc(changes, func(c *change) bool {
		left, ok := c.claim()
		first.withdraw(left)
		if !ok {
			return true
		}
		c.trusted, c.sendBy = r.trusted(c.instance.ID), detachBy
		if c.action == lsapi.Attach {
			c.sendBy = attachBy
		}
		first.write(c.intend(&members, v.began))
		return false
	})
}

// sendAll sends the changes, each direction by one call.
func (r *round) sendAll(changes []*change) {
	var attaches, detaches []*change
	for _, c := range changes {
		if c.action == lsapi.Attach {
			attaches = append(attaches, c)
		} else {
			detaches = append(detaches, c)
		}
	}
	r.send(lsapi.Detach, detaches)
	r.send(lsapi.Attach, attaches)
}

// send makes one call for changes of one direction. When AWS refuses it for one
// of the instances, the others are sent again without it.
func (r *round) send(action lsapi.Action, changes []*change) {
	if len(changes) == 0 {
		return
	}
	if err := r.ask(action, changes); refusedForOne(err) {
		r.isolate(action, changes)
	}
}

// ask makes one register or deregister call and notes its answer in the changes,
// which have the same deadline.
func (r *round) ask(action lsapi.Action, changes []*change) *lsapi.Error {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.instance.ID
	}
	call := r.service.aws.Register
	if action == lsapi.Detach {
		call = r.service.aws.Deregister
	}
	r.service.metrics.Batch(string(action), len(ids))
	ctx, cancel := r.service.asking()
	defer cancel()
	ctx, cancelLast := context.WithDeadline(ctx, changes[0].sendBy)
	defer cancelLast()
	sentAt := time.Now()
	awsRequestID, failure := call(ctx, r.loadBalancer, ids, r.permit)
	err := codedOrNil(failure)
	if refusedForOne(err) && len(changes) > 1 {
		// AWS's message is about one of them. Those that are not told apart later
		// must not be given it.
		err.Message = "AWS refused the instance together with the others of its batch"
	}
	deadline, _ := ctx.Deadline()
	for _, c := range changes {
		c.err, c.awsRequestID, c.deadline, c.sentAt = err, awsRequestID, deadline, sentAt
	}
	return err
}

// finish records the outcomes of changes and tells them to their callers, or
// keeps them open.
func (r *round) finish(changes []*change) {
	var applied []*change
	for _, c := range changes {
		if c.err == nil {
			applied = append(applied, c)
		}
	}
	r.show(applied)
	var outcomes recordBatch
	for _, c := range changes {
		if c.err != nil && c.err.Ambiguous {
			r.keepOpen(c)
			continue
		}
		r.settled(&outcomes, c, c.outcome(), false)
	}
	if err := r.persist(&outcomes); err != nil {
		r.lose(&outcomes, err)
	}
}

// show makes changes that took effect visible to every read from now on.
func (r *round) show(changes []*change) {
	now := time.Now()
	applied := make([]lsapi.AppliedChange, len(changes))
	for i, c := range changes {
		applied[i] = lsapi.AppliedChange{Change: c.recorded, Seq: r.lease.Head.Seq, At: now}
		r.recorded.changed(c, now)
	}
	r.service.overlay.Apply(r.loadBalancer, applied)
}

// deleted takes that the load balancer does not exist: with it, its members are gone.
func (r *round) deleted(v view, first *recordBatch) {
	r.forget(v.began)
	if !r.recorded.known {
		return
	}
	if event, ok := r.recorded.unexplained(nil, v.began, v.ended); ok {
		first.write(event)
	}
}

// forget drops the changes before then of a load balancer that no longer exists: one
// that is created under its name has none of them.
func (l *lane) forget(before time.Time) {
	l.service.overlay.Invalidate(l.loadBalancer, before)
	l.service.inbox.Forget(l.loadBalancer)
}

// trusted returns from when on AWS's reads no longer lag behind the lane's last
// change of the instance.
func (l *lane) trusted(instance string) time.Time {
	last := l.service.overlay.LastChange(l.loadBalancer, instance)
	if last.IsZero() {
		return last
	}
	return last.Add(l.service.overlay.Window())
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
