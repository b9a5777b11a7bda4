package dataplane

import (
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
	opened  net.Listener // nil if it is not open
	proxy   *proxy       // of HTTP
	server  *http.Server // of HTTP
	relay   *relay       // of TCP
	url     string
	problem string // why it is not open
}

// listeners are the listeners of a load balancer. Plane.mu guards them.
type listeners struct {
	runtime  *runtime
	machines *machines
	pool     *pool
	byPort   map[int]*listener
}

// set opens and closes listeners.
func (ls *listeners) set(configured []Listener) {
	kept := make(map[int]bool)
	for _, l := range configured {
		kept[l.Port] = true
		if open := ls.byPort[l.Port]; open != nil && open.Listener == l {
			continue
		}
		ls.close(l.Port)
		ls.byPort[l.Port] = ls.open(l)
	}
	for _, port := range slices.Collect(maps.Keys(ls.byPort)) {
		if !kept[port] {
			ls.close(port)
		}
	}
}

// close closes a listener and its connections.
func (ls *listeners) close(port int) {
	l := ls.byPort[port]
	delete(ls.byPort, port)
	switch {
	case l == nil:
	case l.server != nil:
		_ = l.server.Close()
		_ = l.opened.Close() // if the server does not serve it yet
		l.proxy.transport.CloseIdleConnections()
	case l.relay != nil:
		l.relay.close()
	}
}

func (ls *listeners) open(l Listener) *listener {
	made := &listener{Listener: l}
	if l.Protocol != "HTTP" && l.Protocol != "TCP" {
		made.problem = "the data plane carries HTTP and TCP, not " + l.Protocol
		return made
	}
	opened, err := listenNear(l.Port)
	if err != nil {
		made.problem = err.Error()
		ls.runtime.Log.Warn("a load balancer cannot listen", "load_balancer", ls.pool.name, "port", l.Port, "error", err)
		return made
	}
	made.opened = opened
	if l.Protocol == "TCP" {
		made.relay = newRelay(ls.runtime.base, ls.pool, l, opened)
		made.url = "tcp://" + opened.Addr().String()
		ls.runtime.serve(made.relay.serve, made.url)
	} else {
		made.proxy = newProxy(ls.pool, ls.machines, l)
		made.server = &http.Server{
			Handler:           made.proxy.handler(),
			ReadHeaderTimeout: time.Minute,
			IdleTimeout:       max(ls.pool.idleTimeout(), time.Second),
			ErrorLog:          discardLog(),
		}
		made.url = "http://" + opened.Addr().String()
		ls.runtime.serve(func() error { return made.server.Serve(opened) }, made.url)
	}
	ls.runtime.Log.Info("a load balancer listens", "load_balancer", ls.pool.name, "port", l.Port, "url", made.url)
	return made
}

// list returns the listeners with their local addresses, sorted by port.
func (ls *listeners) list() []OpenListener {
	all := []OpenListener{}
	for _, port := range slices.Sorted(maps.Keys(ls.byPort)) {
		l := ls.byPort[port]
		all = append(all, OpenListener{l.Protocol, l.Port, l.url, l.problem})
	}
	return all
}

// listenNear opens the local port of a load balancer's port, or a free one. Ports below
// 1024 are privileged: 80 becomes 8080.
func listenNear(port int) (net.Listener, error) {
	if port < 1024 {
		port += 8000
	}
	return listen(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
