package v1

import (
	"net/http"
	"time"

	"lsapi"
)

// membersQuery is what GET /v1/load-balancers/{name}/members takes.
type membersQuery struct {
	Name string `path:"name" pattern:"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" doc:"The name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end. Any other name is 404" example:"default-elb"`
	At   string `query:"at" format:"date-time" doc:"The time, not in the future; now when it is not given. It is the end of its millisecond, so that at the completedAt of a change the change is done. A + in a query is written %2B" example:"2026-11-24T18:54:00Z"`
}

// roster is lsapi.Roster for the client.
type roster struct {
	LoadBalancer string         `json:"loadBalancer" example:"default-elb"`
	At           string         `json:"at" format:"date-time" doc:"The time that the answer is about" example:"2026-11-24T18:54:00.000Z"`
	Members      []rosterMember `json:"members" nullable:"false" doc:"The members at that time, by their ids"`
	Uncertain    []change       `json:"uncertain" nullable:"false" doc:"External changes of which only an interval around the time is known (notBefore to intendedAt). members shows the membership before them"`
}

type rosterMember struct {
	InstanceID string `json:"instanceId" example:"i-5203422c"`
	Since      string `json:"since,omitempty" format:"date-time" doc:"When it was made a member; by an external change, when that was seen. Absent when it was one before the record began" example:"2026-11-24T18:54:00.000Z"`
	ChangeID   string `json:"changeId,omitempty" format:"uuid" doc:"The change that made it a member. Absent when that is not in the record" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	Source     string `json:"source,omitempty" enum:"lsapi,external" doc:"Who made it a member. Absent when that is not in the record" example:"lsapi"`
}

func newRoster(r lsapi.Roster) roster {
	members := make([]rosterMember, len(r.Members)) // not nil: an empty list is []
	for i, m := range r.Members {
		members[i] = rosterMember{
			InstanceID: m.InstanceID,
			Since:      instant(m.Since),
			ChangeID:   m.ChangeID,
			Source:     string(m.Source),
		}
	}
	return roster{
		LoadBalancer: r.LoadBalancer,
		At:           instant(r.At),
		Members:      members,
		Uncertain:    newChanges(r.Uncertain),
	}
}

func (a *API) members(w http.ResponseWriter, r *http.Request, q *membersQuery) error {
	now := time.Now()
	at := now.UTC()
	if q.At != "" {
		at = parseTime(q.At)
	}
	if at.After(now) {
		return invalid(Detail{Location: "query.at", Message: "is in the future"})
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	found, err := a.Record.MembersAt(ctx, q.Name, endOf(at))
	if err != nil {
		return err
	}
	return sendJSON(w, newRoster(found))
}

// endOf returns the last moment of the millisecond that a time is in. Times are
// told in milliseconds, so that this is what a time means that somebody has from an
// answer: at the completedAt of a change, the change is done.
func endOf(at time.Time) time.Time {
	return at.Truncate(time.Millisecond).Add(time.Millisecond - time.Microsecond)
}
