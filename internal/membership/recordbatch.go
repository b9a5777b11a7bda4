package membership

import (
	"time"

	"lsapi"
)

// recordBatch is what a round writes into the record at once, with the answers that it
// gives once the events are durable.
type recordBatch struct {
	events    []lsapi.Event
	answers   []pendingAnswer
	withdrawn []withdrawal // whose ends are among the events
}

// pendingAnswer is an answer that is not given yet.
type pendingAnswer struct {
	to     []*request // may be none
	give   func()
	unsent bool // they were not sent to AWS
	retry  bool // nor decided, so that they can be tried anew
}

// write adds events without a caller.
func (b *recordBatch) write(events ...lsapi.Event) { b.events = append(b.events, events...) }

// then adds an answer.
func (b *recordBatch) then(a pendingAnswer) { b.answers = append(b.answers, a) }

// conclude adds the outcome of a request that was not sent to AWS.
func (b *recordBatch) conclude(r *request, o lsapi.Outcome, members *int, err *lsapi.Error) {
	change := r.change()
	change.Outcome, change.Code, change.CompletedAt = o, string(err.Code), time.Now()
	change.MembersBefore, change.MembersAfter = members, members
	b.write(lsapi.Event{Kind: lsapi.EventCompleted, At: change.CompletedAt, Change: change})
	b.then(pendingAnswer{to: []*request{r}, give: func() { r.conclude(o, err) }, unsent: true})
}

// concludeAll concludes the requests of callers for one change each, or adds those as
// withdrawn whose callers have left.
func (b *recordBatch) concludeAll(requests []*request, o lsapi.Outcome, members *int, err *lsapi.Error) {
	for _, r := range requests {
		if r.caller.decide() {
			b.conclude(r, o, members, err)
		} else {
			b.withdraw(r.caller.withdrawal())
		}
	}
}

// withdraw adds requests that were not sent, and whose caller has left or was rejected.
func (b *recordBatch) withdraw(w withdrawal) {
	if len(w) == 0 {
		return
	}
	for _, r := range w {
		change := r.change()
		change.Outcome, change.CompletedAt = lsapi.OutcomeWithdrawn, time.Now()
		if r.caller.rejected {
			change.Outcome, change.Code = lsapi.OutcomeFailed, string(lsapi.CodeUnavailable)
		}
		b.write(lsapi.Event{Kind: lsapi.EventCompleted, At: change.CompletedAt, Change: change})
	}
	b.withdrawn = append(b.withdrawn, w)
}

// fail answers at once that nothing was decided, which leaves no event, and adds the
// requests whose callers have left.
func (b *recordBatch) fail(callers []*caller, err error) {
	for _, c := range callers {
		if !c.refuse(err) {
			b.withdraw(c.withdrawal())
		}
	}
}

// answer answers at once that a request is not sent, which leaves no event, unless its
// caller has left.
func (b *recordBatch) answer(r *request, a result) {
	if !r.answer(a) && !r.caller.DryRun {
		b.withdraw(withdrawal{r})
	}
}
