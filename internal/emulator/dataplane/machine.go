package dataplane

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// machine is an instance that answers: by a small web server of its own at a loopback
// address of its own, or by what runs elsewhere.
type machine struct {
	plane   *Plane
	id      string
	number  uint64
	backend string // where it answers when that is elsewhere

	running atomic.Bool // by EC2; written under mu

	mu      sync.Mutex
	dead    bool // by SetAlive
	failing bool
	ports   map[int]*port
	conns   map[*machineConn]struct{} // those to it
}

// port is a port of a machine; its server is nil while the machine is down.
type port struct {
	address string
	opened  net.Listener
	server  *http.Server
}

func newMachine(p *Plane, id string, number uint64) *machine {
	return &machine{
		plane: p, id: id, number: number, backend: p.o.Backends[id],
		ports: make(map[int]*port), conns: make(map[*machineConn]struct{}),
	}
}

// set makes the instance what the plan says.
func (m *machine) set(i Instance) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running.Store(i.Running)
	m.failing = i.Failing
	m.settle()
}

func (m *machine) setAlive(alive bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = !alive
	m.settle()
}

func (m *machine) isKilled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// open has the machine listen on ports.
func (m *machine) open(ports []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, number := range ports {
		if m.ports[number] == nil {
			m.ports[number] = &port{address: m.backend}
		}
	}
	m.settle()
}

// settle starts what is to answer, or ends it with all its connections. The caller
// holds mu.
func (m *machine) settle() {
	if !m.running.Load() || m.dead {
		for _, p := range m.ports {
			if p.server != nil {
				_ = p.server.Close()
				_ = p.opened.Close() // also when it was not served yet
				p.server = nil
			}
		}
		for conn := range m.conns {
			_ = conn.Conn.Close()
		}
		clear(m.conns)
		return
	}
	for number, p := range m.ports {
		if p.server == nil && m.backend == "" {
			m.start(number, p)
		}
	}
}

// start starts the web server at a port: at the address of the instance, and where the
// system has but one loopback address at any port of that.
func (m *machine) start(number int, p *port) {
	listener, err := listenOr(net.JoinHostPort(m.address(), strconv.Itoa(number)))
	if err != nil {
		m.plane.o.Log.Warn("an instance cannot listen", "instance", m.id, "port", number, "error", err)
		return
	}
	p.address = listener.Addr().String()
	server := &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	p.opened, p.server = listener, server
	m.plane.serve(func() error { return server.Serve(listener) }, p.address)
}

// address is the instance's own loopback address.
func (m *machine) address() string {
	return fmt.Sprintf("127.%d.%d.%d", 100+m.number>>16%100, m.number>>8%256, m.number%256)
}

func (m *machine) addresses() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []string{}
	for _, number := range slices.Sorted(maps.Keys(m.ports)) {
		if address := m.ports[number].address; address != "" && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}

func (m *machine) isFailing() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failing
}

// dial connects to a port of the machine. The connection ends with the machine.
func (m *machine) dial(ctx context.Context, number int) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	m.mu.Lock()
	p := m.ports[number]
	up := m.running.Load() && !m.dead && p != nil && p.address != ""
	var address string
	if up {
		address = p.address
	}
	m.mu.Unlock()
	if !up {
		return nil, refused
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.running.Load() || m.dead {
		_ = conn.Close()
		return nil, refused
	}
	tracked := &machineConn{Conn: conn, machine: m}
	m.conns[tracked] = struct{}{}
	return tracked, nil
}

// machineConn is a connection that its machine knows of.
type machineConn struct {
	net.Conn
	machine *machine
}

func (c *machineConn) Close() error {
	c.machine.mu.Lock()
	delete(c.machine.conns, c)
	c.machine.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends what is sent, while answers are still read.
func (c *machineConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// ServeHTTP is the small web server: it says who it is. ?sleep=50ms has it take its
// time.
func (m *machine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if text := r.URL.Query().Get("sleep"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 || d > maxSleep {
			http.Error(w, fmt.Sprintf("sleep: expected a duration from 0 to %v, such as 50ms", maxSleep), http.StatusBadRequest)
			return
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	if m.isFailing() {
		http.Error(w, m.id+" fails its health checks", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Instance-Id", m.id)
	fmt.Fprintf(w, "%s answers %s %s\n", m.id, r.Method, r.URL.Path) //nolint:gosec // it is text, and said to be
}
