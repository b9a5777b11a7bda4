package stress

import (
	"context"
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// runStep makes the load with so many connections.
func runStep(ctx context.Context, o Options, connections int) Step {
	attacker := newAttacker(o, connections)
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	var before *Queue
	if o.Queue != nil {
		if q, err := o.Queue(ctx); err == nil { // else the first that is told counts
			before = &q
		}
	}
	queue := watchQueue(o.Queue) //nolint:contextcheck // it ends with the step, which outlives ctx
	defer queue.close()

	targets := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: o.URL, Header: o.Header})
	tally := newTally(connections, o.Rate)
	if before != nil {
		tally.queued, tally.started = before.Spillover, true
	}
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	tally.began = time.Now()
	results := attacker.Attack(targets, vegeta.Rate{Freq: o.Rate, Per: time.Second}, o.Duration, "")
	for {
		select {
		case result, more := <-results:
			if !more {
				return tally.end(queue.last())
			}
			tally.add(result)
		case <-seconds.C:
			o.Progress(tally.step, tally.second(queue.last()))
		}
	}
}

// newAttacker returns what sends the requests, over so many connections at most.
func newAttacker(o Options, connections int) *vegeta.Attacker {
	one := new(http.Protocols) // of HTTP/2, one connection would carry everything
	one.SetHTTP1(true)
	transport := &http.Transport{ // without a proxy, which would be measured too
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, MaxIdleConns: connections,
		DisableCompression: true,
		Protocols:          one,
	}
	workers := uint64(connections) //nolint:gosec // a few thousand at most
	most := workers
	if o.Rate > 0 {
		// One that is due waits for a connection, and its wait counts.
		most = maxDue
	}
	return vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport:     transport,
			Timeout:       o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.Workers(workers), vegeta.MaxWorkers(most),
	)
}
