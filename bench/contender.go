package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	lsapiName = "lsapi"
	nginxName = "nginx"
)

// contender is one of the compared services, which serve the same bytes.
type contender struct {
	name string
	*service
}

// write writes an HTTP response for the yardstick to repeat.
func (a answer) write(file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := fmt.Fprint(out, "HTTP/1.1 200 OK\r\n"); err != nil {
		return err
	}
	if err := a.header.Write(out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\r\n%s", a.body)
	return err
}

// sample is one run of wrk against a contender.
type sample struct {
	perSecond float64
	p50, p99  float64 // milliseconds
	cpu       float64 // of the server for a request, in microseconds; 0 if not measured
}

// ask runs wrk against a path. Responses other than the list are an error: they would be
// faster.
func (c contender) ask(ctx context.Context, path string, w load.Wrk) (sample, error) {
	w.URL, w.Header = c.url(path), "Authorization: "+authorization()
	var said load.WrkResult
	spent, err := c.usageOver(func() error {
		var err error
		said, err = w.Run(ctx)
		return err
	})
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	if said.Failed > 0 || said.Requests == 0 {
		return sample{}, fmt.Errorf("%s failed %d requests and answered %d", c.name, said.Failed, said.Requests)
	}
	return sample{
		perSecond: said.PerSecond,
		p50:       report.Milliseconds(said.P50),
		p99:       report.Milliseconds(said.P99),
		cpu:       float64(spent.CPU) / float64(said.Requests) / float64(time.Microsecond),
	}, nil
}
