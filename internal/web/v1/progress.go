package v1

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// progress is a stream of server-sent events in place of a silent wait: an event "progress"
// with each state of a member, and at the end one "result" with the body that the answer
// would have, or one "problem". A state that a slow client has not read yet is replaced by
// the member's next one.
type progress struct {
	x    *exchange.Exchange
	long *exchange.LongRequests

	mu      sync.Mutex // guards what follows
	pending map[lsapi.MemberID]lsapi.MemberDetail
	order   []lsapi.MemberID // of the pending ones

	news    chan struct{} // holds one
	closing chan struct{}
	writer  sync.WaitGroup
	started bool
	stop    func() bool
	failure error // of the writer, once it ended
}

func newProgress(x *exchange.Exchange, long *exchange.LongRequests) *progress {
	return &progress{
		x: x, long: long, pending: make(map[lsapi.MemberID]lsapi.MemberDetail),
		news: make(chan struct{}, 1), closing: make(chan struct{}),
	}
}

// begun reports whether the answer has begun.
func (p *progress) begun() bool { return p != nil && p.started }

// Begin implements change.Progress.
func (p *progress) Begin(leave context.CancelFunc) error {
	h := p.x.Header()
	h.Set("Content-Type", exchange.TypeEvents)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	p.started = true
	p.x.WriteHeader(http.StatusOK)
	p.stop = p.long.OnStop(func() { setWriteDeadline(p.x, endTime) }) // a client that does not read must not delay it
	if err := p.write(comment("the changes were made")); err != nil {
		return err
	}
	p.writer.Go(func() {
		if p.failure = p.run(); p.failure != nil {
			leave()
		}
	})
	return nil
}

// Report implements change.Progress.
func (p *progress) Report(state lsapi.MemberDetail) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, waits := p.pending[state.ID]; !waits {
		p.order = append(p.order, state.ID)
	}
	p.pending[state.ID] = state
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// run writes what is reported, and comments while nothing is.
func (p *progress) run() error {
	for {
		var frames []byte
		select {
		case <-p.closing:
			return nil
		case <-p.news:
			var err error
			if frames, err = p.reported(); err != nil {
				return err
			}
		case <-time.After(keepAlive):
			frames = comment("waiting")
		}
		if err := p.write(frames); err != nil {
			return err
		}
	}
}

// reported returns the events of the pending states.
func (p *progress) reported() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var frames bytes.Buffer
	for _, id := range p.order {
		state := p.pending[id]
		if err := writeEvent(&frames, "progress", newMember(&state)); err != nil {
			return nil, err
		}
	}
	p.order = p.order[:0]
	clear(p.pending)
	return frames.Bytes(), nil
}

// end writes the last events: what is pending, and the result or the problem.
func (p *progress) end(result any, err error) error {
	close(p.closing)
	p.writer.Wait()
	defer p.stop()
	if p.failure != nil {
		return p.failure
	}
	frames, failure := p.reported()
	if failure != nil {
		return failure
	}
	last := bytes.NewBuffer(frames)
	if err != nil {
		failure = writeEvent(last, "problem", errorBody(err))
	} else {
		failure = writeEvent(last, "result", result)
	}
	if failure != nil {
		return failure
	}
	return p.write(last.Bytes())
}

// write sends frames at once.
func (p *progress) write(frames []byte) error {
	setWriteDeadline(p.x, eventTime)
	if p.long.Stopping() { // the deadline of the stop was replaced
		setWriteDeadline(p.x, endTime)
	}
	_, err := p.x.Write(frames)
	if err == nil {
		err = http.NewResponseController(p.x).Flush()
	}
	if err != nil {
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: err} // the client is too slow, or gone
	}
	return nil
}

func comment(text string) []byte { return []byte(": " + text + "\n\n") }

// writeEvent writes an event of a type, with a value in JSON, which has no line breaks.
func writeEvent(to *bytes.Buffer, name string, value any) error {
	body, err := exchange.EncodeJSON(value)
	if err != nil {
		return err
	}
	to.WriteString("event: " + name + "\ndata: ")
	to.Write(body)
	to.WriteByte('\n')
	return nil
}
