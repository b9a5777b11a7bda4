package v1

import (
	"context"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

// undoQuery is what POST /v1/changes/{id}/undo takes.
type undoQuery struct {
	ChangeParameters
	ChangeTerms
}

// undo makes the opposite of a change. Its answer is 200 for either direction: the path names
// no member that it could have created.
func (a *API) undo(x *exchange.Exchange, q *undoQuery, wrong []apiv1.Detail) error {
	refuseBody(x, &wrong)
	w := a.readTerms(x, &q.ChangeTerms, &wrong)
	if len(wrong) > 0 {
		return invalid(wrong...)
	}
	of, err := a.changeToUndo(x.Context(), q.ID)
	if err != nil {
		return err
	}
	r, err := change.Undo(&of, w.Terms)
	if err != nil {
		return err
	}
	return a.makeChange(x, w, r)
}

// changeToUndo reads a change, in a time that leaves the request its own. CodeUnavailable: it
// was not read in time.
func (a *API) changeToUndo(ctx context.Context, id string) (lsapi.Change, error) {
	bounded, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	of, err := a.readChange(bounded, id)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return of, &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the record cannot be read in time; nothing was changed", RetryAfter: retryAfter, Err: err}
	}
	return of, err
}
