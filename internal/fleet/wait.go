package fleet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lsapi"
)

// Await waits until a member meets a condition, and returns its state. The state was read
// from AWS after the call, or results from a change by lsapi.
//
// CodeWaitTimeout: ctx ended first. CodeConflict: the instance is terminated. Both come
// with the last state. CodeNotFound: it is not a member and cannot meet the
// condition, or the pool does not exist. Await continues while AWS or the record cannot
// be read; if nothing could be read, it returns the last error.
func (f *Fleet) Await(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
	return f.AwaitReporting(ctx, pool, member, condition, func(lsapi.MemberDetail) {})
}

// AwaitReporting is Await, and calls report with the first state of the member and each
// other one that it reads, without the history. A state that is between two reads is not reported.
func (f *Fleet) AwaitReporting(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition,
	report func(lsapi.MemberDetail),
) (lsapi.MemberDetail, error) {
	w := &wait{f: f, pool: pool, id: member, condition: condition, last: memberWith(nil, member), notify: report}
	defer w.unfollow()
	err := w.run(ctx)
	switch lsapi.ErrorCode(err) {
	case "", lsapi.CodeWaitTimeout, lsapi.CodeConflict:
		return w.detail(ctx), err
	}
	return lsapi.MemberDetail{}, err
}

// wait is the state of one Await.
type wait struct {
	f         *Fleet
	pool      lsapi.PoolID
	id        lsapi.MemberID
	condition lsapi.WaitCondition

	read      bool         // the membership was read
	member    bool         // by the last read
	wasMember bool         // by any read
	last      lsapi.Member // with the last description of its instance
	follower  Follower
	after     time.Time           // the next report must be later
	report    *lsapi.HealthReport // the last
	failure   error               // the last

	notify   func(lsapi.MemberDetail)
	notified *lsapi.MemberDetail // the last state that notify got
}

func (w *wait) run(ctx context.Context) error {
	for {
		done, err := w.check(ctx)
		w.notifyNews()
		switch {
		case ctx.Err() != nil && !done:
			return w.timeoutError()
		case err != nil && !lsapi.ErrorCode(err).IsTemporary():
			return err
		case err != nil:
			w.failure = err
		case done:
			return nil
		}
		if err == nil && w.follower != nil {
			continue // check waits for the next report
		}
		select {
		case <-time.After(checkEvery):
		case <-ctx.Done():
			return w.timeoutError()
		}
	}
}

// notifyNews reports the state of the member if it is another than before.
func (w *wait) notifyNews() {
	if !w.read {
		return
	}
	now := newMemberDetail(w.last, w.member, healthIn(w.report, w.id), lsapi.MemberHistory{})
	if before := w.notified; before != nil && before.ID == now.ID && before.Member == now.Member && isSameHealth(before.Health, now.Health) {
		return
	}
	w.notified = &now
	w.notify(now)
}

func isSameHealth(a, b *lsapi.MemberHealth) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// check reports whether the condition is met, by reads since the last check. With a
// follower it waits for a new report.
func (w *wait) check(ctx context.Context) (bool, error) {
	if err := w.readMembership(ctx, false); err != nil {
		return false, err
	}
	switch w.condition {
	case lsapi.WaitInService:
		return w.isInService(ctx)
	case lsapi.WaitDrained:
		return w.isDrained(ctx)
	case lsapi.WaitAbsent:
		return w.isAbsent(ctx)
	}
	return false, lsapi.Errorf(lsapi.CodeInvalid, "there is no such wait condition")
}

func (w *wait) readMembership(ctx context.Context, fresh bool) error {
	m, err := w.f.o.Lists.One(ctx, w.pool, fresh)
	if err != nil {
		return err
	}
	id, err := memberIn(m, w.id)
	if err != nil {
		return err
	}
	if id != w.id {
		w.id, w.last = id, memberWith(nil, id)
	}
	found, member := memberOf(m, w.id)
	w.read, w.member, w.wasMember = true, member, w.wasMember || member
	if member {
		w.last = found
	}
	return nil
}

// isAbsent confirms with a fresh read that it is not a member: another replica may have just
// attached it.
func (w *wait) isAbsent(ctx context.Context) (bool, error) {
	if w.member {
		return false, nil
	}
	err := w.readMembership(ctx, true)
	return err == nil && !w.member, err
}

func (w *wait) isInService(ctx context.Context) (bool, error) {
	if absent, err := w.isAbsent(ctx); err != nil {
		return false, err
	} else if absent {
		return false, w.absentError(ctx)
	}
	if isTerminated(w.last.Instance) {
		return false, errTerminated()
	}
	if w.follower == nil {
		w.follow(w.f.o.Health.Follow(w.pool))
	}
	if err := w.nextReport(ctx); err != nil {
		return false, err
	}
	health := healthIn(w.report, w.id)
	switch {
	case health == nil: // AWS lists a terminated instance for a while, without health
		return false, w.checkTerminated(ctx)
	case health.State != lsapi.InService || health.Draining:
		return false, nil
	}
	err := w.readMembership(ctx, false) // it may have been detached before the report
	return err == nil && w.member, err
}

// absentError returns why one that is not a member cannot come into service.
func (w *wait) absentError(ctx context.Context) error {
	if w.wasMember {
		if err := w.checkTerminated(ctx); err != nil {
			return err
		}
	}
	return errNotMember()
}

// checkTerminated returns an error if EC2 reports the instance as terminated.
func (w *wait) checkTerminated(ctx context.Context) error {
	if found, ok := w.f.instancesOf(ctx, ctx, w.id)[w.id.Instance]; ok {
		w.last.Instance = found
	}
	if isTerminated(w.last.Instance) {
		return errTerminated()
	}
	return nil
}

// isDrained reports whether it is neither a member nor draining.
func (w *wait) isDrained(ctx context.Context) (bool, error) {
	if w.member {
		w.unfollow()
		return false, nil
	}
	if w.follower == nil {
		since, timeout := w.lastDetach(ctx)
		w.follow(w.f.o.Health.FollowDrain(w.pool, w.id, since, timeout))
	}
	if err := w.nextReport(ctx); err != nil {
		return false, err
	}
	if healthIn(w.report, w.id) != nil {
		return false, nil
	}
	return w.isAbsent(ctx) // it may have been attached again
}

// lastDetach returns when lsapi detached the member, and its draining timeout; zero is
// unknown.
func (w *wait) lastDetach(ctx context.Context) (since time.Time, timeout time.Duration) {
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	var last *lsapi.Change
	var parts sync.WaitGroup
	parts.Go(func() { last = w.f.historyOf(short, ctx, w.pool, w.id).of(w.id).LastChange })
	if a := w.f.attributesOf(short, ctx, w.pool); a != nil && a.Draining {
		timeout = a.DrainingTimeout
	}
	parts.Wait()
	if last != nil && last.Action == lsapi.Detach && last.Outcome == lsapi.OutcomeApplied {
		since = last.CompletedAt
	}
	return since, timeout
}

// follow waits for reports of polls that begin from now on.
func (w *wait) follow(follower Follower) {
	w.follower, w.after = follower, time.Now()
}

func (w *wait) unfollow() {
	if w.follower != nil {
		w.follower.Close()
		w.follower = nil
	}
}

// nextReport waits for the next report. After an error the follower is unusable.
func (w *wait) nextReport(ctx context.Context) error {
	report, err := w.follower.Next(ctx, w.after)
	if err != nil {
		w.unfollow()
		return err
	}
	w.report, w.after = &report, report.AsOf
	return nil
}

func (w *wait) timeoutError() error {
	if !w.read && w.failure != nil {
		return w.failure
	}
	return &lsapi.Error{Code: lsapi.CodeWaitTimeout, Message: w.lastState(), Err: w.failure}
}

// lastState describes the last state of the member.
func (w *wait) lastState() string {
	health := healthIn(w.report, w.id)
	switch {
	case !w.read:
		return "its membership could not be read"
	case w.condition != lsapi.WaitInService && w.member:
		return "it is still a member"
	case w.report == nil:
		return "its health could not be read"
	case health == nil:
		return "AWS reports no health for it"
	case health.Draining:
		return "its requests in flight are still finishing"
	}
	return fmt.Sprintf("it is %s: %s", health.State, health.Description)
}

// detail returns the last state of the member, even if ctx has ended.
func (w *wait) detail(ctx context.Context) lsapi.MemberDetail {
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), partTimeout)
	defer cancel()
	var history history
	var parts sync.WaitGroup
	parts.Go(func() { history = w.f.historyOf(short, short, w.pool, w.id) })
	if !w.wasMember {
		w.last = memberWith(w.f.instancesOf(short, short, w.id), w.id)
	}
	if w.report == nil && w.condition == lsapi.WaitAbsent && w.read {
		w.report, _ = w.f.report(short, short, w.pool, nil, shownHealthAge) // whether it is draining
	}
	parts.Wait()
	return newMemberDetail(w.last, w.member, healthIn(w.report, w.id), history.of(w.id))
}
