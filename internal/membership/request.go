package membership

import (
	"context"
	"fmt"
	"sync/atomic"

	"lsapi"
)

// request is a request in a lane, with its caller.
type request struct {
	lsapi.Request
	portOf string // the incarnation of the pool whose port the member has; "": its own or none
	ctx    context.Context
	stage  atomic.Int32
	left   atomic.Bool // the caller has left after the decision, without the answer
	intent atomic.Bool // the intent is on record
	// rejected is whether the caller has the answer that nothing was changed, although the
	// intent may be on record; only the lane uses it.
	rejected bool
	answer   chan answer // holds one, so that the lane never waits for a caller
}

// answer is what a caller gets.
type answer struct {
	result lsapi.Result
	err    error
}

// The stages of a request. Only waiting ends: the lane decides the request, or the caller
// withdraws it, whichever is first.
const (
	stageWaiting int32 = iota
	stageDecided
	stageWithdrawn
)

func newRequest(ctx context.Context, r lsapi.Request) *request {
	return &request{Request: r, ctx: ctx, answer: make(chan answer, 1)}
}

// decide claims the request for a call to AWS, or for an answer that needs none. It fails
// if the caller has left, or its time is up.
func (r *request) decide() bool {
	if r.ctx.Err() != nil {
		r.stage.CompareAndSwap(stageWaiting, stageWithdrawn)
	}
	return r.stage.CompareAndSwap(stageWaiting, stageDecided) || r.stage.Load() == stageDecided
}

// isWithdrawn reports whether the caller has left before the decision.
func (r *request) isWithdrawn() bool { return r.stage.Load() == stageWithdrawn }

// leave returns the answer of a caller whose time is up. A request that was not sent never
// will be.
func (r *request) leave() (lsapi.Result, error) {
	select {
	case a := <-r.answer: // it came at the same moment
		return a.result, a.err
	default:
	}
	err := lsapi.Errorf(lsapi.CodeTimeout, "the deadline passed before the %s of %s was sent to AWS; nothing was changed", r.Action, r.Member)
	err.Err = context.Cause(r.ctx)
	if r.stage.CompareAndSwap(stageWaiting, stageWithdrawn) || r.isWithdrawn() {
		// The lane records it. A crash before that loses it: nothing was intended.
		return lsapi.Result{}, err
	}
	r.left.Store(true) // before the second look for the answer: see refuse
	select {
	case a := <-r.answer:
		return a.result, a.err
	default:
	}
	err.Message = fmt.Sprintf("the deadline passed before AWS answered; the %s of %s may have taken effect, or may yet", r.Action, r.Member)
	return lsapi.Result{Recorded: r.intent.Load(), Pending: true}, err
}

// succeed answers that the change took effect.
func (r *request) succeed(instance lsapi.Instance) {
	r.answer <- answer{lsapi.Result{Instance: instance, Recorded: true}, nil}
}

// conclude answers why a change on record did not take effect.
func (r *request) conclude(err error) { r.answer <- answer{lsapi.Result{Recorded: true}, err} }

// fail answers why there is no change on record.
func (r *request) fail(err error) { r.answer <- answer{err: err} }

// refuse answers that there is no change. It returns false if the caller may have left
// without that answer and with the id of a change, which must be recorded as withdrawn.
func (r *request) refuse(err error) (answered bool) {
	if !r.decide() {
		return false
	}
	r.fail(err)
	return !r.left.Load()
}

// failAll gives every caller the same answer.
func failAll(requests []*request, err error) {
	for _, r := range requests {
		r.fail(err)
	}
}

// change returns what is recorded of the request.
func (r *request) change() lsapi.Change {
	return lsapi.Change{
		ID: r.ChangeID, Actor: r.Actor.Name, Action: r.Action,
		Pool: r.Pool, Member: r.Member,
		Reason: r.Reason, RequestID: r.ID,
		Source: lsapi.SourceLSAPI, IntendedAt: r.At,
	}
}
