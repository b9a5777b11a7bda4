package notify

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// follower sends notifications to one receiver while it has the right to.
type follower struct {
	n         *Notifier
	key, name string
	receiver  atomic.Pointer[Receiver]
	changed   chan struct{}      // holds a value after a change of the receiver
	end       context.CancelFunc // ends run
	sends     atomic.Bool        // whether this process has the right to send
	pending   atomic.Int64       // the time of the oldest notification that is not sent, in microseconds; 0: none

	// What follows is of run only.
	d      lsapi.Delivery
	saved  time.Time // when d was stored
	looked time.Time // when members that are out were looked for
	outage *background.Outage
	down   *background.Outage // of the receiver
}

func newFollower(n *Notifier, key, name string, end context.CancelFunc) *follower {
	log := n.o.Log.With("receiver", name)
	return &follower{
		n: n, key: key, name: name, changed: make(chan struct{}, 1), end: end,
		outage: background.NewOutage(n.group, log, "the record cannot be read or written: notifications wait", "the record works again: notifications continue"),
		down:   background.NewOutage(n.group, log, "notifications cannot be sent; they are retried", "notifications are sent again"),
	}
}

func (f *follower) wake() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *follower) lag() time.Duration {
	if at := f.pending.Load(); at != 0 {
		return max(0, time.Since(time.UnixMicro(at)))
	}
	return 0
}

// run sends until the receiver is removed or ctx ends.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		d, claimed, err := f.claim(ctx)
		f.outage.Note(err)
		if err == nil && claimed {
			f.d, f.saved = d, time.Now()
			f.sends.Store(true)
			err = f.send(ctx)
			f.sends.Store(false)
			f.leave(ctx, err)
		}
		wait := claimEvery
		if err != nil {
			wait = recordPause
		}
		_ = pause(ctx, wait)
	}
}

// claim acquires or keeps the right to send.
func (f *follower) claim(ctx context.Context) (d lsapi.Delivery, claimed bool, err error) {
	type claim struct {
		d       lsapi.Delivery
		claimed bool
	}
	got, err := call(ctx, f.n, func(ctx context.Context) (c claim, err error) {
		c.d, c.claimed, err = f.n.o.Record.ClaimDelivery(ctx, f.key, f.n.holder)
		return c, err
	})
	return got.d, got.claimed, err
}

// leave stores what was sent, and lets another process send at once.
func (f *follower) leave(ctx context.Context, err error) {
	f.pending.Store(0)
	if isLost(err) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := f.n.o.Record.SaveDelivery(ctx, f.key, f.n.holder, f.d); err == nil {
		_ = f.n.o.Record.ReleaseDelivery(ctx, f.key, f.n.holder) // else the claim expires
	}
}

// send sends notifications in order while this process has the right to. Its error is nil
// only when ctx has ended.
func (f *follower) send(ctx context.Context) error {
	for ctx.Err() == nil {
		grown := f.n.growth()
		if err := f.keep(ctx); err != nil {
			return err
		}
		if err := f.sendOut(ctx); err != nil {
			return err
		}
		page, err := call(ctx, f.n, func(ctx context.Context) ([]lsapi.RecordedEvent, error) {
			return f.n.o.Record.Events(ctx, f.d.Position, pageSize)
		})
		f.outage.Note(err)
		switch {
		case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
			err = f.skip(ctx)
		case err != nil:
			err = pause(ctx, recordPause)
		case len(page) == 0:
			f.await(ctx, grown)
		default:
			err = f.sendPage(ctx, page)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// await waits for events, for a change of the receiver, or until the claim must be renewed.
func (f *follower) await(ctx context.Context, grown <-chan struct{}) {
	timer := time.NewTimer(min(claimEvery, f.n.o.OutEvery))
	defer timer.Stop()
	select {
	case <-grown:
	case <-f.changed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// keep renews the claim. ErrLeaseLost: another process sends.
func (f *follower) keep(ctx context.Context) error {
	_, claimed, err := f.claim(ctx)
	if err == nil && !claimed {
		return lsapi.ErrLeaseLost
	}
	return err
}

// sendPage sends what follows from events.
func (f *follower) sendPage(ctx context.Context, page []lsapi.RecordedEvent) error {
	for _, s := range steps(page) {
		sent, err := f.sendAll(ctx, s.notifications)
		if err != nil {
			return err
		}
		f.d.Position, f.d.At = s.until, s.at
		if err := f.save(ctx, sent); err != nil {
			return err
		}
	}
	return nil
}

// sendAll sends those notifications that the receiver gets.
func (f *follower) sendAll(ctx context.Context, all []notification) (sent bool, err error) {
	for i := range all {
		if !all[i].isFor(ctx, f.receiver.Load()) {
			continue
		}
		if err := f.sendOne(ctx, &all[i]); err != nil {
			return sent, err
		}
		sent = true
	}
	return sent, nil
}

// sendOne sends a notification, and retries until the receiver has it. One that is gone
// gets nothing until its settings change. ErrLeaseLost: another process sends.
func (f *follower) sendOne(ctx context.Context, n *notification) error {
	f.pending.Store(n.at.UnixMicro())
	defer f.pending.Store(0)
	for backoff := f.n.o.Backoff; ; backoff = min(2*backoff, maxBackoff) {
		r := f.receiver.Load()
		err := f.n.poster.post(ctx, r, n)
		if ctx.Err() != nil && err != nil {
			return ctx.Err()
		}
		f.down.Note(err)
		if err == nil {
			f.n.count(f.name, totals{sent: 1})
			return nil
		}
		f.n.count(f.name, totals{failed: 1})
		if isGone(err) {
			f.n.o.Log.Error("the receiver returned 410 Gone; nothing more is sent to it until lsapi starts again or its settings change", "receiver", f.name)
			if err := f.hold(ctx, r, forever); err != nil {
				return err
			}
			continue
		}
		jittered := backoff/2 + rand.N(backoff) //nolint:gosec // a pause is no secret
		if err := f.hold(ctx, r, max(jittered, retryAfter(err))); err != nil {
			return err
		}
	}
}

// forever is longer than a process runs.
const forever = 100 * 365 * 24 * time.Hour

// hold waits before a retry and keeps the claim. It ends when the receiver is no longer r.
func (f *follower) hold(ctx context.Context, r *Receiver, wait time.Duration) error {
	for until := time.Now().Add(wait); ; {
		left := time.Until(until)
		if left <= 0 || f.receiver.Load() != r {
			return nil
		}
		timer := time.NewTimer(min(left, claimEvery))
		select {
		case <-timer.C:
		case <-f.changed:
			timer.Stop()
			continue
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		if err := f.keep(ctx); err != nil {
			return err
		}
	}
}

// save stores the position: now after something was sent, else at intervals. It retries until
// it is stored, because what was sent would be sent again otherwise.
func (f *follower) save(ctx context.Context, now bool) error {
	if !now && time.Since(f.saved) < saveEvery {
		return nil
	}
	for {
		_, err := call(context.WithoutCancel(ctx), f.n, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, f.n.o.Record.SaveDelivery(ctx, f.key, f.n.holder, f.d)
		})
		f.outage.Note(err)
		if err == nil || isLost(err) {
			f.saved = time.Now()
			return err
		}
		if err := pause(ctx, recordPause); err != nil {
			return err
		}
	}
}

// skip goes on behind events that were pruned before they were sent.
func (f *follower) skip(ctx context.Context) error {
	kept, err := call(ctx, f.n, f.n.o.Record.Kept)
	if err != nil || !kept.After(f.d.Position) {
		return err
	}
	n := gapNotification(f.d, time.Now())
	f.n.o.Log.Error("events were pruned before they could be sent to a receiver", "receiver", f.name, "since", f.d.At)
	f.n.count(f.name, totals{gaps: 1})
	if _, err := f.sendAll(ctx, []notification{n}); err != nil {
		return err
	}
	f.d.Position, f.d.At = kept, n.at
	return f.save(ctx, true)
}

// sendOut sends what has been out for too long since the last look.
func (f *follower) sendOut(ctx context.Context) error {
	now := time.Now()
	if now.Sub(f.looked) < f.n.o.OutEvery {
		return nil
	}
	r := f.receiver.Load()
	var all []notification
	if r.wants(Out) && now.After(f.d.OutUntil) {
		out, err := call(ctx, f.n, func(ctx context.Context) ([]lsapi.OutMember, error) {
			return f.n.o.Record.OutSince(ctx, f.d.OutUntil.Add(-r.OutFor), now.Add(-r.OutFor))
		})
		if err != nil {
			return err
		}
		all = outNotifications(withoutTerminated(ctx, f.n.o.Instances, out), r.OutFor)
	}
	sent, err := f.sendAll(ctx, all)
	if err != nil {
		return err
	}
	f.looked, f.d.OutUntil = now, now.Round(0)
	return f.save(ctx, sent)
}
