package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"lsapi/bench/internal/load"
)

// changer is a client that attaches and detaches an instance of its own in turn.
type changer struct {
	attacher
	isMember  bool
	latencies []time.Duration
}

// newChangers returns clients that share n load balancers, each with an open connection
// of its own.
func newChangers(ctx context.Context, s *service, clients, balancers int) ([]changer, error) {
	all := make([]changer, clients)
	for i := range all {
		all[i].attacher = newAttacher(s, path(i%balancers+1), spare(i+1))
	}
	return all, together(all, func(c *changer) error { return c.connect(ctx) })
}

// repeat makes changes for a while, each after the previous response and a pause. The
// instance has no other writer and the service no limit: each response is 201.
func (c *changer) repeat(ctx context.Context, lasts, apart time.Duration) error {
	// A random first pause spreads the clients.
	due := time.Now().Add(time.Duration(rand.Float64() * float64(apart)))
	for end := time.Now().Add(lasts); due.Before(end) && time.Now().Before(end); due = due.Add(apart) {
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		method := http.MethodPost
		if c.isMember {
			method = http.MethodDelete
		}
		began := time.Now()
		status, _, err := c.send(ctx, method, c.path, c.body)
		if err != nil {
			return err
		}
		if status != http.StatusCreated {
			return fmt.Errorf("%s %s of %s: %d", method, c.path, c.body, status)
		}
		c.latencies = append(c.latencies, time.Since(began))
		c.isMember = !c.isMember
	}
	return nil
}

func latenciesOf(all []changer) load.Latencies {
	var measured [][]time.Duration
	for _, c := range all {
		measured = append(measured, c.latencies)
	}
	return load.NewLatencies(measured...)
}
