package stress

import (
	"context"
	"sync/atomic"
	"time"
)

// queuePoller polls the surge queue.
type queuePoller struct {
	longest atomic.Pointer[Queue] // since the last call of last; nil: none
	cancel  context.CancelFunc
	done    chan struct{}
}

func pollQueue(read func(context.Context) (Queue, error)) *queuePoller {
	ctx, cancel := context.WithCancel(context.Background())
	p := &queuePoller{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if read != nil {
			p.poll(ctx, read)
		}
	}()
	return p
}

func (p *queuePoller) poll(ctx context.Context, read func(context.Context) (Queue, error)) {
	ticks := time.NewTicker(queueInterval)
	defer ticks.Stop()
	for {
		if queue, err := read(ctx); err == nil { // else the report shows a gap
			if longest := p.longest.Load(); longest != nil && longest.Waiting > queue.Waiting {
				queue.Waiting = longest.Waiting
			}
			p.longest.Store(&queue)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// last returns the longest queue since the previous call.
func (p *queuePoller) last() *Queue { return p.longest.Swap(nil) }

func (p *queuePoller) close() {
	p.cancel()
	<-p.done
}
