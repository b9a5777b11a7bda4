package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/client"
	"lsapi/internal/clientconfig"
)

// remote is a client of a service, with the configuration that it came from.
type remote struct {
	*client.Client
	config clientconfig.Config
}

// connect returns a client from the configuration. It sends no request.
func connect(c *cobra.Command, p Process) (*remote, error) {
	found, err := clientconfig.Load(clientconfig.Sources{Flags: c.Flags(), Environ: p.Environ})
	if err != nil {
		return nil, err
	}
	api, err := client.New(client.Options{
		URL: found.URL, User: found.User, Password: string(found.Password), UserAgent: "lsapi-cli",
	})
	if err != nil {
		return nil, usagef("%w", err)
	}
	return &remote{Client: api, config: found}, nil
}

// withService calls do with a client and a context that ends with a signal, and adds
// advice to its error.
func withService(c *cobra.Command, p Process, do func(context.Context, *remote) error) error {
	service, err := connect(c, p)
	if err != nil {
		return err
	}
	defer service.Close()
	ctx, stop := untilSignalled(c.Context())
	defer stop()
	return service.explain(do(ctx, service))
}

// explain adds advice to the error of a request.
func (r *remote) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case err == context.Canceled: //nolint:errorlint // a wrapped one has a better message
		return interrupted{"stopped by a signal"}
	case errors.Is(err, client.ErrUnreachable):
		return fmt.Errorf("%w; %s", err, r.advise(err))
	}
	answer, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok:
		return err
	case answer.RequestID == "": // lsapi sets it on every response
		return fmt.Errorf("%w; %s", notLSAPI{err}, r.adviseOnResponse(answer.Code))
	case answer.Code != lsapi.CodeUnauthenticated:
		return err
	case r.config.User == "":
		return fmt.Errorf("%w: the service at %s requires credentials, and %s; set LSAPI_USER and LSAPI_PASSWORD, or see lsapi pool --help", err, r.config.URL, r.config.Origin)
	}
	return fmt.Errorf("%w: the service at %s rejects the user %s, whose credentials are from %s; correct them there", err, r.config.URL, r.config.User, r.config.Origin)
}
