package dataplane

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// relay carries the connections of a TCP listener to members, byte by byte. A connection
// counts as a request: in flight until it ends, and among the metrics.
type relay struct {
	b           *balancer
	listener    Listener
	opened      net.Listener
	ended       context.Context //nolint:containedctx // it is not a request's: it ends with the listener
	end         context.CancelFunc
	connections sync.WaitGroup
}

func newRelay(b *balancer, l Listener, opened net.Listener) *relay {
	r := &relay{b: b, listener: l, opened: opened}
	r.ended, r.end = context.WithCancel(b.plane.base)
	return r
}

// serve carries connections until the listener is closed.
func (r *relay) serve() error {
	defer r.connections.Wait()
	for {
		client, err := r.opened.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		r.connections.Go(func() { r.carry(client) })
	}
}

func (r *relay) close() {
	r.end()
	_ = r.opened.Close()
}

// carry connects a client to a member until either closes, the member's time is over, or
// nothing has moved for the idle timeout.
func (r *relay) carry(client net.Conn) {
	defer client.Close()
	began := time.Now()
	m, server, err := r.connect()
	if err != nil {
		r.b.count("")
		return
	}
	defer r.b.release(m)
	defer server.Close()
	r.b.count(m.Zone, value{Latency, time.Since(began).Seconds()})
	cut := func() {
		_ = client.Close()
		_ = server.Close()
	}
	defer context.AfterFunc(m.ended, cut)()
	defer context.AfterFunc(r.ended, cut)()
	idle := r.b.idleTime()
	silent := time.AfterFunc(idle, cut)
	defer silent.Stop()
	var both sync.WaitGroup
	for _, way := range []struct{ to, from net.Conn }{{server, client}, {client, server}} {
		both.Go(func() {
			if copyOneWay(way.to, &activeReader{way.from, silent, idle}) != nil {
				cut()
			}
		})
	}
	both.Wait()
}

// connect returns a connection to a member, which the caller releases. A member that
// cannot be connected to is passed over for another.
func (r *relay) connect() (*member, net.Conn, error) {
	var tried []*member
	for {
		m, err := r.b.acquire(r.ended, tried)
		if err != nil {
			return nil, nil, err
		}
		server, err := m.machine.dial(r.ended, r.listener.InstancePort)
		if err == nil {
			return m, server, nil
		}
		r.b.release(m)
		r.b.measure(m.Zone, value{BackendConnectionErrors, 1})
		if tried = append(tried, m); len(tried) == maxTries {
			return nil, nil, err
		}
	}
}

// copyOneWay copies what one end sends to the other until its end, and closes that way.
func copyOneWay(to net.Conn, from io.Reader) error {
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	half, ok := to.(interface{ CloseWrite() error })
	if !ok {
		return to.Close()
	}
	return half.CloseWrite()
}

// activeReader is a connection whose every byte postpones the idle timeout.
type activeReader struct {
	io.Reader
	silent *time.Timer
	idle   time.Duration
}

func (h *activeReader) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if n > 0 && h.silent.Stop() { // else the connection is being cut
		h.silent.Reset(h.idle)
	}
	return n, err
}
