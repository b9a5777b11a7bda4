// Package connlimit limits the connections of an HTTP server, and keeps it reachable at the
// limit: it closes idle connections for new ones, beginning with the address that has most
// of them.
package connlimit

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxReserve bounds the reserve for addresses with few connections.
	maxReserve = 64
	// fewConnections is the greatest number of connections that counts as few.
	fewConnections = 4
	// minIdle is how long a connection of an address with few must be idle to be closed, so
	// that its client can send a request. It also slows a flood from many addresses.
	minIdle = 50 * time.Millisecond
	// slowWrite is how long a client may not read its response before its connection
	// counts as idle.
	slowWrite = time.Second
	// retryEvery is the interval at which a waiting connection tries again.
	retryEvery = minIdle / 2
	// warnEvery is the shortest interval between warnings.
	warnEvery = time.Minute
	// ipv6Network is the prefix length that identifies a customer of IPv6.
	ipv6Network = 64
)

// Listener limits the open connections. Only one goroutine may call Accept.
//
// Beyond the limit less a reserve, a new connection replaces an idle one. If none is idle,
// it comes from the reserve, and is Spare unless its address has few connections: a server
// should answer only health checks on it. When the reserve is used up, the next connection
// waits until one is closed or becomes idle.
type Listener struct {
	net.Listener
	limit, reserve int
	log            *slog.Logger
	began          time.Time
	warnedAt       time.Time // of Accept only

	shed   atomic.Uint64
	closed chan struct{}
	close  func() error // closes the listener, once

	mu      sync.Mutex
	open    map[*Conn]struct{}
	holders map[netip.Prefix]*holder
}

// holder is an address with open connections.
type holder struct {
	open int
	idle int // of candidates only
}

// Stats are a Listener's counters.
type Stats struct {
	// Open is the current number of connections, Limit the greatest.
	Open, Limit int
	// Shed counts the connections that were closed for new ones.
	Shed uint64
}

// New returns a listener with at most limit connections.
func New(listener net.Listener, limit int, log *slog.Logger) *Listener {
	l := &Listener{
		Listener: listener, limit: limit, reserve: min(limit/16, maxReserve), log: log,
		began: time.Now(), closed: make(chan struct{}),
		open: make(map[*Conn]struct{}), holders: make(map[netip.Prefix]*holder),
	}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return l.Listener.Close()
	})
	return l
}

// Stats returns the current counters.
func (l *Listener) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Open: len(l.open), Limit: l.limit, Shed: l.shed.Load()}
}

// Accept returns the next connection. It waits until there is room for it.
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // a listener's own
	}
	c := &Conn{Conn: conn, listener: l}
	c.idleSince.Store(l.now())
	if !l.admit(c, network(conn.RemoteAddr())) {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close closes the listener. Connections stay open.
func (l *Listener) Close() error { return l.close() }

// CloseUnread closes the connections whose client has not read its response for that long.
func (l *Listener) CloseUnread(patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for c := range l.open {
		if since, ok := c.slow(now, patience); ok {
			c.close(since)
		}
	}
}

// now is the time since the start, which is never 0.
func (l *Listener) now() int64 { return int64(time.Since(l.began)) + 1 }

// admit waits for room and counts a new connection. It returns false if the listener is
// closed first.
func (l *Listener) admit(c *Conn, address netip.Prefix) bool {
	if l.tryAdmit(c, address) {
		return true
	}
	l.warn()
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	for !l.tryAdmit(c, address) {
		select {
		case <-retry.C:
		case <-l.closed:
			return false
		}
	}
	return true
}

func (l *Listener) tryAdmit(c *Conn, address netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.holders[address]
	if h == nil {
		h = &holder{}
	}
	if len(l.open) >= l.limit-l.reserve && !l.makeRoom() {
		if len(l.open) >= l.limit {
			return false
		}
		c.spare = h.open >= fewConnections
	}
	h.open++
	l.holders[address] = h
	l.open[c] = struct{}{}
	c.address, c.holder = address, h
	return true
}

func (l *Listener) remove(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removeLocked(c)
}

func (l *Listener) removeLocked(c *Conn) {
	if _, open := l.open[c]; !open {
		return
	}
	delete(l.open, c)
	if c.holder.open--; c.holder.open == 0 {
		delete(l.holders, c.address)
	}
}

func (l *Listener) warn() {
	if time.Since(l.warnedAt) < warnEvery {
		return
	}
	l.warnedAt = time.Now()
	l.log.Warn("the limit of connections is reached and none is idle, so new clients wait: find the clients that hold them, or raise the limit of open files (ulimit -n)",
		"connections", l.limit)
}

// network returns the network that an address is counted under.
func network(address net.Addr) netip.Prefix {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = ipv6Network
	}
	return netip.PrefixFrom(ip, bits).Masked()
}
