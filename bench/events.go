package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	openStreams   = 10_000
	eventsSent    = 40 // for each stream, of which the 99th percentile is taken
	eventBound    = 30 * time.Second
	eventsApart   = 500 * time.Millisecond // otherwise the health event of one competes with the next
	waitedFor     = 20
	waitBound     = "2m"
	truthPoll     = 20 * time.Millisecond
	pollInterval  = 2.0 // seconds, between two polls of health
	attachedEvent = "event: attached\n"
)

// measureEvents measures the cost of open event streams, the latency of their events, and
// that of waits.
func measureEvents(ctx context.Context, b *bench, s *report.Section) error {
	streams, events, waits := openStreams, eventsSent, waitedFor
	if b.quick {
		streams, events, waits = streams/10, 2, 2
	}
	if err := allowFiles(streams + otherFiles); err != nil {
		return err
	}
	p, err := b.startFilledPair(ctx, "--fleet", "10x20")
	if err != nil {
		return err
	}
	defer p.stop()
	if err := measureStreams(ctx, p, s, streams, events); err != nil {
		return err
	}
	return measureWaits(ctx, p, s, waits)
}

func measureStreams(ctx context.Context, p pair, s *report.Section, streams, events int) error {
	alone, err := p.service.Usage()
	if err != nil {
		return err
	}
	w := &watchers{service: p.service, received: make(chan time.Time, streams), broken: make(chan error, streams)}
	defer w.close()
	if err := w.connect(ctx, streams); err != nil {
		return err
	}
	var measured []time.Duration
	for n := range events {
		client := newAttacher(p.service, path(1), spare(n+1))
		if err := client.change(ctx); err != nil {
			return err
		}
		later, err := w.await(ctx, streams, time.Now())
		if err != nil {
			return err
		}
		measured = append(measured, later...)
		if err := pause(ctx, eventsApart); err != nil {
			return err
		}
	}
	usage, err := p.service.Usage()
	if err != nil {
		return err
	}
	latencies := load.NewLatencies(measured)
	s.Add(
		report.Row{
			Name: fmt.Sprintf("resident memory with %d open streams of events", streams), Unit: "MiB", Aim: report.AtMost(400),
			Figure: report.FigureOf(report.Mebibytes(usage.Resident)),
			Beside: []report.Yardstick{{Name: "without them", Figure: report.FigureOf(report.Mebibytes(alone.Resident))}},
		},
		report.Row{
			Name: "from the response to a change to its event, p99", Unit: "ms", Aim: report.AtMost(250),
			Figure: report.FigureOf(report.Milliseconds(latencies.Percentile(0.99))),
			Note:   fmt.Sprintf("%d streams, %d events half a second apart; half of them within %.0f ms", streams, events, report.Milliseconds(latencies.Percentile(0.5))),
		},
	)
	return nil
}

// watchers holds open event streams.
type watchers struct {
	service  *service
	conns    []net.Conn
	received chan time.Time // times of received attach events
	broken   chan error
}

// connect opens the streams.
func (w *watchers) connect(ctx context.Context, streams int) error {
	w.conns = make([]net.Conn, streams)
	for batch := 0; batch < streams; batch += dialers {
		some := w.conns[batch:min(batch+dialers, streams)]
		if err := together(some, func(conn *net.Conn) (err error) { *conn, err = w.open(ctx); return err }); err != nil {
			return fmt.Errorf("open a stream: %w", err)
		}
	}
	return nil
}

// open opens a stream, which delivers every later event.
func (w *watchers) open(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", w.service.address)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: %s\r\n\r\n", authorization()); err != nil {
		return conn, err
	}
	buffer := make([]byte, 2<<10)
	read := 0
	for !bytes.Contains(buffer[:read], []byte("id: ")) {
		n, err := conn.Read(buffer[read:])
		if err != nil {
			return conn, fmt.Errorf("%w after %q", err, buffer[:read])
		}
		read += n
	}
	go w.listen(conn, buffer)
	return conn, nil
}

// listen notes the time of each attach event, which arrives in one piece.
func (w *watchers) listen(conn net.Conn, buffer []byte) {
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			w.broken <- err
			return
		}
		if bytes.Contains(buffer[:n], []byte(attachedEvent)) {
			w.received <- time.Now()
		}
	}
}

// await waits until all streams have delivered the event of a change, and returns each
// delay after the change's response.
func (w *watchers) await(ctx context.Context, streams int, answered time.Time) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, eventBound)
	defer cancel()
	later := make([]time.Duration, 0, streams)
	for len(later) < streams {
		select {
		case at := <-w.received:
			later = append(later, max(0, at.Sub(answered)))
		case err := <-w.broken:
			return nil, fmt.Errorf("a stream ended: %w", err)
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d streams delivered a change: %w", len(later), streams, ctx.Err())
		}
	}
	return later, nil
}

func (w *watchers) close() {
	for _, conn := range w.conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
}

// measureWaits attaches instances one after the other with wait=true, and measures the
// delay of each response after the instance is in service in AWS.
func measureWaits(ctx context.Context, p pair, s *report.Section, waits int) error {
	var measured []time.Duration
	for n := range waits {
		instance := spare(eventsSent + n + 1)
		served := make(chan truth, 1)
		watching, cancel := context.WithCancel(ctx)
		go func() { served <- p.aws.untilInService(watching, balancer(2), instance) }()
		client := newAttacher(p.service, path(2)+"?wait=true&timeout="+waitBound, instance)
		status, _, err := client.send(ctx, client.method, client.path, client.body)
		answered := time.Now()
		if err == nil && status != http.StatusCreated {
			err = fmt.Errorf("attach and wait: %d", status)
		}
		var seen truth
		if err == nil {
			seen = <-served
			err = seen.err
		}
		cancel()
		if err != nil {
			return err
		}
		measured = append(measured, max(0, answered.Sub(seen.at)))
	}
	latencies := load.NewLatencies(measured)
	s.Add(report.Row{
		Name: "from a member's being in service until the wait for it is answered, longest", Unit: "s", Aim: report.AtMost(pollInterval),
		Figure: report.FigureOf(latencies.Percentile(1).Seconds()),
		Note:   fmt.Sprintf("of %d waits; half of them within %.1f s; health is polled every %.0f s", waits, latencies.Percentile(0.5).Seconds(), pollInterval),
	})
	return nil
}

// truth is the time when an instance came into service.
type truth struct {
	at  time.Time
	err error
}

// untilInService polls the emulator until an instance is in service.
func (e *emulated) untilInService(ctx context.Context, loadBalancer, instance string) truth {
	for {
		states, err := e.states(ctx, loadBalancer)
		if err != nil || states[instance] == "InService" {
			return truth{time.Now(), err}
		}
		if err := pause(ctx, truthPoll); err != nil {
			return truth{err: err}
		}
	}
}
