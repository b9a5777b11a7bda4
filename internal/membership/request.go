package membership

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"lsapi"
)

// caller is one place in the queue of a lane: the caller of a request for one change, or of
// a bulk, whose changes are decided at once.
type caller struct {
	lsapi.Bulk // of one change: it has one item, and no BulkID
	isOne      bool
	undoes     string
	portOf     string // the incarnation of the pool whose port a member has; "": none has
	ctx        context.Context
	stage      atomic.Int32
	done       chan struct{} // closed with the answer
	// rejected is whether the caller has the answer that nothing was changed, although the
	// intents may be on record; only the lane uses it.
	rejected bool
	matches  bool // the members have a version of IfMatch; only the lane uses it

	mu         sync.Mutex // guards what follows, and the results of the requests
	requests   []*request // of a bulk: made before its decision
	unanswered int        // requests without a result
	answered   bool
	left       bool  // it has left after the decision, without an answer
	err        error // why none of the requests was decided
}

// request is a request for one change.
type request struct {
	caller   *caller
	changeID string
	action   lsapi.Action
	member   lsapi.MemberID
	// What follows is set by the decision.
	instance lsapi.Instance // EC2's description of the member
	verdict  *lsapi.Error   // why it is not sent to AWS; nil if it is

	guard *lsapi.GuardVerdict // that refuses it, or that it overrides; only the lane uses it

	intended bool // the intent is on record
	result   *result
}

// result is what became of a request.
type result struct {
	outcome  lsapi.Outcome
	recorded bool
	instance lsapi.Instance // if it was applied
	guard    *lsapi.GuardVerdict
	err      *lsapi.Error // nil: applied, or it would be
}

// The stages of a caller. Only waiting ends: the lane decides the requests, or the caller
// withdraws them, whichever is first.
const (
	stageWaiting int32 = iota
	stageDecided
	stageWithdrawn
)

// newCaller returns the caller of a request whose member is resolved.
func newCaller(ctx context.Context, r lsapi.Request, portOf string) *caller {
	c := newBulkCaller(ctx, lsapi.Bulk{
		ID: r.ID, At: r.At, Actor: r.Actor, Pool: r.Pool, Reason: r.Reason, Terms: r.Terms,
		Items: []lsapi.BulkItem{{Action: r.Action, Member: r.Member}},
	}, portOf)
	c.isOne, c.undoes = true, r.Undoes
	c.add(r.ChangeID, c.Items[0])
	return c
}

// newBulkCaller returns the caller of a bulk whose members are resolved.
func newBulkCaller(ctx context.Context, b lsapi.Bulk, portOf string) *caller {
	return &caller{Bulk: b, portOf: portOf, ctx: ctx, done: make(chan struct{})}
}

func (c *caller) isBulk() bool { return !c.isOne }

// add adds a request.
func (c *caller) add(changeID string, item lsapi.BulkItem) {
	c.requests = append(c.requests, &request{caller: c, changeID: changeID, action: item.Action, member: item.Member})
	c.unanswered++
}

// prepare returns the requests, and makes those of a bulk. A desired set has a request for
// each of its members, and, unless it is additive, for each member that it lacks.
func (c *caller) prepare(members map[lsapi.MemberID]bool) []*request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests != nil {
		return c.requests
	}
	items := slices.Clip(c.Items)
	if c.changesAny() {
		wanted := make(map[lsapi.MemberID]bool, len(items))
		for _, item := range items {
			wanted[item.Member] = true
		}
		for _, member := range missing(members, wanted) {
			items = append(items, lsapi.BulkItem{Action: lsapi.Detach, Member: member})
		}
	}
	for n, item := range items {
		c.add(newChangeID(c.At, n), item)
	}
	return c.requests
}

// withdrawal is the requests of a caller that has left, which are to be recorded as
// withdrawn.
type withdrawal []*request

// withdrawal returns the requests without a result that a caller has left behind. Those of a
// dry run are never on record, and those of a desired set not before its decision.
func (c *caller) withdrawal() withdrawal {
	if c.DryRun || c.Desired != nil && !c.isDecided() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.prepare(nil)), func(r *request) bool { return r.result != nil })
}

// newChangeID returns the id of a change of a bulk: a UUID of version 7 with the time of
// the bulk. Ids of one bulk sort by n.
func newChangeID(at time.Time, n int) string {
	id := uuid.New()
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(at.UnixMilli())<<16|7<<12|uint64(n)&0xfff) //nolint:gosec // times are after 1970
	copy(id[:], stamp[:])
	return id.String()
}

// decide claims the requests for calls to AWS, or for answers that need none. It fails if
// the caller has left, or its time is up.
func (c *caller) decide() bool {
	if c.ctx.Err() != nil {
		c.stage.CompareAndSwap(stageWaiting, stageWithdrawn)
	}
	return c.stage.CompareAndSwap(stageWaiting, stageDecided) || c.isDecided()
}

func (c *caller) isDecided() bool { return c.stage.Load() == stageDecided }

// isWithdrawn reports whether the caller has left before the decision.
func (c *caller) isWithdrawn() bool { return c.stage.Load() == stageWithdrawn }

// leave ends the wait of a caller whose time is up. Requests that were not decided never
// will be: then it returns an error. The lane records them; a crash before that loses them,
// because nothing was intended.
func (c *caller) leave() error {
	if c.stage.CompareAndSwap(stageWaiting, stageWithdrawn) || c.isWithdrawn() {
		return errWithdrawn(c)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = !c.answered
	return c.err
}

// fail answers that none of the requests was decided. It returns false if the caller has
// left without that answer and with the ids of changes, which must be recorded as withdrawn.
func (c *caller) fail(err error) (received bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered {
		return true
	}
	c.err = err
	c.close()
	return !c.left
}

// refuse is fail for a caller that may not be decided yet.
func (c *caller) refuse(err error) (received bool) { return c.decide() && c.fail(err) }

// close gives the answer. The caller holds mu.
func (c *caller) close() {
	c.answered = true
	close(c.done)
}

// answer sets the result of the request. The last one answers the caller. It returns false
// if the caller has left before.
func (r *request) answer(a result) (received bool) {
	c := r.caller
	c.mu.Lock()
	defer c.mu.Unlock()
	r.result = &a
	c.unanswered--
	if c.unanswered == 0 && !c.answered {
		c.close()
	}
	return !c.left
}

// answerIfEmpty answers a caller without requests.
func (c *caller) answerIfEmpty() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.requests) == 0 && !c.answered {
		c.close()
	}
}

// conclude answers why a change on record did not take effect.
func (r *request) conclude(o lsapi.Outcome, err *lsapi.Error) {
	r.answer(result{outcome: o, recorded: true, guard: r.guard, err: err})
}

// setIntended notes that the intent is on record.
func (r *request) setIntended() {
	r.caller.mu.Lock()
	defer r.caller.mu.Unlock()
	r.intended = true
}

// change returns what is recorded of the request.
func (r *request) change() lsapi.Change {
	c := r.caller
	change := lsapi.Change{
		ID: r.changeID, Actor: c.Actor.Name, Action: r.action,
		Pool: c.Pool, Member: r.member,
		Reason: c.Reason, RequestID: c.ID,
		Source: lsapi.SourceLSAPI, IntendedAt: c.At,
		Bulk: c.BulkID, Undoes: c.undoes, Guard: r.guard,
	}
	if c.matches {
		change.IfMatch = strings.Join(c.IfMatch, ",")
	}
	return change
}

// callersOf returns the callers of requests for one change each.
func callersOf(requests []*request) []*caller {
	callers := make([]*caller, len(requests))
	for i, r := range requests {
		callers[i] = r.caller
	}
	return callers
}

// failAll gives every caller the same answer.
func failAll(callers []*caller, err error) {
	for _, c := range callers {
		c.fail(err)
	}
}

// dependsOnAll reports whether what is decided depends on all members of the pool: then no
// change may be open, or come before it in the round.
func (c *caller) dependsOnAll() bool {
	return len(c.IfMatch) > 0 && !slices.Contains(c.IfMatch, lsapi.AnyVersion) || c.changesAny()
}

// changesAny reports whether members may be changed that the request does not name.
func (c *caller) changesAny() bool { return c.Desired != nil && !c.Desired.Additive }

// mayDetach reports whether the caller requests detaches.
func (c *caller) mayDetach() bool {
	return c.changesAny() || slices.ContainsFunc(c.Items, func(i lsapi.BulkItem) bool { return i.Action == lsapi.Detach })
}
