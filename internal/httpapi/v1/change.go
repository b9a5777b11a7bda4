package v1

import (
	"time"

	"lsapi"
)

// timeFormat is RFC 3339 in UTC, with milliseconds even when they are 0.
const timeFormat = "2006-01-02T15:04:05.000Z"

// change is lsapi.Change for the client. What is not known is absent, never null
// and never empty. A change that is open has the outcome "open", so that a script
// can compare outcomes without asking whether there is one.
type change struct {
	ID            string `json:"id" format:"uuid" doc:"A UUID of version 7: ids sort by intendedAt" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	Actor         string `json:"actor,omitempty" doc:"Who asked. Absent for an external change" example:"alice"`
	Action        string `json:"action" enum:"attach,detach" doc:"What was to be done with the instance" example:"attach"`
	LoadBalancer  string `json:"loadBalancer" example:"default-elb"`
	InstanceID    string `json:"instanceId" example:"i-5203422c"`
	Reason        string `json:"reason,omitempty" doc:"Why, in the words of who asked (the request header X-Reason). Absent when none was given" example:"deploy 2026-11-24"`
	RequestID     string `json:"requestId,omitempty" doc:"The X-Request-Id of the request that asked. Absent for an external change" example:"deploy-7"`
	Source        string `json:"source" enum:"lsapi,external" doc:"Who made the change: lsapi, or another tool past it" example:"lsapi"`
	IntendedAt    string `json:"intendedAt" format:"date-time" doc:"When it was asked for; for an external change, when it was seen. UTC, milliseconds" example:"2026-11-24T18:54:00.000Z"`
	NotBefore     string `json:"notBefore,omitempty" format:"date-time" doc:"Of an external change only: it happened after this, the look before, and before intendedAt" example:"2026-11-24T18:53:58.000Z"`
	Outcome       string `json:"outcome" enum:"applied,conflict,refused,failed,withdrawn,unknown,open" doc:"What became of it. applied: AWS made it so. conflict: the membership already was as asked. refused: AWS said no, code tells why. failed: certainly not applied. withdrawn: its caller gave up before it was sent. unknown: it may have been applied, nothing tells. open: there is no outcome yet" example:"applied"`
	Code          string `json:"code,omitempty" doc:"Why it was not applied: AWS's own error code where there is one. Absent otherwise" example:"InvalidInstance"`
	Resolution    string `json:"resolution,omitempty" enum:"inferred,observed" doc:"How the outcome came to be known. inferred: from a membership that nothing else explains. observed: somebody else's change, seen afterwards. Absent: by AWS's answer, or because AWS was never asked" example:"inferred"`
	CompletedAt   string `json:"completedAt,omitempty" format:"date-time" doc:"When the outcome was recorded. Absent while the change is open" example:"2026-11-24T18:54:00.217Z"`
	AWSRequestID  string `json:"awsRequestId,omitempty" doc:"AWS's id of the call that decided it" example:"c6104cbe-af31-11e0-8154-cbc7ccf896c7"`
	MembersBefore *int   `json:"membersBefore,omitempty" minimum:"0" doc:"How many members the load balancer had before. Absent when that is not known" example:"2"`
	MembersAfter  *int   `json:"membersAfter,omitempty" minimum:"0" doc:"How many it had after" example:"3"`
}

func newChange(c *lsapi.Change) change {
	outcome := c.Outcome
	if outcome == "" {
		outcome = lsapi.OutcomeOpen
	}
	return change{
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

func newChanges(changes []lsapi.Change) []change {
	list := make([]change, len(changes)) // not nil: an empty list is []
	for i := range changes {
		list[i] = newChange(&changes[i])
	}
	return list
}

// instant is a time for the client, empty for the zero time.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
