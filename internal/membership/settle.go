package membership

import (
	"errors"
	"slices"
	"time"

	"lsapi"
)

// settle looks for the effects of open changes in what the round has read. An outcome that
// cannot be recorded stays open until the next look.
func (r *round) settle(v view) {
	if r.open.isEmpty() {
		return
	}
	var still, settled []*change
	found := make(map[*change]lsapi.Outcome)
	for _, c := range r.open.changes {
		if found[c] = judge(c, v, r.overlay.Window()); found[c] == stillOpen {
			still = append(still, c)
		} else {
			settled = append(settled, c)
		}
	}
	r.open.changes = still
	for some := range slices.Chunk(settled, maxBatch) {
		r.settleSome(some, found)
	}
	r.open.lookLater()
}

// settleSome records the outcomes of some of the open changes.
func (r *round) settleSome(settled []*change, found map[*change]lsapi.Outcome) {
	var applied []*change
	for _, c := range settled {
		if found[c] == lsapi.OutcomeApplied {
			applied = append(applied, c)
		}
	}
	var outcomes recordBatch
	r.showWhenRecorded(&outcomes, applied)
	for _, c := range settled {
		r.complete(&outcomes, c, found[c], found[c] != lsapi.OutcomeUnknown)
	}
	switch err := r.journal.append(&outcomes); {
	case err == nil:
	case lsapi.IsTransient(err) || errors.Is(err, lsapi.ErrLeaseLost):
		r.open.changes = append(r.open.changes, settled...)
	default:
		r.loseOutcomes(&outcomes, err)
	}
}

// stillOpen is judge's result if a later read may show more.
const stillOpen lsapi.Outcome = ""

// judge returns what a read proves of an open change, if reads lag by at most the window.
//
// An effect that shows settles the change, unless the read may show what an earlier change
// of ours left. An effect that does not show settles it once the call can no longer take
// effect (its deadline) and the read no longer lags behind that. If AWS could not be read
// until one window later, the change stays unknown.
func judge(c *change, v view, window time.Duration) lsapi.Outcome {
	over := c.deadline.Add(window)
	switch {
	case lsapi.ErrorCode(v.err) == lsapi.CodeNotFound:
		return lsapi.OutcomeUnknown // gone with its pool
	case v.isReplaced:
		return lsapi.OutcomeUnknown
	case v.shown == nil:
		if v.began.After(over.Add(window)) {
			return lsapi.OutcomeUnknown
		}
		return stillOpen
	case v.began.Before(c.trusted):
		return stillOpen
	case v.shown[c.member] == (c.action == lsapi.Attach):
		return lsapi.OutcomeApplied
	case v.began.After(over):
		return lsapi.OutcomeFailed
	}
	return stillOpen
}
