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
	queue := watchQueue(o.Queue)
	defer queue.close()

	targets := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: o.URL, Header: o.Header})
	tally := newTally(connections, o.Rate)
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
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // what is between here and the URL would be measured too
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost, transport.MaxIdleConns = connections, connections, connections
	transport.DisableCompression = true
	transport.ForceAttemptHTTP2 = false
	workers := uint64(connections) //nolint:gosec // a few thousand at most
	most := workers
	if o.Rate > 0 {
		// One that is due waits for a connection, and its wait counts.
		most = uint64(maxDue) //nolint:gosec // a positive constant
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
