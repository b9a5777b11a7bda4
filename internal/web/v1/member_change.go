package v1

import (
	"net/http"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

// changeQuery is what PUT and DELETE /v1/pools/{kind}/{name}/members/{member} take.
type changeQuery struct {
	MemberPath
	Wait    string `query:"wait" enum:"true,false" doc:"Answer when the change has its effect: an attached member is in service, a detached one is drained. Load balancers and proxies on the way must keep a silent connection open for the timeout"`
	Timeout string `query:"timeout" default:"60s" doc:"The longest wait: a duration above 0 and at most 1h, such as 90s or 5m. Without wait=true, any value but the default is an error"`
	Reason  string `header:"X-Reason" doc:"Why, for the record: at most 256 characters. Text beyond ASCII is UTF-8, or encoded by RFC 8187"`
	Key     string `header:"Idempotency-Key" doc:"A key of 1 to 128 visible ASCII characters. The change is made once: the same request with the same key gets the outcome of the first one for 24 hours"`
}

func (a *API) attach(x *exchange.Exchange, q *changeQuery) error {
	made, err := a.changeMember(x, q, lsapi.Attach)
	if err != nil {
		return err
	}
	answered := http.StatusCreated
	if made.Outcome == apiv1.OutcomeUnchanged {
		answered = http.StatusOK
	}
	return sendAs(x, answered, made)
}

func (a *API) detach(x *exchange.Exchange, q *changeQuery) error {
	made, err := a.changeMember(x, q, lsapi.Detach)
	if lsapi.ErrorCode(err) == lsapi.CodeConflict {
		return &lsapi.Error{Code: lsapi.CodeNotMember, Message: lsapi.AsError(err).Message, Err: err}
	}
	if err != nil {
		return err
	}
	return send(x, made)
}

// changeMember attaches or detaches the member of the path.
func (a *API) changeMember(x *exchange.Exchange, q *changeQuery, action lsapi.Action) (apiv1.ChangeResult, error) {
	if x.Request.ContentLength != 0 { // net/http detects that a client leaves only after the body
		return apiv1.ChangeResult{}, exchange.Invalid("an attach or detach of one member takes no body; a reason is in the header X-Reason")
	}
	timeout, wrong := exchange.ParseTimeout(q.Timeout, q.Wait == "true", "wait=true")
	if wrong != "" {
		return apiv1.ChangeResult{}, invalid(apiv1.Detail{Location: "query.timeout", Message: wrong})
	}
	headers, err := change.ReadHeaders(x)
	if err != nil {
		return apiv1.ChangeResult{}, err
	}
	made, err := a.Changes.Make(x, change.Request{
		Action: action, Pool: q.id(), Member: q.member(), Headers: headers, Wait: timeout, Idempotent: true,
	})
	if err != nil {
		return apiv1.ChangeResult{}, err
	}
	outcome := apiv1.OutcomeApplied
	if made.Unchanged {
		outcome = apiv1.OutcomeUnchanged
	}
	return apiv1.ChangeResult{
		Pool: q.id().Path(), Member: made.Member.String(), Action: string(action), Outcome: outcome, ChangeID: made.ChangeID,
		AutoScalingGroup: made.ReplacedBy,
	}, nil
}
