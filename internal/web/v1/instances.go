package v1

import (
	"context"
	"net/http"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// instancePath is what GET /v1/instances/{instance} takes.
type instancePath struct {
	ID string `path:"instance" pattern:"^i-([0-9a-f]{8}|[0-9a-f]{17})$" doc:"The id of an instance: i- and 8 or 17 lower-case hexadecimal digits. Any other id is 404" example:"i-5203422c"`
}

func (a *API) getInstance(x *exchange.Exchange, in *instancePath) error {
	if x.RequiresFresh() {
		return sendRead(x, func(ctx context.Context) (lsapi.InstanceDetail, error) {
			return a.Fleet.Instance(ctx, in.ID, true)
		}, newInstance)
	}
	body, err := a.instances.of(x, in.ID)
	if err != nil {
		return err
	}
	x.Header().Set("Cache-Control", "no-store")
	return x.Send(http.StatusOK, exchange.TypeJSON, body)
}

// checkInstance answers 404 for impossible ids, without a call to AWS.
func checkInstance(x *exchange.Exchange) error {
	if !lsapi.ValidInstanceID(x.Request.PathValue("instance")) {
		return lsapi.Errorf(lsapi.CodeNotFound,
			"there is no such instance; an id is i- and 8 or 17 lower-case hexadecimal digits")
	}
	return nil
}
