package membership

import (
	"time"

	"lsapi"
)

// change is one attach or detach of a round, with all requests for it. The first of them
// makes it. If it succeeds, the others are conflicts, else they are tried anew.
type change struct {
	action   lsapi.Action
	member   lsapi.MemberID
	instance lsapi.Instance // EC2's description of the member
	waiting  []*request     // in arrival order, without the maker
	maker    *request       // nil for an orphan
	recorded lsapi.Change   // as it is on record, from its intent on

	err          *lsapi.Error // AWS's answer; nil means applied
	awsRequestID string       // of the answer
	sendBy       time.Time    // its calls end before
	sentAt       time.Time    // when its last call began
	deadline     time.Time    // of the call; an ambiguous one may take effect until then
	trusted      time.Time    // earlier reads may show what was before the change
}

// intend returns the event to record before the change is sent, by a read that began then
// and found so many members.
func (c *change) intend(members *int, began time.Time) lsapi.Event {
	c.recorded = c.maker.change()
	c.recorded.Instance = c.instance
	c.recorded.Deadline = c.sendBy
	c.recorded.MembersBefore = members
	return lsapi.Event{Kind: lsapi.EventIntended, At: time.Now(), Until: began, Change: c.recorded}
}

// outcome returns the meaning of an answer that is not ambiguous.
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

// complete returns the event to record with the outcome.
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

// reasonOf returns AWS's own code, or ours if there is none.
func reasonOf(err *lsapi.Error) string {
	if err.Reason != "" {
		return err.Reason
	}
	return string(err.Code)
}

// makers returns the maker, if there is one.
func (c *change) makers() []*request {
	if c.maker == nil {
		return nil
	}
	return []*request{c.maker}
}

// answer answers the maker, if there is one.
func (c *change) answer(pool lsapi.PoolID, o lsapi.Outcome) {
	switch {
	case c.maker == nil:
	case o == lsapi.OutcomeApplied:
		c.maker.answer(result{outcome: o, recorded: true, instance: c.instance, guard: c.maker.guard})
	case o == lsapi.OutcomeUnknown:
		c.maker.conclude(o, errUnknown(c.action, c.member, pool, c.err))
	default:
		c.maker.conclude(o, errFailed(c))
	}
}

// errFailed is the answer to a change that certainly was not applied.
func errFailed(c *change) *lsapi.Error {
	return explained(c.err, "; the %s of %s did not take effect", c.action, c.member)
}

// errElsewhere is the answer to a change that another process has settled.
func errElsewhere(c *change) *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeTimeout, "the outcome of the %s of %s was settled by another process; the record has it", c.action, c.member)
}
