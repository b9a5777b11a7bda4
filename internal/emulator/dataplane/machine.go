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

// machines are the instances of a Plane.
type machines struct {
	runtime *runtime

	mu   sync.Mutex
	byID map[string]*machine
}

// get returns a machine, which it adds if necessary.
func (ms *machines) get(id string, number uint64) *machine {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.byID[id]
	if m == nil {
		m = &machine{
			runtime: ms.runtime, id: id, number: number, backend: ms.runtime.Backends[id],
			ports: make(map[int]*port), conns: make(map[*machineConn]struct{}),
		}
		ms.byID[id] = m
	}
	return m
}

// find returns a machine, nil if it does not exist.
func (ms *machines) find(id string) *machine {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return ms.byID[id]
}

// stop stops all machines.
func (ms *machines) stop() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.byID {
		m.set(Instance{ID: m.id})
	}
}

// machine is an instance that answers: with a web server at its own loopback address, or
// with a real server.
type machine struct {
	runtime *runtime
	id      string
	number  uint64
	backend string // the address of the real server, if any

	running atomic.Bool // EC2's state; written under mu

	mu      sync.Mutex
	killed  bool // by SetAlive
	failing bool
	// failingPorts fail while the others pass.
	failingPorts map[int]bool
	ports        map[int]*port
	conns        map[*machineConn]struct{} // connections to it
}

// port is a port of a machine. Its server is nil while the machine is down.
type port struct {
	address string
	opened  net.Listener
	server  *http.Server
}

// set applies the state in the plan.
func (m *machine) set(i Instance) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running.Store(i.Running)
	m.failing, m.failingPorts = i.Failing, i.FailingPorts
	m.update()
}

func (m *machine) setAlive(alive bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.killed = !alive
	m.update()
}

func (m *machine) isKilled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.killed
}

// open adds ports.
func (m *machine) open(ports []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, number := range ports {
		if m.ports[number] == nil {
			m.ports[number] = &port{address: m.backend}
		}
	}
	m.update()
}

// update starts the servers, or stops them and closes the connections to the machine. The
// caller holds mu.
func (m *machine) update() {
	if !m.running.Load() || m.killed {
		for _, p := range m.ports {
			if p.server != nil {
				_ = p.server.Close()
				_ = p.opened.Close() // if the server does not serve it yet
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

// start starts the web server of a port at the machine's address. On systems with a single
// loopback address it uses a free port of that.
func (m *machine) start(number int, p *port) {
	listener, err := listen(net.JoinHostPort(m.address(), strconv.Itoa(number)))
	if err != nil {
		m.runtime.Log.Warn("an instance cannot listen", "instance", m.id, "port", number, "error", err)
		return
	}
	p.address = listener.Addr().String()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.answer(w, r, number) })
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	p.opened, p.server = listener, server
	m.runtime.serve(func() error { return server.Serve(listener) }, p.address)
}

// address returns the machine's loopback address.
func (m *machine) address() string {
	return fmt.Sprintf("127.%d.%d.%d", 100+m.number>>16%100, m.number>>8%256, m.number%256)
}

// addresses returns the address of a port, of all ports for 0.
func (m *machine) addresses(port int) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []string{}
	for _, number := range slices.Sorted(maps.Keys(m.ports)) {
		if port != 0 && number != port {
			continue
		}
		if address := m.ports[number].address; address != "" && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}

func (m *machine) isFailing(port int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failing || m.failingPorts[port]
}

// dial connects to a port. The connection is closed when the machine stops.
func (m *machine) dial(ctx context.Context, number int) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	m.mu.Lock()
	p := m.ports[number]
	up := m.running.Load() && !m.killed && p != nil && p.address != ""
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
	if !m.running.Load() || m.killed {
		_ = conn.Close()
		return nil, refused
	}
	tracked := &machineConn{Conn: conn, machine: m}
	m.conns[tracked] = struct{}{}
	return tracked, nil
}

// machineConn is a connection that is registered with its machine.
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

// CloseWrite closes the sending direction.
func (c *machineConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// answer answers a request to a port with the instance id, after the delay in ?sleep=50ms.
func (m *machine) answer(w http.ResponseWriter, r *http.Request, port int) {
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
	if m.isFailing(port) {
		http.Error(w, m.id+" fails its health checks", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Instance-Id", m.id)
	w.Header().Set("X-Instance-Port", strconv.Itoa(port))
	fmt.Fprintf(w, "%s answers %s %s\n", m.id, r.Method, r.URL.Path) //nolint:gosec // declared as text/plain
}
