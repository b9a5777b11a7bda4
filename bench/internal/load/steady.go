package load

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// answerBound is the timeout of a request, longer than that of any service under test.
const answerBound = time.Minute

// Steady sends requests at a constant rate, whatever the latency of the responses. A
// latency counts from when its request was due, and thus includes the wait for a
// connection.
type Steady struct {
	PerSecond   float64
	Duration    time.Duration
	Connections int
	// Request returns the n-th request, from 0.
	Request func(ctx context.Context, n int) (*http.Request, error)
}

// SteadyResult is the result of a run.
type SteadyResult struct {
	Latencies Latencies // of all responses, whatever the status
	Statuses  map[int]int
	// Errors is the number of requests without a response.
	Errors int
}

// Succeeded returns the number of 200 responses.
func (r SteadyResult) Succeeded() int { return r.Statuses[http.StatusOK] }

// Failed returns the number of all other requests.
func (r SteadyResult) Failed() int { return len(r.Latencies) - r.Succeeded() + r.Errors }

// Run sends for the duration and waits for the last response. When the context ends, it
// returns early with the results so far.
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

func (s Steady) total() int { return int(s.PerSecond * s.Duration.Seconds()) }

// pace announces each request when it is due.
func (s Steady) pace(ctx context.Context, due chan<- dueRequest) {
	began := time.Now()
	for n := range s.total() {
		at := began.Add(time.Duration(float64(n) / s.PerSecond * float64(time.Second)))
		sleepUntil(at)
		if ctx.Err() != nil {
			return
		}
		due <- dueRequest{n, at} // the channel has room for all
	}
}

type dueRequest struct {
	n  int
	at time.Time
}

// steadyClient is one connection of Steady.
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
