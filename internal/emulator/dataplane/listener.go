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
	server  server // nil if it is not open
	url     string
	problem string // why it is not open
}

// server serves an open listener.
type server interface {
	// serve returns when the listener is closed, or fails.
	serve() error
	// close closes the listener and its connections.
	close()
}

// listeners are the listeners of a load balancer. Plane.mu guards them.
type listeners struct {
	runtime *runtime
	name    string // of the load balancer
	byPort  map[int]*listener
	// newServer makes the server of a listener for HTTP or TCP.
	newServer func(l Listener, opened net.Listener) server
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
	if l != nil && l.server != nil {
		l.server.close()
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
		ls.runtime.Log.Warn("a load balancer cannot listen", "load_balancer", ls.name, "port", l.Port, "error", err)
		return made
	}
	made.url = "http://" + opened.Addr().String()
	if l.Protocol == "TCP" {
		made.url = "tcp://" + opened.Addr().String()
	}
	made.server = ls.newServer(l, opened)
	ls.runtime.serve(made.server.serve, made.url)
	ls.runtime.Log.Info("a load balancer listens", "load_balancer", ls.name, "port", l.Port, "url", made.url)
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

// httpServer serves an HTTP listener.
type httpServer struct {
	opened    net.Listener
	server    *http.Server
	forwarder *forwarder
}

func newHTTPServer(opened net.Listener, handler http.Handler, f *forwarder, idle time.Duration) *httpServer {
	return &httpServer{opened, &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: time.Minute,
		IdleTimeout:       max(idle, time.Second),
		ErrorLog:          discardLog(),
	}, f}
}

func (s *httpServer) serve() error { return s.server.Serve(s.opened) }

func (s *httpServer) close() {
	_ = s.server.Close()
	_ = s.opened.Close() // if the server does not serve it yet
	s.forwarder.transport.CloseIdleConnections()
}

// listenNear opens the local port of a load balancer's port, or a free one. Ports below
// 1024 are privileged: 80 becomes 8080.
func listenNear(port int) (net.Listener, error) {
	if port < 1024 {
		port += 8000
	}
	return listen(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
