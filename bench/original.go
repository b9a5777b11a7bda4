package main

import (
	"context"
	"fmt"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	originalName  = "the original"
	originalLasts = 10 * time.Second
	awsLatency    = "50ms"
)

// measureOriginal compares reads from memory with a call to AWS for every request.
func measureOriginal(ctx context.Context, b *bench, s *report.Section) error {
	p, err := b.startFilledPair(ctx, "--fleet", readFleet, "--latency", awsLatency)
	if err != nil {
		return err
	}
	defer p.stop()
	original, err := b.startService(ctx, launch{original: true, aws: p.aws.url})
	if err != nil {
		return err
	}
	defer original.Stop()
	for _, connections := range []int{12, 64} {
		w := load.Wrk{Threads: 2, Connections: connections, Duration: b.lasting(originalLasts)}
		if b.quick {
			w.Duration = 3 * time.Second // a list takes a second
		}
		c, err := compare(ctx, []contender{{lsapiName, p.service}, {originalName, original}}, path(1), w, 1)
		if err != nil {
			return err
		}
		prefix := fmt.Sprintf("%d connections", connections)
		s.Add(report.Row{Name: prefix + ", requests/s of the original's", Unit: "x", Figure: c.rate(originalName)})
		s.Add(c.rows(prefix)...)
	}
	return nil
}
