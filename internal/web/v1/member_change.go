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
	ChangeTerms
}

func (a *API) attach(x *exchange.Exchange, q *changeQuery, wrong []apiv1.Detail) error {
	return a.changeMember(x, q, lsapi.Attach, wrong)
}

func (a *API) detach(x *exchange.Exchange, q *changeQuery, wrong []apiv1.Detail) error {
	return a.changeMember(x, q, lsapi.Detach, wrong)
}

// changeMember attaches or detaches the member of the path.
func (a *API) changeMember(x *exchange.Exchange, q *changeQuery, action lsapi.Action, wrong []apiv1.Detail) error {
	refuseBody(x, &wrong)
	w := a.readTerms(x, &q.ChangeTerms, &wrong)
	if len(wrong) > 0 {
		return invalid(wrong...)
	}
	return a.makeChange(x, w, change.Request{Action: action, Pool: q.id(), Member: q.member(), Terms: w.Terms, Idempotent: true})
}

// makeChange makes a change and answers with its result.
func (a *API) makeChange(x *exchange.Exchange, w *writing, r change.Request) error {
	made, err := a.Changes.Make(x, r)
	if r.Action == lsapi.Detach && lsapi.ErrorCode(err) == lsapi.CodeConflict {
		err = &lsapi.Error{Code: lsapi.CodeNotMember, Message: lsapi.AsError(err).Message, Err: err}
	}
	result := newChangeResult(&r, &made)
	if w.DryRun && err != nil && isDecision(lsapi.ErrorCode(err)) {
		problem := problemOf(err)
		result.Outcome, result.Problem, result.Guard = apiv1.OutcomeRefused, &problem, newGuard(made.Guard)
		err = nil
	}
	answered := http.StatusOK
	if r.Action == lsapi.Attach && r.Undoes == "" && result.Outcome == apiv1.OutcomeApplied {
		answered = http.StatusCreated
	}
	return w.answer(x, answered, result, changePath(made.ChangeID), err)
}

func newChangeResult(r *change.Request, made *change.Made) apiv1.ChangeResult {
	outcome := apiv1.OutcomeApplied
	switch {
	case made.Unchanged:
		outcome = apiv1.OutcomeUnchanged
	case r.DryRun:
		outcome = apiv1.OutcomeWouldApply
	}
	return apiv1.ChangeResult{
		Pool: r.Pool.Path(), Member: made.Member.String(), Action: string(r.Action), Outcome: outcome, DryRun: r.DryRun,
		Guard: newGuard(made.Guard), ChangeID: made.ChangeID, AutoScalingGroup: made.ReplacedBy, Undoes: r.Undoes,
	}
}

// isDecision reports whether an error is how a lane decided a change. Any other says that the
// change was not decided.
func isDecision(code lsapi.Code) bool {
	switch code {
	case lsapi.CodeInvalid, lsapi.CodeNotMember, lsapi.CodeSuperseded,
		lsapi.CodeMinInService, lsapi.CodeMinPerZone, lsapi.CodeMaxOut, lsapi.CodeKeepLast, lsapi.CodeFreeze:
		return true
	}
	return false
}
