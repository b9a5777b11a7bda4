package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"lsapi/internal/config"
)

// healthcheckTimeout is well below common intervals of container health checks.
const healthcheckTimeout = 3 * time.Second

const healthcheckHelp = `Check whether the service on this machine is up, for containers without curl. The
default URL uses the port of LISTEN, from the environment or the .env file, or 8000.

Exit status: 0 the service is up, 1 it is not, 2 wrong usage.`

const healthcheckExample = `  lsapi healthcheck
  lsapi healthcheck --url http://127.0.0.1:8000/healthcheck`

func newHealthcheck(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "healthcheck",
		Short:   "Check whether the service is up",
		Long:    healthcheckHelp,
		Example: healthcheckExample,
		Args:    cobra.NoArgs,
	}
	target := command.Flags().String("url", "", "`URL` to check (default http://127.0.0.1:8000/healthcheck, at LISTEN's port)")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if *target == "" {
			listen, err := config.Listen(config.Sources{Environ: p.Environ, EnvFile: config.DefaultEnvFile})
			if err != nil {
				return err
			}
			*target = "http://" + dialAddress(listen) + "/healthcheck"
		}
		if u, err := url.Parse(*target); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return usagef("--url is not a URL such as http://127.0.0.1:8000/healthcheck")
		}
		if err := probe(c.Context(), *target); err != nil {
			return err
		}
		_, err := fmt.Fprintln(p.Stdout, "up")
		return err
	}
	return command
}

// probe checks the URL without a proxy and without following redirects.
func probe(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return fmt.Errorf("not up: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not up: %s responds %s", target, response.Status)
	}
	if response.Header.Get("X-Request-Id") == "" { // lsapi sets it on every response
		return fmt.Errorf("not up: the response from %s is not from lsapi", target)
	}
	return nil
}
