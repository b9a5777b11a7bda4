package load

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// answerBound is how long an answer is waited for: longer than any service under
// test takes before it gives up.
const answerBound = time.Minute

// Steady sends requests at a constant rate, however slowly they are answered.
// Each latency counts from when its request was due, so that a request that had
// to wait for others to be answered does not look quick.
type Steady struct {
	PerSecond   int
	Duration    time.Duration
	Connections int
	// Request makes the n-th request, counted from 0.
	Request func(ctx context.Context, n int) (*http.Request, error)
}

// SteadyResult is what became of the requests.
type SteadyResult struct {
	Latencies Latencies // of all that were answered, whatever the status
	Statuses  map[int]int
	// Errors are the requests that were not answered: a status for them does not
	// exist.
	Errors int
}

// Succeeded is how many were answered 200.
func (r SteadyResult) Succeeded() int { return r.Statuses[http.StatusOK] }

// Failed is how many were not.
func (r SteadyResult) Failed() int { return len(r.Latencies) - r.Succeeded() + r.Errors }

// Run sends for the duration, and waits for the last answer. It returns early,
// with what there is, when the context ends.
func (s Steady) Run(ctx context.Context) SteadyResult {
	transport := &http.Transport{MaxIdleConnsPerHost: s.Connections, MaxConnsPerHost: s.Connections, DisableCompression: true}
	defer transport.CloseIdleConnections()
	due := make(chan dueRequest, s.total())
	clients := make([]steadyClient, s.Connections)
	var running sync.WaitGroup
	for i := range clients {
		clients[i] = steadyClient{http: &http.Client{Transport: transport, Timeout: answerBound}, make: s.Request, statuses: make(map[int]int)}
		running.Go(func() { clients[i].serve(ctx, due) })
	}
	s.pace(ctx, due)
	close(due)
	running.Wait()
	return collect(clients)
}

func (s Steady) total() int { return int(float64(s.PerSecond) * s.Duration.Seconds()) }

// pace announces each request when it is due.
func (s Steady) pace(ctx context.Context, due chan<- dueRequest) {
	began := time.Now()
	for n := range s.total() {
		at := began.Add(time.Duration(n) * time.Second / time.Duration(s.PerSecond))
		sleepUntil(at)
		if ctx.Err() != nil {
			return
		}
		due <- dueRequest{n, at} // there is room for all
	}
}

type dueRequest struct {
	n  int
	at time.Time
}

// steadyClient is a connection's worth of Steady.
type steadyClient struct {
	http      *http.Client
	make      func(context.Context, int) (*http.Request, error)
	latencies []time.Duration
	statuses  map[int]int
	errors    int
}

func (c *steadyClient) serve(ctx context.Context, due <-chan dueRequest) {
	for r := range due {
		status, err := c.ask(ctx, r.n)
		if err != nil {
			c.errors++
			continue
		}
		c.latencies = append(c.latencies, time.Since(r.at))
		c.statuses[status]++
	}
}

func (c *steadyClient) ask(ctx context.Context, n int) (status int, err error) {
	request, err := c.make(ctx, n)
	if err != nil {
		return 0, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func collect(clients []steadyClient) SteadyResult {
	r := SteadyResult{Statuses: make(map[int]int)}
	var measured [][]time.Duration
	for _, c := range clients {
		measured = append(measured, c.latencies)
		r.Errors += c.errors
		for status, times := range c.statuses {
			r.Statuses[status] += times
		}
	}
	r.Latencies = NewLatencies(measured...)
	return r
}
