package health_test

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lsapi"
	"lsapi/internal/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call is a request that AWS got, and when. Of Health it has no ids.
type call struct {
	pool lsapi.PoolID
	ids  []lsapi.MemberID
	at   time.Time
}

// fakeAWS returns the health that a test sets, in calls that take time and fail. It runs
// on the clock of the test's bubble.
type fakeAWS struct {
	latency time.Duration

	mu       sync.Mutex
	members  map[lsapi.PoolID]map[lsapi.MemberID]lsapi.HealthState // by load balancer
	draining map[lsapi.PoolID]map[lsapi.MemberID]bool
	mute     map[lsapi.MemberID]bool // members without health, such as terminated ones
	whole    bool                    // Health has those that drain, as that of a target group
	fail     func(ids []lsapi.MemberID) error
	calls    []call
}

func newFakeAWS(pools ...lsapi.PoolID) *fakeAWS {
	f := &fakeAWS{
		latency: 50 * time.Millisecond, members: make(map[lsapi.PoolID]map[lsapi.MemberID]lsapi.HealthState),
		draining: make(map[lsapi.PoolID]map[lsapi.MemberID]bool), mute: make(map[lsapi.MemberID]bool),
	}
	for _, pool := range pools {
		f.members[pool] = map[lsapi.MemberID]lsapi.HealthState{one: lsapi.InService}
		f.draining[pool] = make(map[lsapi.MemberID]bool)
	}
	return f
}

// observe is an Observer of one function.
type observe func(lsapi.HealthReport)

func (f observe) ObserveHealth(report lsapi.HealthReport) { f(report) }

// onRecord is a Record of one function.
type onRecord func(context.Context) (map[lsapi.MemberID]lsapi.MemberHealth, error)

func (f onRecord) Health(ctx context.Context, _ lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
	return f(ctx)
}

// incarnation is that of every pool.
const incarnation = "arn:aws:a"

// web is the load balancer of most tests.
var web = lsapi.ELB("web")

var (
	one   = lsapi.InstanceMember("i-00000001")
	two   = lsapi.InstanceMember("i-00000002")
	three = lsapi.InstanceMember("i-00000003")
)

// change does something to the region.
func (f *fakeAWS) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

// detach begins or ends the draining of an instance of the load balancer "web".
func (f *fakeAWS) detach(id lsapi.MemberID, drains bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.members[web], id)
	f.draining[web][id] = drains
}

func (f *fakeAWS) ask(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) error {
	f.mu.Lock()
	f.calls = append(f.calls, call{pool, ids, time.Now()})
	f.mu.Unlock()
	select {
	case <-time.After(f.latency):
	case <-ctx.Done():
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail(ids); err != nil {
			return err
		}
	}
	if f.members[pool] == nil {
		return lsapi.Errorf(lsapi.CodeNotFound, "There is no ACTIVE Load Balancer named '%s'", pool)
	}
	return nil
}

func (f *fakeAWS) Health(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, bool, error) {
	if err := f.ask(ctx, pool, nil); err != nil {
		return lsapi.PoolRead{}, false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []lsapi.MemberHealth
	for id, state := range f.members[pool] {
		if !f.mute[id] {
			found = append(found, lsapi.MemberHealth{Member: id, State: state})
		}
	}
	if f.whole {
		for id, drains := range f.draining[pool] {
			if drains {
				found = append(found, lsapi.MemberHealth{Member: id, State: lsapi.OutOfService, Draining: true})
			}
		}
	}
	return lsapi.PoolRead{Health: found, Incarnation: incarnation}, f.whole, nil
}

func (f *fakeAWS) HealthOf(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) ([]lsapi.MemberHealth, error) {
	if err := f.ask(ctx, pool, ids); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []lsapi.MemberHealth
	for _, id := range ids {
		state, member := f.members[pool][id]
		switch {
		case member && !f.mute[id]:
			found = append(found, lsapi.MemberHealth{Member: id, State: state})
		case f.draining[pool][id]:
			found = append(found, lsapi.MemberHealth{Member: id, State: lsapi.InService, Draining: true})
		}
	}
	return found, nil
}

// asked returns the requests so far of a load balancer: those with ids, or those
// without.
func (f *fakeAWS) asked(pool lsapi.PoolID, byID bool) []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.calls), func(c call) bool { return c.pool != pool || (c.ids != nil) != byID })
}

func (f *fakeAWS) polls(pool lsapi.PoolID) int { return len(f.asked(pool, false)) }

// requests counts all so far.
func (f *fakeAWS) requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

// forget forgets the requests so far.
func (f *fakeAWS) forget() { f.change(func() { f.calls = nil }) }

// newPoller returns a Poller, with fakes for what the options lack.
func newPoller(o health.Options) *health.Poller {
	if o.Background == nil {
		o.Background = o.AWS
	}
	if o.Observer == nil {
		o.Observer = observe(func(lsapi.HealthReport) {})
	}
	if o.Record == nil {
		o.Record = onRecord(func(context.Context) (map[lsapi.MemberID]lsapi.MemberHealth, error) { return nil, nil })
	}
	if o.Pools == nil {
		o.Pools = func() []lsapi.PoolID { return nil }
	}
	if o.PerSecond == nil {
		o.PerSecond = func() float64 { return 5 } // half of the default bucket
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return health.New(o)
}

// inBubble runs a test on a clock of its own, with a Poller.
func inBubble(t *testing.T, o health.Options, test func(t *testing.T, p *health.Poller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPoller(o)
		p.Start()
		test(t, p)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// follow follows a load balancer until the end of the test.
func follow(t *testing.T, p *health.Poller, pool lsapi.PoolID) *health.Follower {
	t.Helper()
	f := p.Follow(pool)
	t.Cleanup(f.Close)
	return f
}

// next waits for a report that began after now, for a minute.
func next(t *testing.T, f *health.Follower, after time.Time) lsapi.HealthReport {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	report, err := f.Next(ctx, after)
	if err != nil {
		t.Fatalf("no report: %v", err)
	}
	return report
}

// code is the code with which a wait for something after now ends.
func code(t *testing.T, f *health.Follower, wait time.Duration) lsapi.Code {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, err := f.Next(ctx, time.Now())
	return lsapi.ErrorCode(err)
}

// said is what a report says of an instance.
func said(report lsapi.HealthReport, id lsapi.MemberID) string {
	m, ok := report.Of(id)
	switch {
	case slices.Contains(report.Absent, id):
		return "silent"
	case !ok:
		return "unknown"
	case m.Draining:
		return "draining"
	}
	return string(m.State)
}
