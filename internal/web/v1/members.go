package v1

import (
	"context"
	"errors"
	"net/http"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// membersQuery is what GET /v1/pools/{kind}/{name}/members takes.
type membersQuery struct {
	PoolPath
	At          string `query:"at" format:"date-time" doc:"The time of the membership, such as 2026-11-24T18:54:00Z, not in the future. It is the end of its millisecond, so that at the completedAt of a change the change is done. A + in a query is written %2B"`
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of an earlier answer, without at: while the set is the same, the answer is 304"`
}

func (a *API) listMembers(x *exchange.Exchange, q *membersQuery) error {
	if q.At == "" {
		return a.currentMembers(x, q.id())
	}
	return sendRead(x, func(ctx context.Context) (lsapi.MembershipAt, error) {
		found, err := a.Record.MembersAt(ctx, q.id(), endOfMillisecond(parseTime(q.At)))
		if errors.Is(err, lsapi.ErrFuture) {
			err = invalid(apiv1.Detail{Location: "query.at", Message: "is in the future"})
		}
		return found, err
	}, newMembershipAt)
}

// currentMembers answers with the set of members, or 304. The same set has the same bytes:
// caches may keep it for one user, and must revalidate it.
func (a *API) currentMembers(x *exchange.Exchange, pool lsapi.PoolID) error {
	ctx, cancel := x.Deadline()
	defer cancel()
	members, asOf, err := a.Fleet.Members(ctx, pool, x.RequiresFresh())
	if err != nil {
		return err
	}
	answer, err := a.members.of(pool, members)
	if err != nil {
		return err
	}
	x.SetHeader("Cache-Control", "no-cache")
	x.SetHeader("Vary", "Authorization")
	x.SetAge(asOf)
	if x.NotModified(answer.etag) {
		return nil
	}
	return x.Send(http.StatusOK, exchange.TypeJSON, answer.body)
}

// endOfMillisecond returns the last microsecond of a time's millisecond. Responses have
// milliseconds, so that at a change's completedAt the change is done.
func endOfMillisecond(at time.Time) time.Time {
	return at.Truncate(time.Millisecond).Add(time.Millisecond - time.Microsecond)
}
