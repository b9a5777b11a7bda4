package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"lsapi"
	"lsapi/client"
)

const (
	// doctorTimeout bounds each check.
	doctorTimeout = 10 * time.Second
	// certificateSoon is the remaining validity below which a certificate is a warning.
	certificateSoon = 14 * 24 * time.Hour
	// clockWarning is the clock difference above which times of the record, and --from 5m,
	// are hard to compare.
	clockWarning = time.Second
)

// fetch requests a path of the service as its clients do: through a proxy if one is set.
func (r *remote) fetch(ctx context.Context, path string, credentials bool) (*response, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	target, err := url.Parse(strings.TrimRight(r.config.URL, "/") + path)
	if err != nil {
		return nil, err
	}
	if credentials && r.config.User != "" {
		target.User = url.UserPassword(r.config.User, string(r.config.Password))
	}
	got, err := fetch(ctx, transport, doctorTimeout, target.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", client.ErrUnreachable, err)
	}
	return got, nil
}

// checkConnection checks that lsapi responds, and its TLS and clock. It reports whether
// further checks are possible.
func (c *checkup) checkConnection(ctx context.Context, r *remote) bool {
	got, err := r.fetch(ctx, "/healthcheck", false)
	if err != nil {
		check := "reachable"
		if adviseOnTLS(err) != "" {
			check = "tls"
		}
		c.fail(check, r.advise(err), "%v", err)
		return false
	}
	if got.header.Get("X-Request-Id") == "" || got.code != "" {
		c.fail("reachable", r.adviseOnResponse(got.code), "the response to /healthcheck is %s", got.status)
		return false
	}
	c.ok("reachable", "it responds in %s", got.responded.Sub(got.sent).Round(time.Millisecond))
	c.checkTLS(r.config.URL, got)
	c.checkClock(got)
	return true
}

func (c *checkup) checkTLS(address string, got *response) {
	if got.tls != nil && len(got.tls.PeerCertificates) > 0 {
		c.checkCertificate(got.tls.PeerCertificates[0])
		return
	}
	target, err := url.Parse(address)
	if err == nil && isLoopback(target.Hostname()) {
		c.ok("tls", "none, and none is needed: the service is on this machine")
		return
	}
	c.warn("tls", "put TLS in front of the service, and https in its URL", "none: the password can be read in transit")
}

func (c *checkup) checkCertificate(certificate *x509.Certificate) {
	if left := time.Until(certificate.NotAfter); left < certificateSoon {
		c.warn("tls", "renew it", "the certificate expires on %s", certificate.NotAfter.Format(time.DateOnly))
		return
	}
	c.ok("tls", "the certificate is valid until %s", certificate.NotAfter.Format(time.DateOnly))
}

// checkClock compares this machine's clock with the service's, within the precision of
// the header Date and the duration of the request.
func (c *checkup) checkClock(got *response) {
	date, err := http.ParseTime(got.header.Get("Date"))
	if err != nil {
		c.warn("clock", "a proxy may have removed it", "the response has no header Date to compare with")
		return
	}
	ahead := clockAhead(date, got.sent, got.responded)
	switch {
	case ahead.Abs() <= clockWarning:
		c.ok("clock", "the two machines agree")
	case ahead > 0:
		c.warn("clock", "synchronize the clocks of both machines with NTP", "the service's is ahead by %s or more", ahead.Round(time.Millisecond))
	default:
		c.warn("clock", "synchronize the clocks of both machines with NTP", "the service's is behind by %s or more", ahead.Abs().Round(time.Millisecond))
	}
}

// clockAhead returns the minimum by which a clock is ahead, negative if behind. The clock
// showed date, truncated to the second, at some time between began and ended.
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
	case got.code == "":
		c.ok("ready", "it serves reads and changes")
	default:
		c.fail("ready", "see the log of the service, and docs/runbook.md", "/readyz is %s: %s", got.status, strings.TrimSpace(string(got.body)))
	}
}

func (c *checkup) checkCredentials(ctx context.Context, r *remote) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	page, err := r.Pools(ctx, client.PoolsQuery{Limit: 1})
	switch code := client.ErrorCode(err); {
	case err == nil && len(page.Pools) > 0:
		c.ok("credentials", "accepted, and there are pools")
	case err == nil:
		c.warn("credentials", "is it the right region?", "accepted, and there is no pool")
	case code == lsapi.CodeUnauthenticated && r.config.User == "":
		c.fail("credentials", "set LSAPI_USER and LSAPI_PASSWORD, or see lsapi pool --help", "the service requires credentials, and %s", r.config.Origin)
	case code == lsapi.CodeUnauthenticated:
		c.fail("credentials", "correct them there", "the service rejects the user %s, from %s", r.config.User, r.config.Origin)
	case code == lsapi.CodeDenied:
		c.fail("credentials", "ask the operator of the service for permission", "accepted, but without permission: %v", err)
	case errors.Is(err, client.ErrUnreachable):
		c.fail("credentials", r.advise(err), "%v", err)
	default:
		c.fail("credentials", "see the log of the service, and docs/runbook.md", "pools cannot be listed: %v", err)
	}
}

// checkMetrics checks what the service reports in its metrics.
func (c *checkup) checkMetrics(ctx context.Context, r *remote) {
	got, err := r.fetch(ctx, "/metrics", true)
	if err != nil {
		c.warn("versions", r.advise(err), "%v", err)
		return
	}
	c.checkVersions(got)
	if got.code == "" {
		c.checkGuards(string(got.body))
	}
}

// nonZero reports whether a metric without labels has another value than 0.
func nonZero(metrics, name string) bool {
	return regexp.MustCompile(`(?m)^` + name + ` [1-9]`).MatchString(metrics)
}

// checkGuards checks that the service knows the guards of pools.
func (c *checkup) checkGuards(metrics string) {
	problems := 0
	warn := func(metric, advice, text string) {
		if nonZero(metrics, metric) {
			problems++
			c.warn("guards", advice, "%s", text)
		}
	}
	warn("lsapi_policy_file_refused", "correct the file: lsapi policy check FILE lists its problems", "the policy file is invalid or cannot be read; the previous policy is in force")
	warn("lsapi_guard_tags_denied", "allow elasticloadbalancing:DescribeTags", "AWS denies reading tags: guards in them have no effect, and a policy that selects by tags refuses detaches")
	warn("lsapi_guard_malformed_pools", "correct the tags that begin with lsapi:, which the log and lsapi pool guard name", "a pool has a tag that is no valid guard; detaches from it are refused")
	if problems == 0 && strings.Contains(metrics, "\nlsapi_policy_guards ") {
		c.ok("guards", "their rules are known")
	}
}

// buildInfo matches the version in the metrics.
var buildInfo = regexp.MustCompile(`(?m)^lsapi_build_info\{(?:[^}\n]*,)?version="([^"\n]*)"`)

func (c *checkup) checkVersions(got *response) {
	found := buildInfo.FindStringSubmatch(string(got.body))
	switch {
	case got.code != "" || found == nil:
		c.warn("versions", "compare with lsapi version where the service runs", "the service does not report its version; this is %s", versionText())
	case found[1] != versionText() && strings.Contains(found[1], noVersion):
		c.warn("versions", "run a binary of make build or of a package there", "this is %s; the service was built without a version, as by go run", versionText())
	case found[1] != versionText():
		c.warn("versions", "install the newer one on both machines", "this is %s, and the service is %s", versionText(), found[1])
	default:
		c.ok("versions", "both are %s", found[1])
	}
}
