package cli

import (
	"fmt"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/cli/term"
)

// changeColumns returns the columns of changes. With one load balancer its name is the
// first column to go on a narrow terminal.
func changeColumns(several bool) []term.Column {
	balancer := term.Column{Head: "LOAD BALANCER", Width: 24, Least: 13, Rank: 2}
	if !several {
		balancer.Rank = 6
	}
	return []term.Column{
		{Head: "TIME", Width: 19}, {Head: "OUTCOME", Width: 9}, {Head: "ACTION", Width: 6}, balancer, {Head: "INSTANCE", Width: 19},
		{Head: "ACTOR", Width: 16, Least: 7, Rank: 3}, {Head: "CHANGE", Width: 36, Rank: 5},
		{Head: "COMPLETED", Width: 19, Wide: true}, {Head: "CODE", Width: 16, Wide: true}, {Head: "MEMBERS", Width: 8, Wide: true},
		{Head: "REQUEST", Width: 26, Wide: true}, {Head: "REASON", Width: 30, Least: 10, Rank: 4},
	}
}

func changeCells(c apiv1.Change) term.Row {
	actor, members := c.Actor, ""
	if c.Source == string(lsapi.SourceExternal) {
		actor = "(" + c.Source + ")"
	}
	if c.MembersBefore != nil && c.MembersAfter != nil {
		members = fmt.Sprintf("%d>%d", *c.MembersBefore, *c.MembersAfter)
	}
	return term.Row{
		dateTime(c.IntendedAt), term.Styled(c.Outcome, outcomeStyles[lsapi.Outcome(c.Outcome)]), c.Action, c.LoadBalancer, c.InstanceID,
		actor, c.ID, dateTime(c.CompletedAt), c.Code, members, c.RequestID, c.Reason,
	}
}

// outcomeStyles are the styles of unsuccessful outcomes.
var outcomeStyles = map[lsapi.Outcome]term.Style{
	lsapi.OutcomeConflict: term.Yellow, lsapi.OutcomeWithdrawn: term.Yellow, lsapi.OutcomeUnknown: term.Yellow, lsapi.OutcomeOpen: term.Yellow,
	lsapi.OutcomeRefused: term.Red, lsapi.OutcomeFailed: term.Red,
}

// dateTime returns the local time, to the second.
func dateTime(t apiv1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
