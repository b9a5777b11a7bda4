package v1

import (
	"context"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// memberQuery is what GET /v1/load-balancers/{name}/members/{instanceId} takes.
type memberQuery struct {
	Name       string `path:"name" pattern:"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" doc:"The name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end. Any other name is 404" example:"default-elb"`
	InstanceID string `path:"instanceId" pattern:"^i-([0-9a-f]{8}|[0-9a-f]{17})$" doc:"The id of an instance: i- and 8 or 17 lower-case hexadecimal digits. Any other id is 404" example:"i-0592fe5ccee879f04"`
	Wait       string `query:"wait" enum:"inService,drained,absent" doc:"Answer when it is so. inService: it is a member that serves. drained: it is no member, and the load balancer is done with its requests in flight. absent: it is no member; it may still be drained. Any number of callers may wait: AWS is asked once for all of them. A load balancer or a proxy on the way must bear a connection that is silent for so long"`
	Timeout    string `query:"timeout" default:"60s" doc:"For how long to wait: a duration above 0 and at most 1h, such as 90s or 5m. Without wait, any value but the default is an error"`
}

func (a *API) member(x *exchange.Exchange, q *memberQuery) error {
	timeout, wrong := exchange.ParseTimeout(q.Timeout)
	if wrong == "" && q.Wait == "" && timeout != exchange.DefaultWait {
		wrong = "only with wait; without it, the only value is the default, 60s"
	}
	if wrong != "" {
		return invalid(apiv1.Detail{Location: "query.timeout", Message: wrong})
	}
	if q.Wait != "" {
		return a.await(x, q, timeout)
	}
	return sendRead(x, func(ctx context.Context) (lsapi.MemberDetail, error) {
		return a.Fleet.Member(ctx, q.Name, q.InstanceID)
	}, newMember)
}

// await answers when the instance meets the condition.
func (a *API) await(x *exchange.Exchange, q *memberQuery, timeout time.Duration) error {
	if x.Request.ContentLength != 0 { // net/http detects that a client leaves only after the body
		return exchange.Invalid("a wait takes no body")
	}
	session, err := a.LongRequests.Admit(x)
	if err != nil {
		return err
	}
	defer session.Leave()
	var found lsapi.MemberDetail
	err = session.Wait(x, timeout, func(ctx context.Context) (err error) {
		found, err = a.Fleet.Await(ctx, q.Name, q.InstanceID, lsapi.WaitCondition(q.Wait))
		return err
	})
	if err != nil {
		return a.waitError(found, err)
	}
	return send(x, newMember(&found))
}

// waitError returns the error of a failed wait, with the last known state of the instance.
func (a *API) waitError(last lsapi.MemberDetail, err error) error {
	e := *lsapi.AsError(err)
	switch e.Code {
	case lsapi.CodeWaitTimeout:
		if a.LongRequests.Stopping() {
			return errStopping(err)
		}
		e.Message = "the time is up, and " + e.Message
	case lsapi.CodeConflict:
	default:
		return err
	}
	e.Err = lastState{newMember(&last), err}
	return &e
}
