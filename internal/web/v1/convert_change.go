package v1

import (
	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

func newGuard(g *lsapi.GuardVerdict) *apiv1.Guard {
	if g == nil {
		return nil
	}
	return &apiv1.Guard{Rule: g.Rule, Overridden: g.Overridden, Reason: g.Reason}
}

func newBulkResult(r *change.BulkRequest, made *change.MadeAll) apiv1.BulkResult {
	listed := make(map[string]bool)
	return apiv1.BulkResult{
		Pool: r.Pool.Path(), DryRun: r.DryRun, BulkID: made.BulkID,
		Results: converted(made.Results, func(of *change.BulkResult) apiv1.MemberResult { return newMemberResult(of, r.DryRun, listed) }),
	}
}

// newMemberResult converts the result of a member. The members that count for a guard are
// in the first refusal by it alone, and listed has the guards of which they are listed: else the answer
// would have a million.
func newMemberResult(of *change.BulkResult, dryRun bool, listed map[string]bool) apiv1.MemberResult {
	result := apiv1.MemberResult{
		Member: of.Member.String(), Action: string(of.Action), Outcome: outcomeOf(&of.MemberResult, dryRun), ChangeID: of.ChangeID,
		Guard: newGuard(of.Guard),
	}
	if of.Action == lsapi.Detach && !of.Failed() {
		result.AutoScalingGroup = of.Instance.AutoScalingGroup
	}
	switch {
	case of.Err != nil && of.Failed():
		problem := problemOf(of.Err)
		if listed[problem.Code] {
			problem.Members = nil
		}
		listed[problem.Code] = listed[problem.Code] || problem.Members != nil
		result.Problem = &problem
	case of.Unconfirmed != nil:
		problem := NewProblem(lsapi.CodeWaitFailed, of.Unconfirmed.Why, nil)
		if !of.Unconfirmed.Last.ID.IsZero() {
			last := newMember(&of.Unconfirmed.Last)
			problem.Member = &last
		}
		result.Problem = &problem
	}
	return result
}

// outcomeOf returns the outcome of a member in words. One without an outcome was not decided,
// and its error says why.
func outcomeOf(of *lsapi.MemberResult, dryRun bool) string {
	switch of.Outcome {
	case lsapi.OutcomeApplied:
		if dryRun {
			return apiv1.OutcomeWouldApply
		}
		return apiv1.OutcomeApplied
	case lsapi.OutcomeConflict:
		return apiv1.OutcomeUnchanged
	case lsapi.OutcomeRefused:
		return apiv1.OutcomeRefused
	case lsapi.OutcomeUnknown:
		return apiv1.OutcomeUnknown
	case lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn:
		return apiv1.OutcomeFailed
	}
	switch code := of.Err.Code; {
	case code == lsapi.CodeBulkSkipped:
		return apiv1.OutcomeSkipped
	case isDecision(code):
		return apiv1.OutcomeRefused
	case code == lsapi.CodeTimeout:
		return apiv1.OutcomeUnknown
	}
	return apiv1.OutcomeFailed
}

// problemOf returns the problem of an error.
func problemOf(err error) apiv1.Problem {
	coded := exchange.Coded(err)
	return NewProblem(coded.Code, exchange.Text(coded), coded)
}

// errorBody returns the body of an error.
func errorBody(err error) any {
	coded := exchange.Coded(err)
	return ErrorBody(coded.Code, exchange.Text(coded), coded)
}
