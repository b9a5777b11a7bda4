package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"lsapi/internal/config"
)

// healthcheckTimeout is well below common intervals of container health checks.
const healthcheckTimeout = 3 * time.Second

func newHealthcheck(p Process) *cobra.Command {
	command := newCommand("healthcheck")
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
	got, err := fetch(ctx, &http.Transport{DisableKeepAlives: true}, healthcheckTimeout, target)
	switch {
	case err != nil:
		return fmt.Errorf("not up: %w", err)
	case got.code != "":
		return fmt.Errorf("not up: %s responds %s", target, got.status)
	case got.header.Get("X-Request-Id") == "": // lsapi sets it on every response
		return fmt.Errorf("not up: the response from %s is not from lsapi", target)
	}
	return nil
}

// dialAddress returns the address at which this machine reaches a listener: the loopback
// address if it listens on all addresses.
func dialAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip == netip.IPv4Unspecified() {
		host = "127.0.0.1"
	} else if err == nil && ip == netip.IPv6Unspecified() {
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
