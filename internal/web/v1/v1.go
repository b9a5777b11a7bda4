// Package v1 is the /v1 API: pools and their members, changes of them, instances, the
// record of changes, and the OpenAPI document of all. huma derives the document from the
// types that requests are parsed into and responses are encoded from.
package v1

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/semaphore"

	"lsapi/internal/events"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

// Options configure an API. All but Fleet and Events must be given.
type Options struct {
	// Version is that of the service, for the document.
	Version string
	Record  Record
	// Fleet shows pools. Nil: only the changes are served.
	Fleet Fleet
	// Events are streamed, of pools that Exists accepts. Nil: no streams.
	Events *events.Hub
	Exists Exists
	// Changes changes the members of pools.
	Changes *change.Changer
	// Reads bounds the concurrent reads of Record.
	Reads int
	// LongRequests bounds the requests that wait or stream.
	LongRequests *exchange.LongRequests
}

// API is the API.
type API struct {
	Options
	held      *semaphore.Weighted // the changes in memory
	bodies    *semaphore.Weighted // the large bodies in memory
	changing  *semaphore.Weighted // the members of the bulks in memory
	instances *instanceAnswers
	members   *membersAnswers
	huma      huma.API
	routes    []exchange.Route
}

func (a *API) schemas() huma.Registry { return a.huma.OpenAPI().Components.Schemas }

// send answers with a value. Caches must not keep it, because it may change at once.
func send(x *exchange.Exchange, value any) error { return sendAs(x, http.StatusOK, value) }

// sendAs answers like send, with a status.
func sendAs(x *exchange.Exchange, status int, value any) error {
	x.Header().Set("Cache-Control", "no-store")
	return x.SendJSON(status, value)
}

// sendRead answers with what read returns within the request timeout.
func sendRead[T, U any](x *exchange.Exchange, read func(context.Context) (T, error), convert func(*T) U) error {
	ctx, cancel := x.Deadline()
	defer cancel()
	found, err := read(ctx)
	if err != nil {
		return err
	}
	return send(x, convert(&found))
}
