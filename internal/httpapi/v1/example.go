package v1

import (
	"time"

	"lsapi"
)

// The examples of the document. They are made of the same types as answers are.
var (
	exampleTime   = time.Date(2026, time.November, 24, 18, 54, 0, 0, time.UTC)
	exampleFilter = lsapi.ChangeFilter{LoadBalancer: "default-elb"}
	exampleChange = lsapi.Change{
		ID:            "01a20ee8-6140-7a11-8000-0123456789ab",
		Actor:         "alice",
		Action:        lsapi.Attach,
		LoadBalancer:  "default-elb",
		InstanceID:    "i-5203422c",
		Reason:        "deploy 2026-11-24",
		RequestID:     "deploy-7",
		Source:        lsapi.SourceLSAPI,
		IntendedAt:    exampleTime,
		Outcome:       lsapi.OutcomeApplied,
		CompletedAt:   exampleTime.Add(217 * time.Millisecond),
		AWSRequestID:  "c6104cbe-af31-11e0-8154-cbc7ccf896c7",
		MembersBefore: new(2),
		MembersAfter:  new(3),
	}
	exampleRoster = lsapi.Roster{
		LoadBalancer: "default-elb",
		At:           exampleTime.Add(time.Hour),
		Members: []lsapi.RosterMember{
			{InstanceID: "i-0592fe5ccee879f04"},
			{InstanceID: "i-5203422c", Since: exampleTime, ChangeID: "01a20ee8-6140-7a11-8000-0123456789ab", Source: lsapi.SourceLSAPI},
		},
		Uncertain: []lsapi.Change{{
			ID:           "01a20f1f-53a8-7c3e-9000-0123456789ab",
			Action:       lsapi.Detach,
			LoadBalancer: "default-elb",
			InstanceID:   "i-0592fe5ccee879f04",
			Source:       lsapi.SourceExternal,
			NotBefore:    exampleTime.Add(time.Hour - 2*time.Second),
			IntendedAt:   exampleTime.Add(time.Hour + time.Second),
			Outcome:      lsapi.OutcomeApplied,
			Resolution:   lsapi.ResolutionObserved,
		}},
	}
)
