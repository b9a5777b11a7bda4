package dataplane

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// listener is a port of a load balancer on this machine.
type listener struct {
	Listener
	opened  net.Listener // nil when it carries nothing
	carrier *carrier     // of HTTP; nil with another protocol
	server  *http.Server // likewise
	relay   *relay       // of TCP; nil with another protocol
	url     string
	problem string // why it carries nothing
}

// listen makes these the listeners that are open. The caller holds Plane.mu.
func (b *balancer) listen(wanted []Listener) {
	kept := make(map[int]bool)
	for _, l := range wanted {
		kept[l.Port] = true
		if open := b.listeners[l.Port]; open != nil && open.Listener == l {
			continue
		}
		b.shut(l.Port)
		b.listeners[l.Port] = b.openListener(l)
	}
	for _, number := range slices.Collect(maps.Keys(b.listeners)) {
		if !kept[number] {
			b.shut(number)
		}
	}
}

// shut closes a listener with all its connections. The caller holds Plane.mu.
func (b *balancer) shut(number int) {
	l := b.listeners[number]
	delete(b.listeners, number)
	switch {
	case l == nil:
	case l.server != nil:
		_ = l.server.Close()
		_ = l.opened.Close() // also when it was not served yet
		l.carrier.transport.CloseIdleConnections()
	case l.relay != nil:
		l.relay.close()
	}
}

func (b *balancer) openListener(l Listener) *listener {
	open := &listener{Listener: l}
	if l.Protocol != "HTTP" && l.Protocol != "TCP" {
		open.problem = "the data plane carries HTTP and TCP, not " + l.Protocol
		return open
	}
	taken, err := listenNear(l.Port)
	if err != nil {
		open.problem = err.Error()
		b.plane.o.Log.Warn("a load balancer cannot listen", "load_balancer", b.name, "port", l.Port, "error", err)
		return open
	}
	open.opened = taken
	if l.Protocol == "TCP" {
		open.relay = newRelay(b, l, taken)
		open.url = "tcp://" + taken.Addr().String()
		b.plane.serve(open.relay.serve, open.url)
	} else {
		b.serveHTTP(open)
	}
	b.plane.o.Log.Info("a load balancer listens", "load_balancer", b.name, "port", l.Port, "url", open.url)
	return open
}

// serveHTTP carries the requests of a listener.
func (b *balancer) serveHTTP(open *listener) {
	open.carrier = newCarrier(b, open.Listener)
	open.server = &http.Server{
		Handler:           open.carrier.handler(),
		ReadHeaderTimeout: time.Minute,
		IdleTimeout:       max(b.idleTime(), time.Second),
		ErrorLog:          discard(),
	}
	open.url = "http://" + open.opened.Addr().String()
	b.plane.serve(func() error { return open.server.Serve(open.opened) }, open.url)
}

// listenNear opens the port of this machine that stands for a load balancer's: 8080 for
// 80, since those below 1024 are the administrator's, and a free one when that is
// taken.
func listenNear(number int) (net.Listener, error) {
	if number < 1024 {
		number += 8000
	}
	return listenOr(net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
}

// listenOr opens an address, or a free port of 127.0.0.1 where it cannot be had.
func listenOr(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address) //nolint:noctx // it does not wait
	if err == nil {
		return listener, nil
	}
	free, otherwise := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // likewise
	if otherwise != nil {
		return nil, fmt.Errorf("neither %s nor another port can be listened on: %w", address, err)
	}
	return free, nil
}

// openListeners tells where the load balancer listens. The caller holds Plane.mu.
func (b *balancer) openListeners() []OpenListener {
	all := []OpenListener{}
	for _, number := range slices.Sorted(maps.Keys(b.listeners)) {
		l := b.listeners[number]
		all = append(all, OpenListener{l.Protocol, l.Port, l.url, l.problem})
	}
	return all
}
