package dataplane

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// relayed is what the connections of a TCP listener go to.
type relayed interface {
	// acquire returns an untried member, and what releases it.
	acquire(ctx context.Context, tried []*member) (*member, func(*member), error)
	// preface returns what an instance port gets before the data of a client.
	preface(port int, client net.Conn) string
	// count counts a connection to a zone.
	count(zone string, values ...value)
	// refused counts a connection that a member in a zone refused.
	refused(zone string)
	idleTimeout() time.Duration
}

// relay forwards the connections of a TCP listener to members. A connection counts as a
// request, in flight until it ends.
type relay struct {
	to          relayed
	port        int // of members without one
	opened      net.Listener
	ended       context.Context //nolint:containedctx // not of a request: it ends with the listener
	end         context.CancelFunc
	connections sync.WaitGroup
}

func newRelay(base context.Context, to relayed, port int, opened net.Listener) *relay {
	r := &relay{to: to, port: port, opened: opened}
	r.ended, r.end = context.WithCancel(base)
	return r
}

// serve forwards connections until the listener is closed.
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
		r.connections.Go(func() { r.forward(client) })
	}
}

func (r *relay) close() {
	r.end()
	_ = r.opened.Close()
}

// forward connects a client to a member until either closes, the member ends, or the
// connection is idle for too long.
func (r *relay) forward(client net.Conn) {
	defer client.Close()
	began := time.Now()
	m, server, release, err := r.connect()
	if err != nil {
		r.to.count("")
		return
	}
	defer release(m)
	defer server.Close()
	r.to.count(m.Zone, value{Latency, time.Since(began).Seconds()})
	if _, err := io.WriteString(server, r.to.preface(cmp.Or(m.Port, r.port), client)); err != nil {
		return
	}
	cut := func() {
		_ = client.Close()
		_ = server.Close()
	}
	defer context.AfterFunc(m.ended, cut)()
	defer context.AfterFunc(r.ended, cut)()
	idle := r.to.idleTimeout()
	idleTimer := time.AfterFunc(idle, cut)
	defer idleTimer.Stop()
	var both sync.WaitGroup
	for _, direction := range []struct{ to, from net.Conn }{{server, client}, {client, server}} {
		both.Go(func() {
			if copyOneWay(direction.to, &activeReader{direction.from, idleTimer, idle}) != nil {
				cut()
			}
		})
	}
	both.Wait()
}

// connect returns a connection to a member, which the caller releases. It tries another
// member if one refuses the connection.
func (r *relay) connect() (m *member, server net.Conn, release func(*member), err error) {
	var tried []*member
	for {
		m, release, err = r.to.acquire(r.ended, tried)
		if err != nil {
			return nil, nil, nil, err
		}
		server, err = m.machine.dial(r.ended, cmp.Or(m.Port, r.port))
		if err == nil {
			return m, server, release, nil
		}
		release(m)
		r.to.refused(m.Zone)
		if tried = append(tried, m); len(tried) == maxTries {
			return nil, nil, nil, err
		}
	}
}

// copyOneWay copies one direction until its end, and then closes that direction.
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

// activeReader resets the idle timer on every read.
type activeReader struct {
	io.Reader
	idleTimer *time.Timer
	idle      time.Duration
}

func (a *activeReader) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 && a.idleTimer.Stop() { // else the timer has expired
		a.idleTimer.Reset(a.idle)
	}
	return n, err
}
