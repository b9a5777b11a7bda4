package change

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// effects are the conditions that changes lead to.
var effects = map[lsapi.Action]lsapi.WaitCondition{lsapi.Attach: lsapi.WaitInService, lsapi.Detach: lsapi.WaitDrained}

// wait is a wait for the effect of a change; the zero value does not wait.
type wait struct {
	timeout time.Duration
	session *exchange.StreamSession
}

func (w wait) leave() {
	if w.session != nil {
		w.session.Leave()
	}
}

// admitWait returns a wait, before anything is changed. CodeThrottled: there are too many.
func (c *Changer) admitWait(x *exchange.Exchange, timeout time.Duration) (wait, error) {
	if timeout == 0 {
		return wait{}, nil
	}
	session, err := c.LongRequests.Admit(x)
	return wait{timeout, session}, err
}

// awaitEffect waits until a change that was made shows its effect. Its errors cannot be
// mistaken for those of a change that was not made.
func (c *Changer) awaitEffect(x *exchange.Exchange, r Request, made Made, w wait) error {
	if w.session == nil {
		return nil
	}
	err := w.session.Wait(x, w.timeout, func(ctx context.Context) error {
		_, err := c.Effects.Await(ctx, r.Pool, made.Member, effects[r.Action])
		return err
	})
	switch {
	case err == nil:
		return nil
	case x.Context().Err() != nil:
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: err}
	case made.Unchanged:
		return lsapi.Errorf(lsapi.CodeWaitFailed, "it is a member already, and was not changed; that it is in service was not confirmed: %s",
			c.waitFailure(x, exchange.Coded(err)))
	}
	return lsapi.Errorf(lsapi.CodeWaitFailed, "AWS accepted the %s, and the change stands; its effect was not confirmed: %s",
		r.Action, c.waitFailure(x, exchange.Coded(err)))
}

// waitFailure returns why a wait failed, and logs failures of the service.
func (c *Changer) waitFailure(x *exchange.Exchange, err *lsapi.Error) string {
	if err.Code == lsapi.CodeWaitTimeout {
		if c.LongRequests.Stopping() {
			return "the service is stopping"
		}
		return "the time is up, and " + err.Message
	}
	x.LogFailure(err)
	return exchange.Text(err)
}
