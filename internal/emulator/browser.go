package emulator

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// isCrossSite reports whether a browser sent the request for a page of another site.
// The emulator does not authenticate, so such a page could read and change everything.
// Other clients send neither of the header fields.
func isCrossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}

// isRebound reports whether a request on the loopback interface has another host name
// (DNS rebinding): a page whose own name resolves to 127.0.0.1 is of the same site.
func isRebound(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.IsLoopback() && !isLoopback(r.Host)
}

func isLoopback(hostport string) bool {
	host := (&url.URL{Host: hostport}).Hostname()
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
