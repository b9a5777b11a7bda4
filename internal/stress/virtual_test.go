package stress_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/stress"
)

// pipeListener is a network in memory, so that a server and its load run on the fake
// clock of testing/synctest: a handler takes exactly as long as it sleeps.
type pipeListener struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.accepted <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// virtually calls test on a fake clock, with the options of a load on a server in
// memory.
func virtually(t *testing.T, handler http.HandlerFunc, test func(*testing.T, stress.Options)) {
	t.Helper()
	synchronously(t, func() http.HandlerFunc { return handler }, test)
}

// synchronously is virtually for a handler that is made on the fake clock.
func synchronously(t *testing.T, handler func() http.HandlerFunc, test func(*testing.T, stress.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		server := &http.Server{Handler: handler()}
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		test(t, stress.Options{
			URL: "http://server.test/", Dial: listener.dial,
			Steps: []int{4}, Duration: 10 * time.Second, Timeout: 5 * time.Second,
		})
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// takes is a handler that answers after a time.
func takes(d time.Duration) http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) { time.Sleep(d) }
}

// near reports whether a figure in milliseconds is a duration, but for the histogram's
// three digits.
func near(got float64, want time.Duration) bool {
	exact := float64(want) / float64(time.Millisecond)
	return got >= exact*0.9991 && got <= exact*1.002
}
