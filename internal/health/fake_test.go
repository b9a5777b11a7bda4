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
	name string
	ids  []string
	at   time.Time
}

// fakeAWS returns the health that a test sets, in calls that take time and fail. It runs
// on the clock of the test's bubble.
type fakeAWS struct {
	latency time.Duration

	mu       sync.Mutex
	members  map[string]map[string]lsapi.HealthState // by load balancer
	draining map[string]map[string]bool
	mute     map[string]bool // members without health, such as terminated ones
	fail     func(ids []string) error
	calls    []call
}

func newFakeAWS(names ...string) *fakeAWS {
	f := &fakeAWS{
		latency: 50 * time.Millisecond, members: make(map[string]map[string]lsapi.HealthState),
		draining: make(map[string]map[string]bool), mute: make(map[string]bool),
	}
	for _, name := range names {
		f.members[name] = map[string]lsapi.HealthState{one: lsapi.InService}
		f.draining[name] = make(map[string]bool)
	}
	return f
}

// observe is an Observer of one function.
type observe func(lsapi.HealthReport)

func (f observe) ObserveHealth(report lsapi.HealthReport) { f(report) }

// onRecord is a Record of one function.
type onRecord func(context.Context) (map[string]lsapi.MemberHealth, error)

func (f onRecord) Health(ctx context.Context, _ string) (map[string]lsapi.MemberHealth, error) {
	return f(ctx)
}

const (
	one   = "i-00000001"
	two   = "i-00000002"
	three = "i-00000003"
)

// change does something to the region.
func (f *fakeAWS) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

// detach begins or ends the draining of an instance of the load balancer "web".
func (f *fakeAWS) detach(id string, drains bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.members["web"], id)
	f.draining["web"][id] = drains
}

func (f *fakeAWS) ask(ctx context.Context, name string, ids []string) error {
	f.mu.Lock()
	f.calls = append(f.calls, call{name, ids, time.Now()})
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
	if f.members[name] == nil {
		return lsapi.Errorf(lsapi.CodeNotFound, "There is no ACTIVE Load Balancer named '%s'", name)
	}
	return nil
}

func (f *fakeAWS) Health(ctx context.Context, name string) ([]lsapi.MemberHealth, error) {
	if err := f.ask(ctx, name, nil); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []lsapi.MemberHealth
	for id, state := range f.members[name] {
		if !f.mute[id] {
			found = append(found, lsapi.MemberHealth{InstanceID: id, State: state})
		}
	}
	return found, nil
}

func (f *fakeAWS) HealthOf(ctx context.Context, name string, ids []string) ([]lsapi.MemberHealth, error) {
	if err := f.ask(ctx, name, ids); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []lsapi.MemberHealth
	for _, id := range ids {
		state, member := f.members[name][id]
		switch {
		case member && !f.mute[id]:
			found = append(found, lsapi.MemberHealth{InstanceID: id, State: state})
		case f.draining[name][id]:
			found = append(found, lsapi.MemberHealth{InstanceID: id, State: lsapi.InService, Draining: true})
		}
	}
	return found, nil
}

// asked returns the requests so far of a load balancer: those with ids, or those
// without.
func (f *fakeAWS) asked(name string, byID bool) []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.calls), func(c call) bool { return c.name != name || (c.ids != nil) != byID })
}

func (f *fakeAWS) polls(name string) int { return len(f.asked(name, false)) }

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
		o.Record = onRecord(func(context.Context) (map[string]lsapi.MemberHealth, error) { return nil, nil })
	}
	if o.Names == nil {
		o.Names = func() []string { return nil }
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
func follow(t *testing.T, p *health.Poller, name string) *health.Follower {
	t.Helper()
	f := p.Follow(name)
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
func said(report lsapi.HealthReport, id string) string {
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
