package membership

import (
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
func (l *lane) settle(v view) {
	if len(l.open) == 0 {
		return
	}
	open := l.open
	l.open = nil
	for _, c := range open {
		switch o := l.judge(c, v); o {
		case stillOpen:
			l.open = append(l.open, c)
		case outcomeApplied:
			l.show([]*change{c})
			l.settled(c, o, true)
		default:
			l.settled(c, o, o != outcomeUnknown)
		}
	}
	l.pause = min(2*l.pause, maxSettlingPause)
	l.nextLook = time.Now().Add(l.pause)
}

// stillOpen is judge's way of saying that the next look may tell more.
const stillOpen outcome = ""

// judge says what a read tells of an open change.
//
// That the effect shows, settles it as soon as nothing else can have caused what
// shows: reads may lag, and show what an earlier change of ours had left. That
// it does not show, settles it once the call can no longer take effect (its
// deadline) and the read no longer lags behind it (the overlay window). If by
// then AWS could not be read, it stays unknown after one more window.
func (l *lane) judge(c *change, v view) outcome {
	over := c.deadline.Add(l.service.window)
	switch {
	case lsapi.ErrorCode(v.err) == lsapi.CodeNotFound:
		return outcomeUnknown // gone with its load balancer
	case v.shown == nil:
		if v.began.After(over.Add(l.service.window)) {
			return outcomeUnknown
		}
		return stillOpen
	case v.began.Before(c.trusted):
		return stillOpen
	case v.shown[c.instance.ID] == (c.action == lsapi.Attach):
		return outcomeApplied
	case v.began.After(over):
		return outcomeFailed
	}
	return stillOpen
}
