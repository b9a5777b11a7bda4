package membership

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"lsapi"
)

// page is what a lane writes into the record at once, and whom it answers when
// that is done: nobody is told what is not on record.
type page struct {
	events  []lsapi.Event
	replies []reply
}

// reply is an answer that is not given yet. It may be to nobody.
type reply struct {
	to   *request
	give func()
}

// write adds an event that nobody waits for.
func (p *page) write(e lsapi.Event) { p.events = append(p.events, e) }

// then adds an answer.
func (p *page) then(to *request, give func()) { p.replies = append(p.replies, reply{to, give}) }

// conclude adds the outcome of a request that was not sent to AWS.
func (p *page) conclude(r *request, o lsapi.Outcome, members *int, err *lsapi.Error) {
	change := r.change()
	change.Outcome, change.Code, change.CompletedAt = o, string(err.Code), time.Now()
	change.MembersBefore, change.MembersAfter = members, members
	p.write(lsapi.Event{Kind: lsapi.EventCompleted, At: change.CompletedAt, Change: change})
	p.then(r, func() { r.conclude(err) })
}

// withdraw adds the requests whose callers have left.
func (p *page) withdraw(requests []*request) {
	for _, r := range requests {
		change := r.change()
		change.Outcome, change.CompletedAt = lsapi.OutcomeWithdrawn, time.Now()
		p.write(lsapi.Event{Kind: lsapi.EventCompleted, At: change.CompletedAt, Change: change})
	}
}

// fail answers that there is no change, and adds the requests whose callers have
// left.
func (p *page) fail(requests []*request, err error) {
	for _, r := range requests {
		if r.decide() {
			r.fail(err)
			continue
		}
		p.withdraw([]*request{r})
	}
}

// append writes the page into the record and gives its answers. If it cannot be
// written, nobody is answered.
func (l *lane) append(p *page) error {
	if len(p.events) > 0 {
		ctx, cancel := l.service.recording()
		defer cancel()
		if err := l.service.record.Append(ctx, l.turn, p.events); err != nil {
			l.roster.loaded = false // it may have run ahead of the record
			return err
		}
		l.roster.note(p.events)
		if slices.ContainsFunc(p.events, func(e lsapi.Event) bool { return e.Kind != lsapi.EventHealth }) {
			l.unsee()
		}
	}
	for _, r := range p.replies {
		r.give()
	}
	*p = page{}
	return nil
}

// refuse answers that nothing was changed, because it could not have been
// recorded.
func (p *page) refuse(err error) {
	for _, r := range p.replies {
		if r.to != nil {
			r.to.refuse(err)
		}
	}
}

// lose answers that the outcomes could not be recorded. Their intents are on
// record, so that they will be settled by whoever has the turn next.
func (p *page) lose(log *slog.Logger, err error) {
	log.Warn("outcomes could not be recorded", slog.Int("events", len(p.events)), slog.Any("error", err))
	for _, r := range p.replies {
		if r.to != nil {
			r.to.conclude(errUnsettled(r.to, err))
		}
	}
}

// persist appends what AWS has answered already, however long the record is
// away: the intents stand there, and their outcomes must follow. Callers wait for
// as long as they like; who comes meanwhile is refused, for nothing new can be
// recorded. It gives up when the turn is lost, for then somebody else has the
// changes, when the record contradicts them, and when the Service is closed by
// force.
func (l *lane) persist(p *page) error {
	var told bool
	for pause := firstRecordPause; ; pause = min(2*pause, maxRecordPause) {
		err := l.append(p)
		if err == nil || !passes(err) || l.service.base.Err() != nil {
			return err
		}
		if !told {
			l.service.log.Error("outcomes cannot be recorded; trying again until they are",
				slog.String("load_balancer", l.loadBalancer), slog.Any("error", err))
			told = true
		}
		l.refuseWaiting(err)
		l.pauseFor(pause)
	}
}

// passes reports whether what failed may succeed later.
func passes(err error) bool {
	code := lsapi.ErrorCode(err)
	return !errors.Is(err, lsapi.ErrTurnLost) && (code == lsapi.CodeUnavailable || code == lsapi.CodeTimeout)
}

// refuseWaiting empties the queue.
func (l *lane) refuseWaiting(err error) {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	failAll(slices.DeleteFunc(l.queue, l.hasLeft), errUnrecorded(err))
	l.queue = nil
}

// pauseFor waits whatever comes, but not longer than the Service lives.
func (l *lane) pauseFor(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.service.base.Done():
	}
}
