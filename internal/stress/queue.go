package stress

import (
	"context"
	"sync/atomic"
	"time"
)

// queueWatch looks at the surge queue now and then.
type queueWatch struct {
	longest atomic.Pointer[Queue] // since last was asked; nil: not known
	cancel  context.CancelFunc
	done    chan struct{}
}

func watchQueue(look func(context.Context) (Queue, error)) *queueWatch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &queueWatch{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		if look != nil {
			w.look(ctx, look)
		}
	}()
	return w
}

func (w *queueWatch) look(ctx context.Context, look func(context.Context) (Queue, error)) {
	ticks := time.NewTicker(queueEvery)
	defer ticks.Stop()
	for {
		if queue, err := look(ctx); err == nil { // else the report shows a gap
			if longest := w.longest.Load(); longest != nil && longest.Waiting > queue.Waiting {
				queue.Waiting = longest.Waiting
			}
			w.longest.Store(&queue)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// last returns the longest queue since it was last asked.
func (w *queueWatch) last() *Queue { return w.longest.Swap(nil) }

func (w *queueWatch) close() {
	w.cancel()
	<-w.done
}
