package notify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a Record in memory, shared by the notifiers of a test.
type memory struct {
	mu         sync.Mutex
	events     []lsapi.RecordedEvent
	pruned     lsapi.Position
	deliveries map[string]lsapi.Delivery
	holders    map[string]string
	out        []lsapi.OutMember
	unwritable bool // SaveDelivery fails
	saves      int
	grown      chan struct{}
	// dial connects the notifiers to a receiver without a network; nil: over the network.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func newRecord() *memory {
	return &memory{deliveries: make(map[string]lsapi.Delivery), holders: make(map[string]string), grown: make(chan struct{})}
}

func (r *memory) add(pool lsapi.PoolID, events ...lsapi.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		n := int64(len(r.events) + 1)
		recorded := lsapi.RecordedEvent{Position: lsapi.Position{Major: n}, Pool: pool, Event: e}
		if e.Kind == lsapi.EventObserved {
			for i, m := range slices.Concat(e.Added, e.Removed) {
				action := lsapi.Attach
				if i >= len(e.Added) {
					action = lsapi.Detach
				}
				recorded.External = append(recorded.External, lsapi.Change{
					ID: changeID(int(n)), Action: action, Pool: pool, Member: m, Source: lsapi.SourceExternal, Outcome: lsapi.OutcomeApplied, IntendedAt: e.At,
				})
			}
		}
		r.events = append(r.events, recorded)
	}
	close(r.grown)
	r.grown = make(chan struct{})
}

func (r *memory) Events(_ context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pruned.After(after) {
		return nil, &lsapi.Error{Code: lsapi.CodeNotFound}
	}
	from := slices.IndexFunc(r.events, func(e lsapi.RecordedEvent) bool { return e.Position.After(after) })
	if from < 0 {
		return nil, nil
	}
	return slices.Clone(r.events[from:min(from+limit, len(r.events))]), nil
}

func (r *memory) end() lsapi.Position {
	if len(r.events) == 0 {
		return lsapi.Position{Minor: 1}
	}
	return r.events[len(r.events)-1].Position
}

func (r *memory) End(context.Context) (lsapi.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end(), nil
}

func (r *memory) News(ctx context.Context, after lsapi.Position) error {
	for {
		r.mu.Lock()
		grown, news := r.grown, r.end().After(after)
		r.mu.Unlock()
		if news {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
	}
}

func (r *memory) Kept(context.Context) (lsapi.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pruned, nil
}

func (r *memory) OutSince(_ context.Context, from, to time.Time) ([]lsapi.OutMember, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.out), func(m lsapi.OutMember) bool { return m.Since.Before(from) || !m.Since.Before(to) }), nil
}

func (r *memory) ClaimDelivery(_ context.Context, receiver, holder string) (lsapi.Delivery, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.holders[receiver]; h != "" && h != holder {
		return lsapi.Delivery{}, false, nil
	}
	d, ok := r.deliveries[receiver]
	if !ok {
		d = lsapi.Delivery{Position: r.end(), At: time.Now(), OutUntil: time.Now()}
		r.deliveries[receiver] = d
	}
	r.holders[receiver] = holder
	return d, true, nil
}

func (r *memory) SaveDelivery(_ context.Context, receiver, holder string, d lsapi.Delivery) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.holders[receiver] != holder:
		return &lsapi.Error{Code: lsapi.CodeUnavailable, Err: lsapi.ErrLeaseLost}
	case r.unwritable:
		return &lsapi.Error{Code: lsapi.CodeUnavailable, Err: errors.New("the disk is full")}
	}
	r.deliveries[receiver] = d
	r.saves++
	return nil
}

func (r *memory) ReleaseDelivery(_ context.Context, receiver, holder string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holders[receiver] == holder {
		delete(r.holders, receiver)
	}
	return nil
}

// steal makes another process the holder of all deliveries.
func (r *memory) steal(holder string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for receiver := range r.holders {
		r.holders[receiver] = holder
	}
}

func (r *memory) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// changeID returns the id of the nth change.
func changeID(n int) string { return fmt.Sprintf("01a20ee8-6140-7a11-8000-%012d", n) }

func member(n int) lsapi.MemberID {
	return lsapi.MemberID{Instance: fmt.Sprintf("i-%08d", n), Port: 8080}
}

// change returns the nth change of a member, with an outcome.
func change(n int, outcome lsapi.Outcome) lsapi.Change {
	return lsapi.Change{
		ID: changeID(n), Actor: "alice", Action: lsapi.Detach, Pool: web, Member: member(n), Source: lsapi.SourceLSAPI,
		IntendedAt: noon, Outcome: outcome,
	}
}

var web = lsapi.TG("web")

// refused returns an event of the nth change, which a guard refused.
func refused(n int) lsapi.Event {
	c := change(n, lsapi.OutcomeRefused)
	c.Code, c.Guard = string(lsapi.CodeMinInService), &lsapi.GuardVerdict{Rule: "minInService 3"}
	return completed(c)
}

func completed(c lsapi.Change) lsapi.Event {
	return lsapi.Event{Kind: lsapi.EventCompleted, At: noon, Change: c}
}

// request is a received request.
type request struct {
	header http.Header
	body   []byte
}

// receiver is a server that keeps the requests.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  []request
	more chan struct{} // holds a value after a request
}

// newReceiver returns a receiver that answers by answer, 200 for nil.
func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := receiverOf(t, answer)
	r.Start()
	return r
}

// newPipedReceiver returns a receiver without a network for the notifiers of a record, so
// that their test can have a virtual clock.
func newPipedReceiver(t *testing.T, record *memory, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := receiverOf(t, answer)
	_ = r.Listener.Close() // of the network
	pipes := &pipes{made: make(chan net.Conn), closed: make(chan struct{})}
	r.Listener, record.dial = pipes, pipes.dial
	r.Start()
	return r
}

func receiverOf(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{more: make(chan struct{}, 1000)}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		r.mu.Lock()
		r.got = append(r.got, request{q.Header.Clone(), body})
		r.mu.Unlock()
		r.more <- struct{}{}
		if answer != nil {
			answer(w, q)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// pipes is a listener for connections in memory.
type pipes struct {
	made   chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.made <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.made:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "receiver.test", Net: "pipe"} }

// want waits for the requests so far to be n, and returns them.
func (r *receiver) want(t *testing.T, n int) []request {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		got := slices.Clone(r.got)
		r.mu.Unlock()
		if len(got) >= n {
			if len(got) > n {
				t.Errorf("%d requests, want %d", len(got), n)
			}
			return got
		}
		select {
		case <-r.more:
		case <-timeout:
			t.Fatalf("%d requests, want %d", len(got), n)
		}
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// start starts a notifier with short pauses, which ends with the test.
func start(t *testing.T, r *memory, o notify.Options, receivers ...notify.Receiver) *notify.Notifier {
	t.Helper()
	o.Record, o.Source, o.Version = r, "/lsapi/us-east-1", "test"
	o.Change = func(c *lsapi.Change) apiv1.Change {
		return apiv1.Change{ID: c.ID, Member: c.Member.String(), Outcome: string(c.Outcome)}
	}
	if o.Allow == nil {
		o.Allow = loopback
	}
	if o.Instances == nil {
		o.Instances = instances{}
	}
	if o.Backoff == 0 {
		o.Backoff = 10 * time.Millisecond
	}
	n := notify.New(o)
	if r.dial != nil {
		n.DialBy(r.dial)
	}
	t.Cleanup(func() {
		if err := n.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	n.Set(receivers)
	r.settle(t, len(receivers))
	return n
}

// settle waits until n deliveries have been claimed: events that come later are sent.
func (r *memory) settle(t *testing.T, n int) {
	t.Helper()
	eventually(t, "the deliveries are claimed", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.deliveries) >= n
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// instances are the states of instances, by id. Others are running.
type instances map[string]lsapi.InstanceState

func (s instances) Instances(_ context.Context, ids []string) (map[string]lsapi.Instance, error) {
	found := make(map[string]lsapi.Instance)
	for _, id := range ids {
		state, ok := s[id]
		if !ok {
			state = lsapi.StateRunning
		}
		if state != "" {
			found[id] = lsapi.Instance{ID: id, State: state}
		}
	}
	if _, fails := s["fails"]; fails {
		return nil, &lsapi.Error{Code: lsapi.CodeThrottled}
	}
	return found, nil
}
