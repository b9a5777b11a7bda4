package cli

import (
	"fmt"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// changeColumns returns the columns of changes. With one load balancer its name is the
// first column to go on a narrow terminal.
func changeColumns(several bool) []column {
	balancer := column{head: "LOAD BALANCER", width: 24, least: 13, rank: 2}
	if !several {
		balancer.rank = 6
	}
	return []column{
		{head: "TIME", width: 19}, {head: "OUTCOME", width: 9}, {head: "ACTION", width: 6}, balancer, {head: "INSTANCE", width: 19},
		{head: "ACTOR", width: 16, least: 7, rank: 3}, {head: "CHANGE", width: 36, rank: 5},
		{head: "COMPLETED", width: 19, wide: true}, {head: "CODE", width: 16, wide: true}, {head: "MEMBERS", width: 8, wide: true},
		{head: "REQUEST", width: 26, wide: true}, {head: "REASON", width: 30, least: 10, rank: 4},
	}
}

func changeCells(c apiv1.Change) []cell {
	actor, members := c.Actor, ""
	if c.Source == string(lsapi.SourceExternal) {
		actor = "(" + c.Source + ")"
	}
	if c.MembersBefore != nil && c.MembersAfter != nil {
		members = fmt.Sprintf("%d>%d", *c.MembersBefore, *c.MembersAfter)
	}
	return []cell{
		cellOf(dateTime(c.IntendedAt)), {c.Outcome, outcomeInks[lsapi.Outcome(c.Outcome)]}, cellOf(c.Action), cellOf(c.LoadBalancer), cellOf(c.InstanceID),
		cellOf(actor), cellOf(c.ID), cellOf(dateTime(c.CompletedAt)), cellOf(c.Code), cellOf(members), cellOf(c.RequestID), cellOf(c.Reason),
	}
}

// outcomeInks are the colours of unsuccessful outcomes.
var outcomeInks = map[lsapi.Outcome]ink{
	lsapi.OutcomeConflict: yellow, lsapi.OutcomeWithdrawn: yellow, lsapi.OutcomeUnknown: yellow, lsapi.OutcomeOpen: yellow,
	lsapi.OutcomeRefused: red, lsapi.OutcomeFailed: red,
}

// dateTime returns the local time, to the second.
func dateTime(t apiv1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
