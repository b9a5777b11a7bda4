package v1

import (
	"context"
	"errors"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// membersQuery is what GET /v1/load-balancers/{name}/members takes.
type membersQuery struct {
	Name string `path:"name" pattern:"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" doc:"The name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end. Any other name is 404" example:"default-elb"`
	At   string `query:"at" format:"date-time" doc:"The time, such as 2026-11-24T18:54:00Z, not in the future; now when it is not given. It is the end of its millisecond, so that at the completedAt of a change the change is done. A + in a query is written %2B"`
}

func (a *API) members(x *exchange.Exchange, q *membersQuery) error {
	var at time.Time // now
	if q.At != "" {
		at = endOfMillisecond(parseTime(q.At))
	}
	return sendRead(x, func(ctx context.Context) (lsapi.MembershipAt, error) {
		found, err := a.Record.MembersAt(ctx, q.Name, at)
		if errors.Is(err, lsapi.ErrFuture) {
			err = invalid(apiv1.Detail{Location: "query.at", Message: "is in the future"})
		}
		return found, err
	}, newRoster)
}

// endOfMillisecond returns the last microsecond of a time's millisecond. Responses have
// milliseconds, so that at a change's completedAt the change is done.
func endOfMillisecond(at time.Time) time.Time {
	return at.Truncate(time.Millisecond).Add(time.Millisecond - time.Microsecond)
}
