package postgres

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lsapi/internal/record/postgres/postgresdb"

	"lsapi/internal/record"
)

// The channels on which replicas tell one another where to look. What they say is
// a hint: whoever waits for one looks now and then without.
const (
	leasesChannel   = "lsapi_turns"    // a lease was given back; the payload is its name
	changesChannel  = "lsapi_changes"  // changes were applied, and so there are events
	eventsChannel   = "lsapi_events"   // there are other events
	listingsChannel = "lsapi_listings" // a listing was published
	healthChannel   = "lsapi_health"   // a report of health was published
)

// teller gives hints. They are sent beside the transactions that they are about,
// because PostgreSQL makes commits with hints follow one another; what comes up
// while some are being sent goes out together.
type notifier struct {
	*engine
	ready chan struct{} // holds one: there is something to send

	mu    sync.Mutex
	hints map[string]map[string]bool // payloads, by channel
}

func newNotifier(e *engine) *notifier {
	return &notifier{engine: e, ready: make(chan struct{}, 1), hints: make(map[string]map[string]bool)}
}

func (t *notifier) notify(channel, payload string) {
	t.mu.Lock()
	if t.hints[channel] == nil {
		t.hints[channel] = make(map[string]bool)
	}
	t.hints[channel][payload] = true
	t.mu.Unlock()
	record.Signal(t.ready)
}

func (t *notifier) run(ctx context.Context) {
	for {
		select {
		case <-t.ready:
		case <-ctx.Done():
			return
		}
		t.mu.Lock()
		hints := t.hints
		t.hints = make(map[string]map[string]bool)
		t.mu.Unlock()
		for channel, payloads := range hints {
			// One that is lost costs others the time until they look by themselves.
			_ = t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
				return q.Notify(ctx, postgresdb.NotifyParams{Channel: channel, Payloads: slices.Collect(maps.Keys(payloads))})
			})
		}
	}
}

// listen takes hints in, on a connection of its own, which is opened again when it
// is lost.
func (e *engine) listen(ctx context.Context, w *record.Hints) {
	for pause := firstListenPause; ctx.Err() == nil; pause = min(2*pause, maxListenPause) {
		if e.listenOnce(ctx, w) {
			pause = firstListenPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// listenOnce listens until the connection is lost. It reports whether there was one.
func (e *engine) listenOnce(ctx context.Context, w *record.Hints) (connected bool) {
	channels := []string{leasesChannel, changesChannel, eventsChannel, listingsChannel, healthChannel}
	conn, err := pgx.ConnectConfig(ctx, e.database.config.ConnConfig.Copy())
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+strings.Join(channels, "; LISTEN ")); err != nil {
		return false
	}
	w.WakeAll()
	for {
		hint, err := next(ctx, conn)
		if err != nil {
			return true
		}
		if hint.Channel == leasesChannel {
			w.Wake(hint.Payload)
			continue
		}
		w.Wake(hint.Channel)
		if hint.Channel == changesChannel {
			w.Wake(eventsChannel)
		}
	}
}

// next waits for a hint, and asks now and then whether the server is still there.
func next(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, listenCheck)
		hint, err := conn.WaitForNotification(waiting)
		cancel()
		if err == nil || ctx.Err() != nil || !pgconn.Timeout(err) {
			return hint, err
		}
		asking, cancel := context.WithTimeout(ctx, patience)
		err = conn.Ping(asking)
		cancel()
		if err != nil {
			return nil, err
		}
	}
}
