package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lsapi/bench/internal/load"
)

// changer is a client that attaches and detaches an instance of its own in turn,
// as fast as it is answered.
type changer struct {
	attacher
	isMember  bool
	latencies []time.Duration
}

// newChangers returns clients that share so many load balancers, each on a
// connection of its own that is open already.
func newChangers(ctx context.Context, s *service, clients, balancers int) ([]changer, error) {
	all := make([]changer, clients)
	for i := range all {
		all[i].attacher = newAttacher(s, path(i%balancers+1), spare(i+1))
	}
	return all, together(all, func(c *changer) error { return c.connect(ctx) })
}

// change makes changes for a while. Nobody else has the instance, and nothing
// limits the service: each is a 201.
func (c *changer) change(ctx context.Context, lasts time.Duration) error {
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		method := http.MethodPost
		if c.isMember {
			method = http.MethodDelete
		}
		began := time.Now()
		status, _, err := c.send(ctx, method, c.path, fmt.Sprintf(`{"instanceId":%q}`, c.instance))
		if err != nil {
			return err
		}
		if status != http.StatusCreated {
			return fmt.Errorf("%s %s of %s: %d", method, c.path, c.instance, status)
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
