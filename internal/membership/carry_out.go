package membership

import (
	"slices"
	"sync"
	"time"

	"lsapi"
)

// carryOut carries out a batch and settles what earlier rounds left open. What must be on
// record before a call changes anything is added to first.
func (r *round) carryOut(batch []*caller, first *recordBatch) {
	v := r.read(batch)
	r.countReads()
	if v.isReplaced = r.journal.recorded.isReplacedBy(v.look()); v.isReplaced {
		r.forget(v.began)
		r.journal.recorded.forgetDetached()
	}
	v.members = setOf(r.overlay.Over(r.pool, v.read.Members, v.began))
	r.settle(v)
	switch {
	case v.err != nil:
		if lsapi.ErrorCode(v.err) == lsapi.CodeNotFound {
			r.deleted(v, first)
		}
		first.fail(batch, errUnread(v.err))
		return
	case r.journal.failure != nil:
		first.fail(batch, errUnrecorded(r.journal.failure))
		return
	}
	first.write(r.journal.recorded.unexplained(v.look(), r.open.changes...)...)
	r.journal.recorded.looked(v.began)
	p := newPlan(r, batch, &v, first)
	if err := r.journal.append(first); err != nil {
		r.rejectPlan(p, err)
		return
	}
	for _, c := range p.changes {
		c.maker.setIntended()
	}
	calls := sender{shared: r.shared, pool: r.pool, incarnation: v.read.Incarnation, permit: r.journal.renew}
	calls.sendAll(p.changes)
	r.finish(p.changes)
}

// read reads the membership, and looks up the batch's instances and those that the rules of
// the pool depend on, concurrently. Unless a change is open it ends when all callers have
// left.
func (r *round) read(batch []*caller) view {
	ctx, cancel := r.calling()
	defer cancel()
	if r.open.isEmpty() {
		defer whenAllHaveLeft(batch, cancel)()
	}
	v := view{began: time.Now(), facts: make(map[string]lsapi.Instance), lookedUp: make(map[string]bool)}
	var lookupErr error
	var lookup sync.WaitGroup
	if len(batch) > 0 {
		lookup.Go(func() { lookupErr = r.lookUpBatch(ctx, batch, &v) })
	}
	var err error
	v.read, err = r.aws.Members(ctx, r.pool)
	v.ended = time.Now()
	if err != nil {
		cancel()
		lookup.Wait()
		v.err = err
		return v
	}
	lookup.Wait()
	v.err = lookupErr
	v.shown = setOf(v.read.Members)
	return v
}

// finish records the outcomes of changes and answers their callers, or keeps them open. It
// records some at a time, so that other lanes do not wait long for the record.
func (r *round) finish(changes []*change) {
	for some := range slices.Chunk(changes, maxBatch) {
		r.finishSome(some)
	}
}

func (r *round) finishSome(changes []*change) {
	var applied []*change
	for _, c := range changes {
		if c.err == nil {
			applied = append(applied, c)
		}
	}
	var outcomes recordBatch
	r.showWhenRecorded(&outcomes, applied)
	for _, c := range changes {
		if c.err != nil && c.err.Ambiguous {
			r.open.add(c)
			continue
		}
		r.complete(&outcomes, c, c.outcome(), false)
	}
	if err := r.persist(&outcomes); err != nil {
		r.loseOutcomes(&outcomes, err)
	}
}

// deleted records that the members are gone with their pool.
func (r *round) deleted(v view, first *recordBatch) {
	r.forget(v.began)
	if !r.journal.recorded.known {
		return
	}
	first.write(r.journal.recorded.unexplained(look{began: v.began, ended: v.ended})...)
	r.journal.recorded.looked(v.began) // earlier reads prove nothing any more
}

// rejectPlan answers that nothing changed, because it could not be recorded. It keeps the
// withdrawn requests: their callers have left with the answer that these are recorded.
func (r *round) rejectPlan(p *plan, err error) {
	if lsapi.ErrorCode(err) == lsapi.CodeTimeout {
		r.queue.rejectIntended(p.intended(), err)
	}
	r.queue.reject(p.pending, err)
	r.queue.keepWithdrawn(p.first.withdrawn)
	*p.first = recordBatch{}
}
