package stress

import (
	"context"
	"time"
)

// runStep makes the load with so many connections.
func runStep(ctx context.Context, o Options, connections int) (Step, error) {
	tally := newTally(connections)
	load, err := newLoad(ctx, o, connections, tally)
	if err != nil {
		return Step{}, err
	}
	if o.Queue != nil {
		if q, err := o.Queue(ctx); err == nil { // else the first that is known counts
			tally.spilledBefore = &q.Spillover
		}
	}
	queue := watchQueue(o.Queue) //nolint:contextcheck // it ends with the step, which outlives ctx
	defer queue.close()

	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	load.began = time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		load.run(ctx, connections)
	}()
	for {
		select {
		case <-done:
			return tally.report(load.now(), queue.last(), o.Rate > 0), nil
		case <-seconds.C:
			o.Progress(tally.second(load.now(), queue.last()))
		}
	}
}
