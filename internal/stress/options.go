package stress

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Options define the load. Fields are required unless their comment explains their zero
// value.
type Options struct {
	// Method of each request; GET when empty.
	Method string
	URL    string
	Header http.Header
	// Body of each request; empty: none.
	Body []byte
	// Steps are numbers of connections. Each runs for Duration, one after the other.
	Steps    []int
	Duration time.Duration
	// Rate is the requests due per second; 0 is a closed loop.
	Rate int
	// Timeout of a request, including the body of its answer.
	Timeout time.Duration
	// FailIf are conditions that fail the run if a step meets one.
	FailIf []Condition
	// Command and Version are for the report; empty: omitted.
	Command, Version string
	// Queue reads the load balancer's surge queue; nil: not available.
	Queue func(context.Context) (Queue, error)
	// Dial connects to the server; nil: over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Progress receives each second and the step's counts until then. It is called by one
	// goroutine and must not block; nil: not called.
	Progress func(Step, Second)
}

// Queue is a load balancer's surge queue.
type Queue struct {
	Waiting   int   `json:"waiting"`   // requests in the queue
	Spillover int64 `json:"spillover"` // rejected requests since its creation
}
