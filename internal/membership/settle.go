package membership

import (
	"errors"
	"time"

	"lsapi"
)

// keepOpen holds a change whose call may have taken effect although it failed.
// Until it is settled, nothing else is done with its instance.
func (l *lane) keepOpen(c *change) {
	l.open = append(l.open, c)
	l.pause = firstSettlingPause
	l.nextLook = time.Now().Add(l.pause)
}

// settle looks for the effects of open changes in what a round has just read.
// What cannot be recorded stays open until the next look, although it is shown if
// it took effect.
func (r *round) settle(v view) {
	if len(r.open) == 0 {
		return
	}
	var still, over []*change
	var outcomes recordBatch
	for _, c := range r.open {
		o := r.judge(c, v)
		if o == stillOpen {
			still = append(still, c)
			continue
		}
		over = append(over, c)
		if o == lsapi.OutcomeApplied {
			r.show([]*change{c})
		}
		r.settled(&outcomes, c, o, o != lsapi.OutcomeUnknown)
	}
	r.open = still
	switch err := r.append(&outcomes); {
	case err == nil:
	case lsapi.IsTransient(err) || errors.Is(err, lsapi.ErrLeaseLost):
		r.open = append(r.open, over...)
	default:
		r.lose(&outcomes, err)
	}
	r.lookLater()
}

// lookLater puts off the next look at what is open.
func (l *lane) lookLater() {
	l.pause = min(max(firstSettlingPause, 2*l.pause), maxSettlingPause)
	l.nextLook = time.Now().Add(l.pause)
	l.nextTry = l.nextLook
}

// stillOpen is judge's way of saying that the next look may tell more.
const stillOpen lsapi.Outcome = ""

// judge says what a read tells of an open change.
//
// That the effect shows, settles it as soon as nothing else can have caused what
// shows: reads may lag, and show what an earlier change of ours had left. That
// it does not show, settles it once the call can no longer take effect (its
// deadline) and the read no longer lags behind it (the overlay window). If by
// then AWS could not be read, it stays unknown after one more window.
func (r *round) judge(c *change, v view) lsapi.Outcome {
	over := c.deadline.Add(r.service.overlay.Window())
	switch {
	case lsapi.ErrorCode(v.err) == lsapi.CodeNotFound:
		return lsapi.OutcomeUnknown // gone with its load balancer
	case v.shown == nil:
		if v.began.After(over.Add(r.service.overlay.Window())) {
			return lsapi.OutcomeUnknown
		}
		return stillOpen
	case v.began.Before(c.trusted):
		return stillOpen
	case v.shown[c.instance.ID] == (c.action == lsapi.Attach):
		return lsapi.OutcomeApplied
	case v.began.After(over):
		return lsapi.OutcomeFailed
	}
	return stillOpen
}
