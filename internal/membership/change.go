package membership

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
)

// change is one attach or detach of a round, with all who asked for it. The
// first of them who is still there when it is sent makes it; if it succeeds, the
// others are conflicts, and if it does not, they are tried anew.
type change struct {
	action   lsapi.Action
	instance lsapi.Instance
	waiting  []*request   // in arrival order, without the maker
	maker    *request     // nil until the change is sent, and when it is an orphan
	recorded lsapi.Change // as it is in the record, from when it is intended

	err          *lsapi.Error // what AWS answered; nil means applied
	awsRequestID string       // of the answer
	sendBy       time.Time    // until then its calls end
	sentAt       time.Time    // when its last call began
	deadline     time.Time    // of the call; an ambiguous one may take effect until then
	trusted      time.Time    // reads that began before may show what was before the change
}

// claim picks the change's maker, and returns those before it who have left. It
// reports false when all have: then the change is not sent.
func (c *change) claim() (left []*request, ok bool) {
	for i, r := range c.waiting {
		if r.decide() {
			left, c.maker, c.waiting = c.waiting[:i], r, c.waiting[i+1:]
			return left, true
		}
	}
	return c.waiting, false
}

// intend is the event to record before the change is sent, by what a read that
// began then has shown.
func (c *change) intend(members *int, began time.Time) lsapi.Event {
	c.recorded = c.maker.change()
	c.recorded.Instance = c.instance
	c.recorded.Deadline = c.sendBy
	c.recorded.MembersBefore = members
	return lsapi.Event{Kind: lsapi.EventIntended, At: time.Now(), Until: began, Change: c.recorded}
}

// outcome tells what AWS's answer means, when it is not ambiguous.
func (c *change) outcome() lsapi.Outcome {
	if c.err == nil {
		return lsapi.OutcomeApplied
	}
	switch c.err.Code {
	case lsapi.CodeConflict:
		return lsapi.OutcomeConflict
	case lsapi.CodeInvalid, lsapi.CodeNotFound:
		return lsapi.OutcomeRefused
	default:
		return lsapi.OutcomeFailed
	}
}

// complete is the event to record when the outcome is known.
func (c *change) complete(o lsapi.Outcome, inferred bool) lsapi.Event {
	e := lsapi.Event{Kind: lsapi.EventCompleted, At: time.Now(), Change: c.recorded}
	e.Change.Outcome, e.Change.CompletedAt, e.Change.AWSRequestID = o, e.At, c.awsRequestID
	if c.err != nil && o != lsapi.OutcomeApplied {
		e.Change.Code = reasonOf(c.err)
	}
	if inferred {
		e.Change.Resolution = lsapi.ResolutionInferred
	}
	if inferred || o == lsapi.OutcomeUnknown {
		e.Kind = lsapi.EventResolved
	}
	return e
}

// reasonOf is AWS's own code, or ours where it has none.
func reasonOf(err *lsapi.Error) string {
	if err.Reason != "" {
		return err.Reason
	}
	return string(err.Code)
}

// settled adds the end of a change to the batch, which is shown already if it took
// effect: the maker gets the outcome; for the others it was a conflict if it took
// effect, and else they are tried anew.
func (r *round) settled(b *recordBatch, c *change, o lsapi.Outcome, inferred bool) {
	event := c.complete(o, inferred)
	if o == lsapi.OutcomeApplied {
		r.recorded.note([]lsapi.Event{event}) // so that the next in the batch counts it
	}
	event.Change.MembersAfter = r.recorded.count()
	b.write(event)
	b.then(pendingAnswer{to: c.makers(), give: func() {
		r.service.metrics.Change(string(c.action), string(o))
		r.log(c, o, inferred)
		c.tell(r.loadBalancer, o)
	}})
	if o != lsapi.OutcomeApplied {
		b.then(pendingAnswer{to: c.waiting, give: func() { r.again(c.waiting) }, again: true})
		return
	}
	for _, waiting := range c.waiting {
		if !waiting.decide() {
			b.withdraw([]*request{waiting})
			continue
		}
		b.conclude(waiting, lsapi.OutcomeConflict, r.recorded.count(), errConflict(c.action, c.instance.ID, r.loadBalancer))
	}
}

// makers are the maker, if there is one.
func (c *change) makers() []*request {
	if c.maker == nil {
		return nil
	}
	return []*request{c.maker}
}

// tell answers the maker, if there is one.
func (c *change) tell(loadBalancer string, o lsapi.Outcome) {
	switch {
	case c.maker == nil:
	case o == lsapi.OutcomeApplied:
		c.maker.succeed(c.instance)
	case o == lsapi.OutcomeUnknown:
		c.maker.conclude(errUnknown(c.action, c.instance.ID, loadBalancer, c.err))
	default:
		c.maker.conclude(c.err)
	}
}

// log writes the log's line for a change that was sent.
func (l *lane) log(c *change, o lsapi.Outcome, inferred bool) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("outcome", string(o)),
		slog.String("action", string(c.action)),
		slog.String("load_balancer", l.loadBalancer),
		slog.String("instance", c.instance.ID),
		slog.String("actor", c.recorded.Actor),
		slog.String("change_id", c.recorded.ID),
		slog.String("request_id", c.recorded.RequestID),
	}
	if c.recorded.Reason != "" {
		attributes = append(attributes, slog.String("reason", c.recorded.Reason))
	}
	if inferred {
		attributes = append(attributes, slog.String("resolution", string(lsapi.ResolutionInferred)))
	}
	if c.err != nil && o != lsapi.OutcomeApplied {
		level = slog.LevelWarn
		attributes = append(attributes, slog.String("code", string(c.err.Code)), slog.Any("error", c.err))
	}
	l.service.log.LogAttrs(context.Background(), level, "change", attributes...)
}
