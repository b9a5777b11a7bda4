package web

import (
	"net/url"
	"strings"
	"time"

	"lsapi"
	v1 "lsapi/internal/web/v1"
)

// The parameters with which a change waits for its effect. All others are ignored,
// as they always were.
const (
	waitParameter    = "wait"
	timeoutParameter = "timeout"
)

// effects are what those who wait for a change wait for.
var effects = map[lsapi.Action]lsapi.WaitCondition{lsapi.Attach: lsapi.WaitInService, lsapi.Detach: lsapi.WaitDrained}

// patience returns for how long the caller of a change wants to wait for its effect;
// 0 is not at all.
func (s *server) patience(x *exchange) (time.Duration, error) {
	if x.request.URL.RawQuery == "" {
		return 0, nil
	}
	query, err := url.ParseQuery(x.request.URL.RawQuery)
	if err != nil {
		return 0, invalidParameter("the query is malformed")
	}
	waits, timeouts := query[waitParameter], query[timeoutParameter]
	switch {
	case len(waits) > 1 || len(timeouts) > 1:
		return 0, invalidParameter("wait and timeout may be there once each")
	case len(waits) == 1 && waits[0] != "true" && waits[0] != "false":
		return 0, invalidParameter("wait must be true or false")
	case len(timeouts) == 1 && timeouts[0] == "":
		return 0, invalidParameter("timeout is empty")
	}
	timeout, wrong := v1.ParseTimeout(strings.Join(timeouts, ""))
	if wrong != "" {
		return 0, invalidParameter("timeout: " + wrong)
	}
	return s.waitFor(strings.Join(waits, "") == "true", timeout)
}

// waitFor returns for how long a change waits for its effect.
func (s *server) waitFor(wait bool, timeout time.Duration) (time.Duration, error) {
	switch {
	case wait && s.fleet == nil:
		return 0, invalidParameter("wait: this service cannot wait, it runs without a record and a memory")
	case wait:
		return timeout, nil
	case timeout != v1.DefaultWait:
		return 0, invalidParameter("timeout: only with wait=true; without it, the only value is the default, 60s")
	}
	return 0, nil
}

// awaitEffect waits until a change that AWS has made shows its effect. Whatever
// keeps it from that, the change stands: the answer is never one that a caller may
// take for that of a change that was not made.
func (s *server) awaitEffect(x *exchange, wish lsapi.Request, patience time.Duration) error {
	if patience == 0 {
		return nil
	}
	ctx, cancel := v1.Waiting(s.stopping, x, x.request, patience, s.revalidation(x))
	defer cancel()
	_, err := s.fleet.Await(ctx, wish.LoadBalancer, wish.InstanceID, effects[wish.Action])
	if revoked := v1.Revoked(ctx); revoked != nil {
		err = revoked
	}
	switch {
	case err == nil:
		return nil
	case x.context().Err() != nil:
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: err}
	}
	return lsapi.Errorf(lsapi.CodeWaitFailed, "AWS accepted the %s, and the change stands; what came of it was waited for in vain: %s",
		wish.Action, s.whyInVain(x, coded(err)))
}

// whyInVain says why a wait has ended, and tells the log if that is not the caller's
// own affair.
func (s *server) whyInVain(x *exchange, err *lsapi.Error) string {
	a := answerTo(err)
	switch {
	case err.Code == lsapi.CodeWaitTimeout && s.stopping.Err() != nil:
		return "the service is stopping"
	case err.Code == lsapi.CodeWaitTimeout:
		return "the time is up, and " + err.Message
	}
	s.logProblem(x, err)
	if err.Message == "" || a.secret {
		return a.text
	}
	return err.Message
}

func invalidParameter(why string) error { return &lsapi.Error{Code: lsapi.CodeInvalid, Message: why} }
