package change

import (
	"context"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// effects are the conditions that changes lead to.
var effects = map[lsapi.Action]lsapi.WaitCondition{lsapi.Attach: lsapi.WaitInService, lsapi.Detach: lsapi.WaitDrained}

// Wait is how a request waits for the effects of its changes. The zero Wait does not.
type Wait struct {
	// Timeout is that of the wait.
	Timeout time.Duration
	// Progress reports the wait. Nil: nothing does.
	Progress Progress
}

// Progress reports a wait.
type Progress interface {
	// Begin is called once the changes were made, when the wait begins. leave ends it, and so
	// does an error.
	Begin(leave context.CancelFunc) error
	// Report is called with each state of a member, concurrently.
	Report(lsapi.MemberDetail)
}

// Unconfirmed is an effect that a wait did not confirm.
type Unconfirmed struct {
	// Why is for the client.
	Why string
	// Last is the last known state of the member. Its ID is zero if there is none.
	Last lsapi.MemberDetail
}

// wait is an admitted wait; the zero value does not wait.
type wait struct {
	Wait
	session *exchange.StreamSession
	end     func()
}

func (w wait) leave() {
	if w.session != nil {
		w.session.Leave()
		w.end()
	}
}

// admitWait returns a wait for some members, before anything is changed. CodeThrottled: there
// are too many.
func (c *Changer) admitWait(x *exchange.Exchange, wanted Wait, members int) (wait, error) {
	if wanted.Timeout == 0 {
		return wait{}, nil
	}
	session, err := c.LongRequests.Admit(x)
	if err != nil {
		return wait{}, err
	}
	user := x.Actor.Name
	if err := c.awaited.Take(user, members); err != nil {
		session.Leave()
		return wait{}, err
	}
	return wait{wanted, session, func() { c.awaited.Return(user, members) }}, nil
}

// effect is a change of a member that is to show.
type effect struct {
	member lsapi.MemberID
	action lsapi.Action
}

// await waits until all effects show, and returns those that were not confirmed, in the
// places of the effects; nil are the others. CodeTimeout: the client has left.
func (c *Changer) await(x *exchange.Exchange, pool lsapi.PoolID, all []effect, w wait) ([]*Unconfirmed, error) {
	unconfirmed := make([]*Unconfirmed, len(all))
	if w.session == nil {
		return unconfirmed, nil
	}
	errs := make([]error, len(all))
	err := w.session.Wait(x, w.Timeout, func(ctx context.Context) error {
		report := func(lsapi.MemberDetail) {}
		if w.Progress != nil {
			var leave context.CancelFunc
			ctx, leave = context.WithCancel(ctx)
			defer leave()
			if err := w.Progress.Begin(leave); err != nil {
				return err
			}
			report = w.Progress.Report
		}
		var waiting sync.WaitGroup
		for i, e := range all {
			waiting.Go(func() {
				last, err := c.Effects.AwaitReporting(ctx, pool, e.member, effects[e.action], report)
				if err != nil {
					unconfirmed[i], errs[i] = &Unconfirmed{Last: last}, err
				}
			})
		}
		waiting.Wait()
		return nil
	})
	if left := x.Context().Err(); left != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: left}
	}
	c.explain(x, unconfirmed, errs, err)
	return unconfirmed, nil
}

// explain says why effects were not confirmed: by the error of the whole wait, if there is
// one, or by its own. It logs the first failure of the service.
func (c *Changer) explain(x *exchange.Exchange, unconfirmed []*Unconfirmed, errs []error, whole error) {
	logged := false
	for i, u := range unconfirmed {
		if u == nil {
			continue
		}
		err := errs[i]
		if whole != nil {
			err = whole
		}
		coded := exchange.Coded(err)
		u.Why = c.waitFailure(coded)
		if coded.Code != lsapi.CodeWaitTimeout && !logged {
			logged = true
			x.LogFailure(coded)
		}
	}
}

// waitFailure returns why a wait failed.
func (c *Changer) waitFailure(err *lsapi.Error) string {
	switch {
	case err.Code != lsapi.CodeWaitTimeout:
		return exchange.Text(err)
	case c.LongRequests.Stopping():
		return "the service is stopping"
	}
	return "the time is up, and " + err.Message
}
