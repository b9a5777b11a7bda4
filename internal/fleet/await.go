package fleet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lsapi"
)

// Await waits until an instance is in a load balancer what the wish says, and
// returns what is known of it then. What it answers by was asked of AWS after Await
// was called, or is a change that lsapi has made.
//
// Errors: CodeNotYet when ctx ends first; the last that is known of the instance is
// returned with it. CodeConflict: the instance is terminated; likewise. CodeNotFound
// when it cannot come about: it is no member, or the load balancer is gone. While AWS
// or the record cannot be read, it goes on waiting; if nothing at all could be read
// until ctx ended, the error is what kept it from that.
func (f *Fleet) Await(ctx context.Context, name, instanceID string, wish lsapi.WaitCondition) (lsapi.MemberDetail, error) {
	w := &wait{f: f, name: name, id: instanceID, wish: wish, instance: lsapi.Instance{ID: instanceID}}
	defer w.unfollow()
	err := w.run(ctx)
	switch lsapi.ErrorCode(err) {
	case "", lsapi.CodeWaitTimeout, lsapi.CodeConflict:
		return w.detail(ctx), err
	}
	return lsapi.MemberDetail{}, err
}

// wait is one who waits.
type wait struct {
	f        *Fleet
	name, id string
	wish     lsapi.WaitCondition

	seen      bool // the membership was read
	member    bool // by the last look at it
	wasMember bool // by any
	instance  lsapi.Instance
	follower  Follower
	after     time.Time           // what the next report must be later than
	report    *lsapi.HealthReport // the last
	failure   error               // the last
}

func (w *wait) run(ctx context.Context) error {
	for {
		done, err := w.look(ctx)
		switch {
		case ctx.Err() != nil && !done:
			return w.notYet()
		case err != nil && !passes(err):
			return err
		case err != nil:
			w.failure = err
		case done:
			return nil
		}
		if (err != nil || w.follower == nil) && over(ctx, lookEvery) {
			return w.notYet()
		}
	}
}

// passes reports whether it is worth to wait although there is the error.
func passes(err error) bool {
	switch lsapi.ErrorCode(err) {
	case lsapi.CodeThrottled, lsapi.CodeUnavailable, lsapi.CodeUpstream, lsapi.CodeTimeout:
		return true
	}
	return false
}

// look reports whether it is so now, as far as can be told from what has been asked
// since the last look. With a follower it returns when there is a new report.
func (w *wait) look(ctx context.Context) (bool, error) {
	if err := w.readMembership(ctx, false); err != nil {
		return false, err
	}
	switch w.wish {
	case lsapi.WaitInService:
		return w.isInService(ctx)
	case lsapi.WaitDrained:
		return w.isDrained(ctx)
	case lsapi.WaitAbsent:
		return w.isAbsent(ctx)
	}
	return false, lsapi.Errorf(lsapi.CodeInvalid, "nobody can wait for that")
}

// readMembership looks whether the instance is a member.
func (w *wait) readMembership(ctx context.Context, fresh bool) error {
	m, _, err := w.f.o.Lists.One(ctx, w.name, fresh)
	if err != nil {
		return err
	}
	found, member := memberOf(m, w.id)
	w.seen, w.member, w.wasMember = true, member, w.wasMember || member
	if member {
		w.instance = found
	}
	return nil
}

// isAbsent reports whether the instance is no member, which is looked at afresh: by
// another replica it may have been made one a moment ago.
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
		return false, w.whyAbsent(ctx)
	}
	if isDead(w.instance) {
		return false, errDead()
	}
	if w.follower == nil {
		w.follow(w.f.o.Health.Follow(w.name))
	}
	if err := w.next(ctx); err != nil {
		return false, err
	}
	health := healthIn(*w.report, w.id)
	switch {
	case health == nil: // AWS says nothing of one that is terminated, and may list it for a while
		return false, w.checkAlive(ctx)
	case health.State != lsapi.InService || health.Draining:
		return false, nil
	}
	err := w.readMembership(ctx, false) // it took a while since
	return err == nil && w.member, err
}

// whyAbsent returns why one who is no member cannot come into service.
func (w *wait) whyAbsent(ctx context.Context) error {
	if w.wasMember {
		if err := w.checkAlive(ctx); err != nil {
			return err
		}
	}
	return errNoMember()
}

// checkAlive asks EC2 whether the instance is terminated.
func (w *wait) checkAlive(ctx context.Context) error {
	facts := w.f.factsOf(ctx, ctx, w.id)
	if now, known := facts[w.id]; known {
		w.instance = now
	}
	if isDead(w.instance) {
		return errDead()
	}
	return nil
}

// isDrained reports whether the instance is no member, and the load balancer has
// nothing to say of it any more.
func (w *wait) isDrained(ctx context.Context) (bool, error) {
	if w.member {
		w.unfollow()
		return false, nil
	}
	if w.follower == nil {
		since, timeout := w.drain(ctx)
		w.follow(w.f.o.Health.FollowDrain(w.name, w.id, since, timeout))
	}
	if err := w.next(ctx); err != nil {
		return false, err
	}
	if healthIn(*w.report, w.id) != nil {
		return false, nil
	}
	err := w.readMembership(ctx, true) // it may have been attached again
	return err == nil && !w.member, err
}

// drain returns when lsapi detached the instance, and for how long it is drained at
// most; zero is not known.
func (w *wait) drain(ctx context.Context) (since time.Time, timeout time.Duration) {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last *lsapi.Change
	var look sync.WaitGroup
	look.Go(func() { last = w.f.standingsOf(patient, ctx, w.name, w.id).of(w.id).LastChange })
	if a := w.f.attributesOf(patient, ctx, w.name); a != nil && a.Draining {
		timeout = a.DrainingTimeout
	}
	look.Wait()
	if last != nil && last.Action == lsapi.Detach && last.Outcome == lsapi.OutcomeApplied {
		since = last.CompletedAt
	}
	return since, timeout
}

// follow begins to wait for reports whose asking begins from now on.
func (w *wait) follow(follower Follower) {
	w.follower, w.after = follower, time.Now()
}

func (w *wait) unfollow() {
	if w.follower != nil {
		w.follower.Close()
		w.follower = nil
	}
}

// next waits for the next report. A follower that gives an error in its place gives no
// more.
func (w *wait) next(ctx context.Context) error {
	report, err := w.follower.Next(ctx, w.after)
	if err != nil {
		w.unfollow()
		return err
	}
	w.report, w.after = &report, report.AsOf
	return nil
}

// notYet is the error of a wait whose time is up.
func (w *wait) notYet() error {
	if !w.seen && w.failure != nil {
		return w.failure
	}
	return &lsapi.Error{Code: lsapi.CodeWaitTimeout, Message: w.lastWords(), Err: w.failure}
}

// lastWords say in what state the wait has left the instance.
func (w *wait) lastWords() string {
	var health *lsapi.MemberHealth
	if w.report != nil {
		health = healthIn(*w.report, w.id)
	}
	switch {
	case !w.seen:
		return "it could not be found out whether it is a member"
	case w.wish != lsapi.WaitInService && w.member:
		return "it is still a member"
	case w.report == nil:
		return "the load balancer could not be asked about it"
	case health == nil:
		return "the load balancer says nothing of it"
	case health.Draining:
		return "its requests in flight still finish"
	}
	return fmt.Sprintf("it is %s: %s", health.State, health.Description)
}

// detail returns the last that is known of the instance, also when ctx has ended.
func (w *wait) detail(ctx context.Context) lsapi.MemberDetail {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var known standings
	var look sync.WaitGroup
	look.Go(func() { known = w.f.standingsOf(last, last, w.name, w.id) })
	if !w.member && !w.wasMember {
		w.instance = instance(w.f.factsOf(last, last, w.id), w.id)
	}
	if w.report == nil && w.wish == lsapi.WaitAbsent && w.seen {
		w.report, _ = w.f.report(last, last, w.name) // whether it is drained now; without one it is not known
	}
	var health *lsapi.MemberHealth
	if w.report != nil {
		health = healthIn(*w.report, w.id)
	}
	look.Wait()
	return newMemberDetail(w.instance, w.member, health, known.of(w.id))
}

func errDead() error {
	return lsapi.Errorf(lsapi.CodeConflict, "the instance is terminated")
}
