package v1

import (
	"context"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// MemberPath is the part of a path that identifies a member. It is exported for huma, which
// skips other embedded structs.
type MemberPath struct {
	PoolPath
	Member string `path:"member" doc:"The id of a member. For elb an instance: i- and 8 or 17 lower-case hexadecimal digits. For tg an instance or an IP address with a port, such as i-5203422c:8080, 10.0.1.7:8080 or [2001:db8::7]:8080; without a port, the group's own port is meant. A malformed id is 400, and the detail names the wrong part" example:"i-0592fe5ccee879f04"`
}

// member returns the id of the member, which checkMember has accepted.
func (p *MemberPath) member() lsapi.MemberID {
	id, _ := lsapi.ParseMember(lsapi.Kind(p.Kind), p.Member)
	return id
}

// memberQuery is what GET /v1/pools/{kind}/{name}/members/{member} takes.
type memberQuery struct {
	MemberPath
	Wait    string `query:"wait" enum:"inService,drained,absent" doc:"Answer when the condition is met. inService: attached and in service. drained: not attached, and its requests in flight have finished. absent: not attached; it may be draining. Any number of callers may wait: they share the reads from AWS. Load balancers and proxies on the way must keep a silent connection open for the timeout"`
	Timeout string `query:"timeout" default:"60s" doc:"The longest wait: a duration above 0 and at most 1h, such as 90s or 5m. Without wait, any value but the default is an error"`
}

func (a *API) getMember(x *exchange.Exchange, q *memberQuery) error {
	timeout, wrong := exchange.ParseTimeout(q.Timeout, q.Wait != "", "wait")
	if wrong != "" {
		return invalid(apiv1.Detail{Location: "query.timeout", Message: wrong})
	}
	if q.Wait != "" {
		return a.await(x, q, timeout)
	}
	return sendRead(x, func(ctx context.Context) (lsapi.MemberDetail, error) {
		return a.Fleet.Member(ctx, q.id(), q.member(), x.RequiresFresh())
	}, newMember)
}

// await answers when the member meets the condition.
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
		found, err = a.Fleet.Await(ctx, q.id(), q.member(), lsapi.WaitCondition(q.Wait))
		return err
	})
	if err != nil {
		return a.waitError(found, err)
	}
	return send(x, newMember(&found))
}

// waitError returns the error of a failed wait, with the last known state of the member.
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

// checkMember answers 400 for malformed members, and names the part that is wrong.
func checkMember(x *exchange.Exchange) error {
	_, err := lsapi.ParseMember(lsapi.Kind(x.Request.PathValue("kind")), x.Request.PathValue("member"))
	if err != nil {
		return invalid(apiv1.Detail{Location: "path.member", Message: lsapi.AsError(err).Message})
	}
	return nil
}
