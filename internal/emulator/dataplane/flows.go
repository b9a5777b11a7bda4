package dataplane

import (
	"context"
	"net"
	"time"
)

// flows is a target group behind a listener of a Network Load Balancer.
type flows struct {
	router *router
	port   int
}

// acquire implements relayed.
func (f flows) acquire(_ context.Context, tried []*member) (*member, func(*member), error) {
	g := f.router.groupFor(f.port)
	if g == nil {
		return nil, nil, errNoMember
	}
	m, err := g.acquire(tried)
	return m, g.release, err
}

// count implements relayed.
func (f flows) count(string, ...value) { f.router.requests.Add(1) }

// preface implements relayed. Network Load Balancers send none.
func (flows) preface(int, net.Conn) string { return "" }

// refused implements relayed.
func (flows) refused(string) {}

// idleTimeout implements relayed.
func (f flows) idleTimeout() time.Duration { return f.router.routes.Load().idle }
