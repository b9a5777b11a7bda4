package emulator

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// fromElsewhere reports whether a web page of another site sent the request, by
// the browser of somebody who runs the emulator: it asks nobody who they are, so
// that such a page could read and change everything. It does not see requests of
// clients that are no browsers, which have neither of the fields.
func fromElsewhere(r *http.Request) bool {
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

// rebound reports whether a request that came in on the loopback interface was
// meant for another host: a page can have its own name resolve to 127.0.0.1, and
// then is of the same site to the browser.
func rebound(r *http.Request) bool {
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
