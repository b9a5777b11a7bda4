package elb

import (
	"context"
	"net/http"
	"net/url"
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

// admitWait returns the wait that the query asks for, before anything is changed.
func (a *API) admitWait(x *exchange.Exchange) (wait, error) {
	timeout, err := waitTimeout(x.Request.URL.RawQuery)
	if err != nil || timeout == 0 {
		return wait{}, err
	}
	session, err := a.LongRequests.Admit(x)
	return wait{timeout, session}, err
}

// waitTimeout returns the timeout of the wait that a query asks for, 0 for none. It reads
// the parameters wait and timeout, and ignores all others.
func waitTimeout(rawQuery string) (time.Duration, error) {
	if rawQuery == "" {
		return 0, nil
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return 0, exchange.Invalid("the query is malformed")
	}
	waits, timeouts := query["wait"], query["timeout"]
	switch {
	case len(waits) > 1 || len(timeouts) > 1:
		return 0, exchange.Invalid("wait and timeout may be there once each")
	case len(waits) == 1 && waits[0] != "true" && waits[0] != "false":
		return 0, exchange.Invalid("wait must be true or false")
	case len(timeouts) == 1 && timeouts[0] == "":
		return 0, exchange.Invalid("timeout is empty")
	}
	timeout, wrong := exchange.ParseTimeout(query.Get("timeout"))
	waiting := query.Get("wait") == "true"
	switch {
	case wrong != "":
		return 0, exchange.Invalid("timeout: " + wrong)
	case waiting:
		return timeout, nil
	case timeout != exchange.DefaultWait:
		return 0, exchange.Invalid("timeout: only with wait=true; without it, the only value is the default, 60s")
	}
	return 0, nil
}

// makeChange makes the change and answers, after the wait for its effect. It also returns
// whether the change is on record, or may still be.
func (a *API) makeChange(ctx context.Context, x *exchange.Exchange, request lsapi.Request, w wait) (recorded bool, err error) {
	result, err := a.Membership.Change(ctx, request)
	if result.Recorded {
		x.Header().Set("X-Change-Id", request.ChangeID)
	}
	if err != nil {
		return result.Recorded || result.Pending, err
	}
	return result.Recorded, a.sendApplied(x, request, result.Instance, w) //nolint:contextcheck // the exchange carries it
}

// sendApplied answers for an applied change, after the wait for its effect.
func (a *API) sendApplied(x *exchange.Exchange, request lsapi.Request, instance lsapi.Instance, w wait) error {
	if err := a.awaitEffect(x, request, w); err != nil {
		return err
	}
	return x.SendJSON(http.StatusCreated, a.Envelope.Wrap(newMachineInfo(instance)))
}

// awaitEffect waits until an applied change shows its effect. Its errors cannot be
// mistaken for those of a change that was not made.
func (a *API) awaitEffect(x *exchange.Exchange, request lsapi.Request, w wait) error {
	if w.session == nil {
		return nil
	}
	err := w.session.Wait(x, w.timeout, func(ctx context.Context) error {
		_, err := a.Effects.Await(ctx, request.Pool, request.Member, effects[request.Action])
		return err
	})
	switch {
	case err == nil:
		return nil
	case x.Context().Err() != nil:
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: err}
	}
	return lsapi.Errorf(lsapi.CodeWaitFailed, "AWS accepted the %s, and the change stands; its effect was not confirmed: %s",
		request.Action, a.waitFailure(x, exchange.Coded(err)))
}

// waitFailure returns why a wait failed, and logs failures of the service.
func (a *API) waitFailure(x *exchange.Exchange, err *lsapi.Error) string {
	if err.Code == lsapi.CodeWaitTimeout {
		if a.LongRequests.Stopping() {
			return "the service is stopping"
		}
		return "the time is up, and " + err.Message
	}
	x.LogFailure(err)
	return exchange.Text(err)
}
