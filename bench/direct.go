package main

import (
	"context"
	"fmt"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	directName  = "direct mode"
	directLasts = 10 * time.Second
	awsLatency  = "50ms"
)

// measureDirect compares reading from memory with asking AWS on every request.
func measureDirect(ctx context.Context, b *bench, s *report.Section) error {
	p, err := b.startFilledPair(ctx, "--fleet", readFleet, "--latency", awsLatency)
	if err != nil {
		return err
	}
	defer p.stop()
	asking := direct()
	asking.aws = p.aws.url
	original, err := b.startService(ctx, asking)
	if err != nil {
		return err
	}
	defer original.Stop()
	for _, connections := range []int{12, 64} {
		w := load.Wrk{Threads: 2, Connections: connections, Duration: b.lasting(directLasts)}
		if b.quick {
			w.Duration = 3 * time.Second // a list takes one
		}
		c, err := compare(ctx, []contender{{lsapiName, p.service}, {directName, original}}, path(1), w, 1)
		if err != nil {
			return err
		}
		prefix := fmt.Sprintf("%d connections", connections)
		s.Add(report.Row{Name: prefix + ", requests/s of direct mode's", Unit: "x", Figure: c.rate(directName)})
		s.Add(c.rows(prefix)...)
	}
	return nil
}
