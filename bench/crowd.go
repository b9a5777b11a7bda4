package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	dialers   = 64                     // concurrently
	slowStep  = 500 * time.Millisecond // between two bytes of a slow client
	slowBody  = 60_000                 // bytes, just below the limit
	pipelined = 100                    // lists of 100 members that a slow reader requests
)

// crowd holds idle and slow connections to a service.
type crowd struct {
	service *service
	idle    []net.Conn
	cutOff  atomic.Int64 // slow clients whose connection the service ended

	running sync.WaitGroup
	stop    context.CancelFunc
}

func newCrowd(s *service) *crowd { return &crowd{service: s, stop: func() {}} }

// open opens all connections. A third of the slow ones send a header slowly, a third a
// body, and the rest read slowly.
func (c *crowd) open(ctx context.Context, idle, slow int) error {
	ctx, c.stop = context.WithCancel(ctx)
	c.idle = make([]net.Conn, idle)
	for batch := 0; batch < idle; batch += dialers {
		some := c.idle[batch:min(batch+dialers, idle)]
		if err := together(some, func(conn *net.Conn) (err error) { *conn, err = c.connectIdle(ctx); return err }); err != nil {
			return fmt.Errorf("idle connection: %w", err)
		}
	}
	authorized := "Host: bench\r\nAuthorization: " + authorization() + "\r\n"
	kinds := []slowClient{
		{begin: "GET /healthcheck HTTP/1.1\r\nHost: bench\r\nX-Slow: "},
		{begin: fmt.Sprintf("POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n", path(1), authorized, slowBody)},
		{begin: strings.Repeat(fmt.Sprintf("GET %s HTTP/1.1\r\n%s\r\n", path(1), authorized), pipelined), reads: true},
	}
	for n := range slow {
		conn, err := c.connect(ctx)
		if err != nil {
			return fmt.Errorf("slow connection: %w", err)
		}
		c.running.Go(func() { c.drip(ctx, kinds[n%len(kinds)], conn) })
	}
	return nil
}

// close closes all connections.
func (c *crowd) close() {
	c.stop()
	c.running.Wait()
	for _, conn := range c.idle {
		if conn != nil {
			_ = conn.Close()
		}
	}
}

// kept returns the number of idle connections that are still open.
func (c *crowd) kept() int {
	kept := 0
	for _, conn := range c.idle {
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond)) // cannot fail on a connection
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			kept++
		}
	}
	return kept
}

func (c *crowd) connect(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", c.service.address)
}

// connectIdle sends one request, so that the connection is kept alive.
func (c *crowd) connectIdle(ctx context.Context) (net.Conn, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte("GET /healthcheck HTTP/1.1\r\nHost: bench\r\n\r\n")); err != nil {
		return conn, err
	}
	response := make([]byte, 4<<10) // it arrives in one piece
	_, err = conn.Read(response)
	return conn, err
}

// slowClient sends a text, and then continues byte by byte.
type slowClient struct {
	begin string
	reads bool
}

// drip continues until the context ends, and reconnects when necessary.
func (c *crowd) drip(ctx context.Context, kind slowClient, conn net.Conn) {
	for {
		kind.use(ctx, conn)
		_ = conn.Close()
		if ctx.Err() != nil {
			return
		}
		c.cutOff.Add(1)
		next, err := c.connect(ctx)
		if err != nil {
			return
		}
		conn = next
	}
}

// use returns when the connection or the context has ended.
func (k slowClient) use(ctx context.Context, conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok && k.reads {
		_ = tcp.SetReadBuffer(1) // as small as the system allows
	}
	step := conn.Write
	if k.reads {
		step = conn.Read
	}
	if _, err := conn.Write([]byte(k.begin)); err != nil {
		return
	}
	for one := []byte{'a'}; pause(ctx, slowStep) == nil; {
		if _, err := step(one); err != nil {
			return
		}
	}
}
