package stress

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// load sends the requests of a step over its connections. Times are since its start.
//
// A free connection sends the next due request. If all connections wait for answers, due
// requests are sent late, in order.
type load struct {
	o         Options
	tally     *tally
	transport *http.Transport
	request   *http.Request
	began     time.Time
	next      atomic.Int64 // the number of the next request that is due
	nap       func(time.Duration)

	stop      sync.Once
	stopped   chan struct{} // closed when the load is interrupted
	stoppedAt time.Duration // set before stopped is closed
}

func newLoad(ctx context.Context, o Options, connections int, t *tally) (*load, error) {
	// Requests in flight outlive ctx until their answer or timeout.
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), o.Method, o.URL, http.NoBody)
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, o.Header)
	request.Host = o.Header.Get("Host") // empty: the URL's
	l := &load{o: o, tally: t, request: request, nap: nap, stopped: make(chan struct{})}
	dial := o.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	} else {
		l.nap = time.Sleep //nolint:forbidigo // a network in memory may be on a fake clock
	}
	one := new(http.Protocols) // HTTP/2 would use a single connection
	one.SetHTTP1(true)
	l.transport = &http.Transport{ // without a proxy, which would distort the latency
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err == nil {
				t.opened()
			}
			return conn, err
		},
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, MaxIdleConns: connections,
		DisableCompression: true,
		Protocols:          one,
	}
	return l, nil
}

// run runs the load and returns after the last answer.
func (l *load) run(ctx context.Context, connections int) {
	defer l.transport.CloseIdleConnections()
	defer context.AfterFunc(ctx, l.interrupt)()
	var busy sync.WaitGroup
	for range connections {
		busy.Go(func() { l.connect(ctx) })
	}
	busy.Wait()
	end, _ := l.over(l.now())
	l.tally.end(end)
	l.countUnsent(end)
}

func (l *load) now() time.Duration { return time.Since(l.began) }

func (l *load) interrupt() {
	l.stop.Do(func() {
		l.stoppedAt = l.now()
		close(l.stopped)
	})
}

// over returns the end of the load, and whether it has passed.
func (l *load) over(now time.Duration) (end time.Duration, is bool) {
	select {
	case <-l.stopped:
		return min(l.stoppedAt, l.o.Duration), true
	default:
		return l.o.Duration, now >= l.o.Duration
	}
}

// connect sends requests one after the other over one connection.
func (l *load) connect(ctx context.Context) {
	attempts := 0
	traced := httptrace.WithClientTrace(context.WithoutCancel(ctx), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { attempts++ },
	})
	for {
		due, ok := l.await()
		if !ok {
			return
		}
		attempts = 0
		s := l.send(traced)
		s.due, s.resent = due, max(attempts-1, 0)
		l.tally.add(s)
	}
}

// await waits until the next request is due. It returns false at the end of the load.
func (l *load) await() (due time.Duration, ok bool) {
	now := l.now()
	end, over := l.over(now)
	if l.o.Rate == 0 {
		return now, !over
	}
	due = l.dueAt(l.next.Add(1) - 1)
	switch {
	case due >= end:
		return 0, false
	case over:
		l.tally.unsent(end-due, 1)
		return 0, false
	case due <= now:
		return due, true
	}
	if early := due - now - timerLag; early > 0 {
		timer := time.NewTimer(early)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.stopped:
			return 0, false
		}
	}
	for now = l.now(); now < due; now = l.now() {
		l.nap(due - now) // may end early
	}
	return due, true
}

// dueAt returns the due time of request n, from 0.
func (l *load) dueAt(n int64) time.Duration {
	rate := int64(l.o.Rate)
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate)
}

// countUnsent counts the requests that were due before the end and found no free
// connection. There can be millions, so it records them in groups of similar due times.
func (l *load) countUnsent(end time.Duration) {
	if l.o.Rate == 0 {
		return
	}
	first, last := l.next.Load(), l.dueBefore(end)
	group := max((last-first)/maxUnsentGroups, 1)
	for n := first; n < last; n += group {
		l.tally.unsent(end-l.dueAt(n), min(group, last-n))
	}
}

// dueBefore returns the number of requests that are due before a time.
func (l *load) dueBefore(end time.Duration) int64 {
	rate := int64(l.o.Rate)
	n := int64(end/time.Second) * rate
	for l.dueAt(n) < end {
		n++
	}
	return n
}

// send sends a request and reads its answer.
func (l *load) send(ctx context.Context) (s sample) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Timeout)
	defer cancel()
	request := l.request.WithContext(ctx)
	if len(l.o.Body) > 0 {
		request.ContentLength = int64(len(l.o.Body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(l.o.Body)), nil }
		request.Body, _ = request.GetBody()
	}
	s.sent = l.now()
	defer func() { s.ended = l.now() }()
	response, err := l.transport.RoundTrip(request)
	if err != nil {
		s.err = err
		return s
	}
	defer response.Body.Close()
	if s.bytes, s.err = io.Copy(io.Discard, response.Body); s.err == nil {
		s.status = response.StatusCode
	}
	return s
}
