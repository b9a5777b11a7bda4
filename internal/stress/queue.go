package stress

import (
	"context"
	"sync/atomic"

	"lsapi/internal/background"
)

// queuePoller polls the surge queue.
type queuePoller struct {
	longest atomic.Pointer[Queue] // since the last call of last; nil: none
	work    *background.Group
}

func pollQueue(read func(context.Context) (Queue, error)) *queuePoller {
	p := &queuePoller{work: background.New()}
	if read != nil {
		p.work.Go(func(ctx context.Context) {
			poll := func() { p.poll(ctx, read) }
			poll()
			background.Every(ctx, queueInterval, poll)
		})
	}
	return p
}

func (p *queuePoller) poll(ctx context.Context, read func(context.Context) (Queue, error)) {
	queue, err := read(ctx)
	if err != nil {
		return // the report shows a gap
	}
	if longest := p.longest.Load(); longest != nil {
		queue.Waiting = max(queue.Waiting, longest.Waiting)
	}
	p.longest.Store(&queue)
}

// last returns the longest queue since the previous call.
func (p *queuePoller) last() *Queue { return p.longest.Swap(nil) }

func (p *queuePoller) close() {
	_ = p.work.Close(context.Background()) // waits for the end of a read
}
