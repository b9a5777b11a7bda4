package v1

import (
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

func newChange(c *lsapi.Change) apiv1.Change {
	outcome := c.Outcome
	if outcome == "" {
		outcome = lsapi.OutcomeOpen
	}
	return apiv1.Change{
		ID:            c.ID,
		Actor:         c.Actor,
		Action:        string(c.Action),
		LoadBalancer:  c.LoadBalancer,
		InstanceID:    c.InstanceID,
		Reason:        c.Reason,
		RequestID:     c.RequestID,
		Source:        string(c.Source),
		IntendedAt:    instant(c.IntendedAt),
		NotBefore:     instant(c.NotBefore),
		Outcome:       string(outcome),
		Code:          c.Code,
		Resolution:    string(c.Resolution),
		CompletedAt:   instant(c.CompletedAt),
		AWSRequestID:  c.AWSRequestID,
		MembersBefore: c.MembersBefore,
		MembersAfter:  c.MembersAfter,
	}
}

func newChanges(changes []lsapi.Change) []apiv1.Change {
	list := make([]apiv1.Change, len(changes)) // not nil: an empty list is []
	for i := range changes {
		list[i] = newChange(&changes[i])
	}
	return list
}

// instant is a time for the client.
func instant(t time.Time) apiv1.Time { return apiv1.Time{Time: t} }
