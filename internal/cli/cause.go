package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"lsapi"
	"lsapi/client"
)

// explain adds to the error of a request what to try.
func (r *remote) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case err == context.Canceled: //nolint:errorlint // what says more stays
		return interrupted{"stopped by a signal"}
	case errors.Is(err, client.ErrUnreachable):
		return fmt.Errorf("%w; %s", err, r.advise(err))
	}
	answer, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok:
		return err
	case answer.RequestID == "": // lsapi names each of its answers
		return fmt.Errorf("%w; %s", notLSAPI{err}, r.adviseOnAnswer(answer))
	case answer.Code != lsapi.CodeUnauthenticated:
		return err
	case r.config.User == "":
		return fmt.Errorf("%w: the service at %s wants credentials, and %s; set LSAPI_USER and LSAPI_PASSWORD, or see lsapi elb --help", err, r.config.URL, r.config.Origin)
	}
	return fmt.Errorf("%w: the service at %s does not take those of the user %s, which are from %s; correct them there", err, r.config.URL, r.config.User, r.config.Origin)
}

// notLSAPI is the error of an answer that something else gave in place of lsapi.
type notLSAPI struct{ error }

func (e notLSAPI) Unwrap() error { return e.error }

// advise says what to try when the service has not answered. Only what the error
// proves is named as the cause.
func (r *remote) advise(err error) string {
	const where = "--url or LSAPI_URL says where it is"
	if operation, ok := errors.AsType[*net.OpError](err); ok && operation.Op == "proxyconnect" {
		return fmt.Sprintf("the proxy %s is at fault, which the environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY)", r.proxy())
	}
	text := adviseOnTLS(err)
	if text == "" {
		text = adviseOnConnection(err)
	}
	if text == "" {
		text = where
	} else if !strings.Contains(text, "LSAPI_URL") {
		text += "; " + where
	}
	if proxy := r.proxy(); proxy != "" {
		text += "; it is asked through the proxy " + proxy
	}
	return text
}

func adviseOnTLS(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "this machine does not trust who signed its certificate; SSL_CERT_FILE names a file of authorities to trust"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for other names than that of the URL"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "its certificate is not valid at this time; is the clock of this machine right?"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not speak TLS there: is its URL one with http?"
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" { // how crypto/tls reports an alert
		return "it has refused the TLS handshake, by the reason that the error names"
	}
	return ""
}

func adviseOnConnection(err error) string {
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return "there is no host of that name; --url or LSAPI_URL says where it is"
		}
		return "the name of the host could not be looked up"
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "is it running? --url or LSAPI_URL says where it is"
	}
	return ""
}

// adviseOnAnswer says what to try when something else has answered.
func (r *remote) adviseOnAnswer(answer *client.Error) string {
	text := "that is not lsapi's answer: what answers at " + r.config.URL + " is something else, or stands in front of it"
	switch {
	case answer.Status == http.StatusProxyAuthRequired:
		text += "; the proxy wants credentials of its own"
	case answer.Status == http.StatusUnauthorized:
		text += ", and wants credentials"
	case answer.Status == http.StatusBadRequest && strings.HasPrefix(r.config.URL, "http:"):
		text += "; does it want https?"
	case answer.Status >= 300 && answer.Status < 400:
		text += "; it redirects elsewhere, where lsapi may be: with https, say"
	}
	if proxy := r.proxy(); proxy != "" {
		text += "; it is asked through the proxy " + proxy
	}
	return text
}

// proxy is the one through which the service is asked, without what is secret of its
// URL; empty when there is none.
func (r *remote) proxy() string {
	target, err := url.Parse(r.config.URL)
	if err != nil {
		return ""
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: target})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Redacted()
}
