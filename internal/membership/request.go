package membership

import (
	"context"
	"sync/atomic"

	"lsapi"
)

// request is a caller's wish in a lane, together with the caller who waits.
type request struct {
	lsapi.Request
	ctx    context.Context
	stage  atomic.Int32
	answer chan answer // holds one, so that the lane never waits for a caller
}

// answer is what a caller gets.
type answer struct {
	instance lsapi.Instance
	err      error
}

// The stages of a request. Only waiting can be left: by the lane, which sends
// it, or by the caller, who withdraws it. Whoever is first decides.
const (
	stageWaiting int32 = iota
	stageSent
	stageWithdrawn
)

func newRequest(ctx context.Context, r lsapi.Request) *request {
	return &request{Request: r, ctx: ctx, answer: make(chan answer, 1)}
}

// send claims the request for a call to AWS. It fails when the caller has left
// or the caller's time is up.
func (r *request) send() bool {
	return r.ctx.Err() == nil && r.stage.CompareAndSwap(stageWaiting, stageSent)
}

// gone reports whether nobody waits for the request any more, and none will.
func (r *request) gone() bool { return r.stage.Load() == stageWithdrawn }

// leave is the caller's way out when its time is up. A request that was not sent
// never will be.
func (r *request) leave() (lsapi.Instance, error) {
	select {
	case a := <-r.answer: // it came at the same moment
		return a.instance, a.err
	default:
	}
	err := lsapi.Errorf(lsapi.CodeTimeout, "the deadline passed before the %s of %s was sent to AWS; nothing was changed", r.Action, r.InstanceID)
	if !r.stage.CompareAndSwap(stageWaiting, stageWithdrawn) {
		err = lsapi.Errorf(lsapi.CodeTimeout, "the deadline passed before AWS answered; the %s of %s may have taken effect, or may yet", r.Action, r.InstanceID)
	}
	err.Err = context.Cause(r.ctx)
	return lsapi.Instance{}, err
}

func (r *request) succeed(instance lsapi.Instance) { r.answer <- answer{instance: instance} }
func (r *request) fail(err error)                  { r.answer <- answer{err: err} }

// failAll gives every caller the same answer.
func failAll(requests []*request, err error) {
	for _, r := range requests {
		r.fail(err)
	}
}
