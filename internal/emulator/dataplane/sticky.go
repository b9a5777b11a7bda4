package dataplane

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"slices"
	"strconv"
)

// stickyCookie is the cookie of Classic load balancers that names a member.
const stickyCookie = "AWSELB"

// session is the stickiness of a request; the zero value has none.
type session struct {
	Stickiness
	enabled bool
	bound   *member // nil: none yet, or one that is no longer a member
}

// session returns the stickiness of a request to a listener.
func (p *pool) session(port int, r *http.Request) session {
	p.mu.Lock()
	defer p.mu.Unlock()
	sticky, ok := p.stickiness[port]
	s := session{Stickiness: sticky, enabled: ok}
	cookie, err := r.Cookie(stickyCookie)
	if !ok || err != nil {
		return s
	}
	if s.Cookie != "" {
		if _, err := r.Cookie(s.Cookie); err != nil {
			return s // the application's session has ended
		}
	}
	at := slices.IndexFunc(p.members, func(m *member) bool { return p.token(m) == cookie.Value })
	if at >= 0 {
		s.bound = p.members[at]
	}
	return s
}

// token returns the value of the cookie for a member.
func (p *pool) token(m *member) string {
	sum := sha256.Sum256([]byte(p.name + "/" + m.InstanceID))
	return hex.EncodeToString(sum[:])
}

// bind adds the cookie to the answer of a member, unless the client is bound to it.
func (s session) bind(p *pool, m *member, response *http.Response) {
	if !s.enabled || s.bound == m {
		return
	}
	if s.Cookie != "" && !slices.ContainsFunc(response.Cookies(), func(c *http.Cookie) bool { return c.Name == s.Cookie }) {
		return
	}
	cookie := http.Cookie{Name: stickyCookie, Value: p.token(m), Path: "/", MaxAge: int(s.MaxAge.Seconds())} //nolint:gosec // AWS's has no more attributes
	response.Header.Add("Set-Cookie", cookie.String())
}

// proxyHeader returns the PROXY header, version 1, of a connection between two addresses.
func proxyHeader(client, balancer net.Addr) string {
	from, isTCP := client.(*net.TCPAddr)
	to, alsoTCP := balancer.(*net.TCPAddr)
	if !isTCP || !alsoTCP {
		return "PROXY UNKNOWN\r\n"
	}
	family := "TCP4"
	if from.IP.To4() == nil {
		family = "TCP6"
	}
	return "PROXY " + family + " " + from.IP.String() + " " + to.IP.String() + " " + strconv.Itoa(from.Port) + " " + strconv.Itoa(to.Port) + "\r\n"
}
