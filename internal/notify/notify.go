// Package notify sends notifications of recorded events to webhooks: drift, changes that a
// guard refused or that overrode one, unknown outcomes, and members that are out for long.
//
// Delivery is at least once, and in order for each receiver: a follower reads the record
// behind the position that the record keeps for its receiver, and stores the position after
// each notification. One process sends to a receiver at a time. An id identifies a
// notification, so that receivers can drop duplicates.
package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/background"
)

// Notifier sends notifications to receivers. It is safe for concurrent use.
type Notifier struct {
	o      Options
	holder string // this process
	poster *poster
	group  *background.Group
	// reads bounds the reads of the record to one at a time: lanes and requests need them too.
	reads chan struct{}

	endWatch func() // nil while nothing is watched; of attend only

	mu        sync.Mutex
	started   bool                 // the first receiver starts the work for all
	followers map[string]*follower // by the receiver's key
	total     map[string]totals    // by the receiver's name, of removed ones too
	grown     chan struct{}        // closed when the record has grown
}

type totals struct{ sent, failed, gaps int64 }

// New returns a Notifier without receivers.
func New(o Options) *Notifier {
	o.Timeout, o.Backoff, o.OutEvery = cmp.Or(o.Timeout, timeout), cmp.Or(o.Backoff, minBackoff), cmp.Or(o.OutEvery, outEvery)
	if o.Touch == nil {
		o.Touch = func() {}
	}
	if o.Watch == nil {
		o.Watch = func() func() { return func() {} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Notifier{
		o: o, holder: uuid.NewString(), poster: newPoster(o), group: background.New(), reads: make(chan struct{}, 1),
		followers: make(map[string]*follower), total: make(map[string]totals), grown: make(chan struct{}),
	}
}

// Set replaces the receivers, each with another URL. One whose URL stays goes on where it is.
func (n *Notifier) Set(receivers []Receiver) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(receivers) > 0 && !n.started {
		n.started = true
		n.group.Go(n.awaitNews)
		n.group.Go(func(ctx context.Context) { background.Every(ctx, attendEvery, n.attend) })
	}
	kept := make(map[string]bool, len(receivers))
	for _, r := range receivers {
		key := r.key()
		kept[key] = true
		start := func(context.Context) {}
		f, ok := n.followers[key]
		if !ok {
			ctx, end := context.WithCancel(n.group.Context())
			f = newFollower(n, key, r.Name(), end)
			start = func(context.Context) { f.run(ctx) }
			n.followers[key] = f
			if _, ok := n.total[f.name]; !ok {
				n.total[f.name] = totals{} // a series of zeros
			}
			if r.isPlain() {
				n.o.Log.Warn("notifications to this receiver are not encrypted; use https", "receiver", f.name)
			}
		}
		f.receiver.Store(&r)
		f.wake()
		if !ok {
			n.group.Go(start)
		}
	}
	for key, f := range n.followers {
		if !kept[key] {
			f.end()
			delete(n.followers, key)
		}
	}
}

// attend has AWS read for the receivers that this process sends to. One goroutine calls it.
func (n *Notifier) attend() {
	n.mu.Lock()
	drift, out := false, false
	for _, f := range n.followers {
		r := f.receiver.Load()
		drift = drift || f.sends.Load() && r.wants(Drift)
		out = out || f.sends.Load() && r.wants(Out)
	}
	n.mu.Unlock()
	if drift {
		n.o.Touch()
	}
	switch {
	case out && n.endWatch == nil:
		n.endWatch = n.o.Watch()
	case !out && n.endWatch != nil:
		n.endWatch()
		n.endWatch = nil
	}
}

// Close stops sending. A request in flight is cut off, and sent again by the next process. It
// returns an error if ctx ends first.
func (n *Notifier) Close(ctx context.Context) error {
	err := n.group.Close(ctx)
	if err == nil && n.endWatch != nil {
		n.endWatch() // attend has ended
	}
	n.poster.close()
	return err
}

// Test sends one notification to a receiver, without a retry.
func (n *Notifier) Test(ctx context.Context, r Receiver) error {
	now := time.Now()
	return n.poster.post(ctx, &r, &notification{
		kind: test, id: "test-" + uuid.NewString(), at: now, text: "a test of notifications by lsapi " + n.o.Version,
	})
}

// ReceiverStats are the counters of a receiver. Name has its host and no secret.
type ReceiverStats struct {
	Name string
	// Sent are notifications, Failed attempts, Gaps times at which some were lost, of this
	// process.
	Sent, Failed, Gaps int64
	// Lag is the age of the oldest notification that is not sent yet. 0: there is none, or
	// another process sends.
	Lag time.Duration
}

// Stats returns the stats of all receivers of now and before, by name.
func (n *Notifier) Stats() []ReceiverStats {
	n.mu.Lock()
	defer n.mu.Unlock()
	lags := make(map[string]time.Duration, len(n.followers))
	for _, f := range n.followers {
		lags[f.name] = f.lag()
	}
	var all []ReceiverStats
	for name, t := range n.total {
		all = append(all, ReceiverStats{name, t.sent, t.failed, t.gaps, lags[name]})
	}
	slices.SortFunc(all, func(a, b ReceiverStats) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (n *Notifier) count(receiver string, add totals) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.total[receiver]
	n.total[receiver] = totals{t.sent + add.sent, t.failed + add.failed, t.gaps + add.gaps}
}

// awaitNews wakes the followers when the record has grown.
func (n *Notifier) awaitNews(ctx context.Context) {
	for ctx.Err() == nil {
		end, err := call(ctx, n, n.o.Record.End)
		if err == nil {
			n.wake() // what is before end may have come after their last read
			err = n.news(ctx, end)
		}
		if err != nil && lsapi.ErrorCode(err) != lsapi.CodeTimeout {
			_ = pause(ctx, recordPause) // followers log the outage
		}
	}
}

func (n *Notifier) news(ctx context.Context, end lsapi.Position) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return n.o.Record.News(ctx, end)
}

func (n *Notifier) wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.grown)
	n.grown = make(chan struct{})
}

// growth returns a channel that is closed when the record has grown.
func (n *Notifier) growth() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.grown
}

// call calls the record, for recordTimeout at most.
func call[T any](ctx context.Context, n *Notifier, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	select {
	case n.reads <- struct{}{}:
		defer func() { <-n.reads }()
		return f(ctx)
	case <-ctx.Done():
		var none T
		return none, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isLost reports whether another process has the right to send.
func isLost(err error) bool { return errors.Is(err, lsapi.ErrLeaseLost) }
