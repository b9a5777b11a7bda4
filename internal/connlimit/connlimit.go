// Package connlimit bounds the connections of an HTTP server and keeps it reachable at
// the bound: idle connections are closed for new ones, those of the address that has most
// of them first.
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
	// maxReserve is how many connections are kept for addresses with few, at most.
	maxReserve = 64
	// fewConnections is how many connections an address may have to be one with few.
	fewConnections = 4
	// minIdle is how long a connection of an address with few is left alone, so that a
	// client can send the request for which it connected. A flood of connections of many
	// addresses has to wait as long for the places of its own.
	minIdle = 50 * time.Millisecond
	// slowWrite is after how long a client that does not read its answer counts as idle.
	slowWrite = time.Second
	// retryEvery is how often a connection that waits looks for room.
	retryEvery = minIdle / 2
	// warnEvery is how often the log warns that the limit is reached.
	warnEvery = time.Minute
	// ipv6Network is how much of an IPv6 address identifies its owner.
	ipv6Network = 64
)

// Listener is a listener with at most so many open connections. Only one goroutine may
// accept.
//
// When few are left, a new connection takes the place of an idle one. If none is idle,
// an address with few connections gets one of the reserve as it is. Any other address
// gets one that is Spare, on which a server should answer health checks only. When even
// the reserve is in use, the next connection waits until one is closed or becomes idle.
type Listener struct {
	net.Listener
	limit, reserve int
	log            *slog.Logger
	began          time.Time
	warnedAt       time.Time // of the goroutine that accepts

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
	idle int // of select alone
}

// Stats are what a Listener counts.
type Stats struct {
	// Open is how many connections are open now, Limit how many may be.
	Open, Limit int
	// Shed is how many idle ones were closed to make room.
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

// Stats returns the counts as they are now.
func (l *Listener) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Open: len(l.open), Limit: l.limit, Shed: l.shed.Load()}
}

// Accept returns the next connection, when there is room for it.
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // a listener's own
	}
	c := &Conn{Conn: conn, listener: l}
	c.idleSince.Store(l.now())
	if !l.admit(c, network(conn.RemoteAddr())) {
		_ = conn.Close() // nothing was read from it
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close closes the listener. Connections stay open.
func (l *Listener) Close() error { return l.close() }

// now is the time since the start, which is never 0.
func (l *Listener) now() int64 { return int64(time.Since(l.began)) + 1 }

// admit counts a new connection, once there is room. It reports false when the listener
// is closed before.
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

// remove forgets a connection that is closed.
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

// warn logs that the limit is reached.
func (l *Listener) warn() {
	if time.Since(l.warnedAt) < warnEvery {
		return
	}
	l.warnedAt = time.Now()
	l.log.Warn("the limit of connections is reached and none is idle; the next client waits: see who holds them, or raise the limit of open files (ulimit -n)",
		"connections", l.limit)
}

// network returns the part of an address that identifies its owner.
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
