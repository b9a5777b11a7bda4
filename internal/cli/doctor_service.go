package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"lsapi"
	"lsapi/client"
)

const (
	// doctorTimeout bounds each check: longer is no service to work with.
	doctorTimeout = 10 * time.Second
	// maxMetrics is how much of the metrics is read to find the version.
	maxMetrics = 8 << 20
	// certificateSoon is how long before its end a certificate is warned about: time
	// enough to renew it.
	certificateSoon = 14 * 24 * time.Hour
	// clockWarning is how far two clocks may be apart: more makes times of the record,
	// and --from 5m, hard to compare.
	clockWarning = time.Second
)

// answer is what a plain request has got.
type answer struct {
	status      int
	header      http.Header
	text        string
	tls         *tls.ConnectionState
	began, took time.Time
}

// fetch asks for a path of the service as its clients do: by way of a proxy if there is
// one, following no redirect.
func (r *remote) fetch(ctx context.Context, path string, credentials bool) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	target := strings.TrimRight(r.config.URL, "/") + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	if credentials && r.config.User != "" {
		request.SetBasicAuth(r.config.User, string(r.config.Password))
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	got := &answer{began: time.Now()}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", client.ErrUnreachable, err)
	}
	defer response.Body.Close()
	got.took = time.Now()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxMetrics))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", client.ErrUnreachable, err)
	}
	got.status, got.header, got.text, got.tls = response.StatusCode, response.Header, string(text), response.TLS
	return got, nil
}

// checkAnswer checks that lsapi answers, by TLS and with a clock like this machine's. It
// returns whether more can be asked.
func (c *checkup) checkAnswer(ctx context.Context, r *remote) bool {
	got, err := r.fetch(ctx, "/healthcheck", false)
	if err != nil {
		check := "reachable"
		if adviseOnTLS(err) != "" {
			check = "tls"
		}
		c.fail(check, r.advise(err), "%v", err)
		return false
	}
	if got.header.Get("X-Request-Id") == "" || got.status != http.StatusOK {
		e := &client.Error{Status: got.status}
		c.fail("reachable", r.adviseOnResponse(e), "the answer to /healthcheck is %d", got.status)
		return false
	}
	c.ok("reachable", "it answers in %s", got.took.Sub(got.began).Round(time.Millisecond))
	c.checkTLS(r.config.URL, got)
	c.checkClock(got)
	return true
}

func (c *checkup) checkTLS(address string, got *answer) {
	if got.tls != nil && len(got.tls.PeerCertificates) > 0 {
		c.checkCertificate(got.tls.PeerCertificates[0])
		return
	}
	target, err := url.Parse(address)
	if err == nil && isLoopback(target.Hostname()) {
		c.ok("tls", "none, and none is needed: the service is on this machine")
		return
	}
	c.warn("tls", "put TLS in front of the service, and https in its URL", "none: the password can be read on the way")
}

func (c *checkup) checkCertificate(certificate *x509.Certificate) {
	if left := time.Until(certificate.NotAfter); left < certificateSoon {
		c.warn("tls", "renew it", "the certificate ends on %s", certificate.NotAfter.Format(time.DateOnly))
		return
	}
	c.ok("tls", "the certificate is valid until %s", certificate.NotAfter.Format(time.DateOnly))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkClock compares this machine's clock with the service's, as far as the header
// Date, which has whole seconds, and the time of the answer allow.
func (c *checkup) checkClock(got *answer) {
	date, err := http.ParseTime(got.header.Get("Date"))
	if err != nil {
		c.warn("clock", "a proxy may have taken it out", "the answer has no header Date to compare with")
		return
	}
	ahead := clockAhead(date, got.began, got.took)
	switch {
	case ahead.Abs() <= clockWarning:
		c.ok("clock", "the two machines agree")
	case ahead > 0:
		c.warn("clock", "synchronize the clocks of both machines with NTP", "the service's is ahead by %s or more", ahead.Round(time.Millisecond))
	default:
		c.warn("clock", "synchronize the clocks of both machines with NTP", "the service's is behind by %s or more", ahead.Abs().Round(time.Millisecond))
	}
}

// clockAhead is by how much a clock is certainly ahead that has said date, cut to the
// second, at some time between began and ended; negative when it is behind.
func clockAhead(date, began, ended time.Time) time.Duration {
	if earliest := date.Sub(ended); earliest > 0 {
		return earliest
	}
	if latest := date.Add(time.Second).Sub(began); latest < 0 {
		return latest
	}
	return 0
}

func (c *checkup) checkReady(ctx context.Context, r *remote) {
	got, err := r.fetch(ctx, "/readyz", false)
	switch {
	case err != nil:
		c.fail("ready", r.advise(err), "%v", err)
	case got.status == http.StatusOK:
		c.ok("ready", "it reads and changes load balancers")
	default:
		c.fail("ready", "see the log of the service, and docs/runbook.md", "/readyz is %d: %s", got.status, strings.TrimSpace(got.text))
	}
}

func (c *checkup) checkCredentials(ctx context.Context, r *remote) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	page, err := r.LoadBalancers(ctx, client.LoadBalancersQuery{Limit: 1})
	switch code := client.ErrorCode(err); {
	case err == nil && len(page.LoadBalancers) > 0:
		c.ok("credentials", "they are taken, and there are load balancers")
	case err == nil:
		c.warn("credentials", "is it the right region?", "they are taken, and there is no load balancer")
	case code == lsapi.CodeUnauthenticated && r.config.User == "":
		c.fail("credentials", "set LSAPI_USER and LSAPI_PASSWORD, or see lsapi elb --help", "the service wants some, and %s", r.config.Origin)
	case code == lsapi.CodeUnauthenticated:
		c.fail("credentials", "correct them there", "those of the user %s, from %s, are not taken", r.config.User, r.config.Origin)
	case code == lsapi.CodeForbidden:
		c.fail("credentials", "ask who runs the service for the right", "they are taken, and do not suffice: %v", err)
	case errors.Is(err, client.ErrUnreachable):
		c.fail("credentials", r.advise(err), "%v", err)
	default:
		c.fail("credentials", "see the log of the service, and docs/runbook.md", "load balancers cannot be listed: %v", err)
	}
}

// buildInfo finds the version among the metrics.
var buildInfo = regexp.MustCompile(`(?m)^lsapi_build_info\{(?:[^}\n]*,)?version="([^"\n]*)"`)

func (c *checkup) checkVersions(ctx context.Context, r *remote) {
	got, err := r.fetch(ctx, "/metrics", true)
	if err != nil {
		c.warn("versions", r.advise(err), "%v", err)
		return
	}
	found := buildInfo.FindStringSubmatch(got.text)
	switch {
	case got.status != http.StatusOK || found == nil:
		c.warn("versions", "compare with lsapi version where the service runs", "the service does not say its own; here is %s", versionText())
	case found[1] != versionText():
		c.warn("versions", "install the newer one on both machines", "here is %s, and the service is %s", versionText(), found[1])
	default:
		c.ok("versions", "here and there %s", found[1])
	}
}
