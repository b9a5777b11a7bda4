package exchange

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client returns the address of the client: the peer, or the address that a trusted proxy
// names.
func (x *Exchange) Client() string {
	if x.client == "" {
		x.client = proxies(x.settings.TrustedProxies).client(x.Request)
		x.reportProxy()
	}
	return x.client
}

// reportProxy warns once about a peer that sends X-Forwarded-For without being trusted.
// If it is a proxy, all of its clients count as one.
func (x *Exchange) reportProxy() {
	if _, forwarded := x.Request.Header["X-Forwarded-For"]; !forwarded || x.settings.reportedProxy.Load() {
		return
	}
	peer, ok := parseAddress(x.Request.RemoteAddr)
	if ok && proxies(x.settings.TrustedProxies).trust(peer) || x.settings.reportedProxy.Swap(true) {
		return
	}
	x.settings.Log.WarnContext(x.Context(), "a request has X-Forwarded-For, and its peer is not trusted: if that is your proxy, name it in --trusted-proxies, or the wrong passwords of one of its clients slow all of them down",
		"peer", x.client)
}

// proxies are the peers whose X-Forwarded-For is trusted.
type proxies []netip.Prefix

// client returns the peer, or if that is a trusted proxy, the last address in
// X-Forwarded-For that is not. Addresses before that one may be forged.
func (p proxies) client(r *http.Request) string {
	if len(p) == 0 {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && !strings.Contains(host, ":") {
			return host // IPv4 needs no normal form
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

// parseAddress parses an address with or without port, brackets and zone, as
// X-Forwarded-For may hold it. It returns an IPv4 address for an IPv4-mapped one.
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
