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

// advise returns advice for an unreachable service. It names a cause only if the error
// proves it.
func (r *remote) advise(err error) string {
	const where = "set its address with --url or LSAPI_URL"
	if operation, ok := errors.AsType[*net.OpError](err); ok && operation.Op == "proxyconnect" {
		return "the proxy " + r.proxy() + " failed; the environment sets it (HTTP_PROXY, HTTPS_PROXY, NO_PROXY)"
	}
	text := adviseOnTLS(err)
	if name, ok := errors.AsType[*net.DNSError](err); ok && text == "" {
		text = "the host name could not be resolved"
		if name.IsNotFound {
			text = "there is no host of that name"
		}
	}
	switch {
	case text != "":
		text += "; " + where
	case errors.Is(err, syscall.ECONNREFUSED):
		text = "is it running? " + where
	default:
		text = where
	}
	return text + r.viaProxy()
}

// adviseOnTLS returns advice for an error of TLS, or "".
func adviseOnTLS(err error) string {
	if is[x509.UnknownAuthorityError](err) {
		return "this machine does not trust the issuer of its certificate; SSL_CERT_FILE names a file of trusted authorities"
	}
	if is[x509.HostnameError](err) {
		return "its certificate is not for the host of the URL"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "its certificate is expired or not yet valid; is this machine's clock correct?"
	}
	if is[tls.RecordHeaderError](err) || errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not use TLS on that port: does its URL start with http?"
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" { // a TLS alert
		return "it rejected the TLS handshake for the reason in the error"
	}
	return ""
}

// adviseOnResponse returns advice for a response that is not from lsapi.
func (r *remote) adviseOnResponse(code lsapi.Code) string {
	text := "the response is not from lsapi: another server, or a proxy, responds at " + r.config.URL
	switch {
	case code == lsapi.CodeUnauthenticated:
		text += ", and requires credentials"
	case code == lsapi.CodeInvalid && strings.HasPrefix(r.config.URL, "http:"):
		text += "; does it require https?"
	}
	if target, err := url.Parse(r.config.URL); err == nil && strings.Trim(target.Path, "/") != "" {
		text += "; is the path " + target.Path + " of its URL right?"
	}
	return text + r.viaProxy()
}

// viaProxy returns the end of advice that names the proxy in use, or "".
func (r *remote) viaProxy() string {
	if proxy := r.proxy(); proxy != "" {
		return "; the request uses the proxy " + proxy
	}
	return ""
}

// proxy returns the URL of the proxy in use, without its password, or "".
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
