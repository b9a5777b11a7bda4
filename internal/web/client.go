package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the peers that are believed when they say whom they speak for.
type proxies []netip.Prefix

// client returns the address of the request's client: the peer, or when that is
// a proxy of ours, the nearest address in X-Forwarded-For that is not. What
// stands beyond that address anybody may have written.
func (p proxies) client(r *http.Request) string {
	if len(p) == 0 {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && !strings.Contains(host, ":") {
			return host // IPv4, and as good as parsed
		}
	}
	address, ok := parseAddress(r.RemoteAddr)
	if !ok {
		return "unknown"
	}
	if !p.trust(address) {
		return address.String()
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, ok := parseAddress(strings.TrimSpace(hop))
		if !ok {
			break
		}
		address = next
		if !p.trust(address) {
			break
		}
	}
	return address.String()
}

func (p proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// trustPeer reports whether a request comes from one of them.
func (p proxies) trustPeer(r *http.Request) bool {
	address, ok := parseAddress(r.RemoteAddr)
	return ok && p.trust(address)
}

// parseAddress reads an address with or without a port and an IPv6 address with
// or without brackets, all of which are seen in X-Forwarded-For. An IPv4 address
// in an IPv6 one is an IPv4 address. Zones mean nothing to anybody else.
func parseAddress(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	if strings.HasPrefix(text, "[") {
		text = strings.TrimSuffix(text[1:], "]")
	}
	address, err := netip.ParseAddr(text)
	return address.Unmap().WithZone(""), err == nil
}
