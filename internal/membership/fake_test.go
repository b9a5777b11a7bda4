package membership_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// fakeAWS is a load balancer "web" behind calls that take time, lag and fail.
// It runs on the clock of the test's bubble.
type fakeAWS struct {
	latency time.Duration // of each call
	lag     time.Duration // of Members behind Register and Deregister

	mu       sync.Mutex
	versions []version // the membership over time, oldest first
	facts    map[lsapi.MemberID]lsapi.Instance
	gone     bool // no such load balancer
	created  string
	// ignoresAbsent is whether Deregister succeeds for members that are absent, as for target groups.
	ignoresAbsent bool
	calls         []call
	hooks         map[string][]hook // what the next calls of an operation do instead
	// Members pass health checks warmUp after they became members, unless they are sick.
	warmUp time.Duration
	sick   map[lsapi.MemberID]bool
	// isGroup is whether Members has the health, as for target groups.
	isGroup bool
	drains  time.Duration // how long a former member drains
	// healthLag is that of Health behind Register and Deregister, if it is longer than lag.
	healthLag time.Duration
}

type version struct {
	at      time.Time
	members []lsapi.MemberID
}

// call is one call that arrived, in order.
type call struct {
	op  string
	ids []lsapi.MemberID
}

// hook takes the place of a call; apply carries the call out.
type hook func(ctx context.Context, apply func() error) error

func newFakeAWS(members ...lsapi.MemberID) *fakeAWS {
	return &fakeAWS{
		latency:  50 * time.Millisecond,
		versions: []version{{members: members}},
		facts:    make(map[lsapi.MemberID]lsapi.Instance),
		hooks:    make(map[string][]hook),
		sick:     make(map[lsapi.MemberID]bool),
	}
}

// run adds running instances to EC2.
func (f *fakeAWS) run(ids ...lsapi.MemberID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		f.facts[id] = lsapi.Instance{ID: id.String(), Type: "t2.micro", State: lsapi.StateRunning}
	}
}

// change does something to the load balancer.
func (f *fakeAWS) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

// next makes the next calls of op behave as the hooks say, one each.
func (f *fakeAWS) next(op string, hooks ...hook) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks[op] = append(f.hooks[op], hooks...)
}

func (f *fakeAWS) Members(ctx context.Context, _ lsapi.PoolID) (read lsapi.PoolRead, err error) {
	err = f.arrive(ctx, "Members", nil, func() error {
		if f.gone {
			return lsapi.Errorf(lsapi.CodeNotFound, "gone")
		}
		read.Members, read.Incarnation = slices.Clone(f.asOf(time.Now().Add(-f.lag))), f.created
		if f.isGroup {
			read.Health = f.health(time.Now().Add(-f.lag))
		}
		return nil
	})
	return read, err
}

func (f *fakeAWS) Health(ctx context.Context, _ lsapi.PoolID) (health []lsapi.MemberHealth, err error) {
	err = f.arrive(ctx, "Health", nil, func() error {
		health = f.health(time.Now().Add(-max(f.lag, f.healthLag)))
		return nil
	})
	return health, err
}

// health returns the health of the members at a time, and of those that drain. That of a Classic
// load balancer lacks terminated ones. The caller holds mu.
func (f *fakeAWS) health(at time.Time) []lsapi.MemberHealth {
	health := []lsapi.MemberHealth{}
	members := f.asOf(at)
	for _, id := range members {
		isTerminated := f.facts[id].State == lsapi.StateTerminated
		if isTerminated && !f.isGroup {
			continue
		}
		h := lsapi.MemberHealth{Member: id, State: lsapi.InService}
		if f.sick[id] || isTerminated || at.Sub(f.memberSince(id, at)) < f.warmUp {
			h.State = lsapi.OutOfService
		}
		health = append(health, h)
	}
	for _, id := range f.asOf(at.Add(-f.drains)) {
		if !slices.Contains(members, id) {
			health = append(health, lsapi.MemberHealth{Member: id, State: lsapi.OutOfService, Draining: true})
		}
	}
	return health
}

// memberSince returns since when a member at a time has been one.
func (f *fakeAWS) memberSince(id lsapi.MemberID, at time.Time) (since time.Time) {
	for _, v := range slices.Backward(f.versions) {
		if v.at.After(at) {
			continue
		}
		if !slices.Contains(v.members, id) {
			break
		}
		since = v.at
	}
	return since
}

func (f *fakeAWS) Instances(ctx context.Context, ids []string) (found map[string]lsapi.Instance, err error) {
	found = make(map[string]lsapi.Instance)
	var members []lsapi.MemberID
	for _, id := range ids {
		members = append(members, lsapi.InstanceMember(id))
	}
	err = f.arrive(ctx, "Instances", members, func() error {
		for _, id := range ids {
			if instance, ok := f.facts[lsapi.InstanceMember(id)]; ok {
				found[id] = instance
			}
		}
		return nil
	})
	return found, err
}

func (f *fakeAWS) Register(ctx context.Context, _ lsapi.PoolID, _ string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	if _, err := permit(ctx); err != nil {
		return "", err
	}
	return "aws-request", f.arrive(ctx, "Register", ids, func() error {
		if f.isGone(ctx) {
			return lsapi.Errorf(lsapi.CodeNotFound, "gone")
		}
		members := slices.Clone(f.now())
		for _, id := range ids {
			if f.facts[id].State != lsapi.StateRunning {
				return lsapi.Errorf(lsapi.CodeInvalid, "EC2 instance %s is not in running state.", id)
			}
			if !slices.Contains(members, id) {
				members = append(members, id)
			}
		}
		f.versions = append(f.versions, version{time.Now(), members})
		return nil
	})
}

func (f *fakeAWS) Deregister(ctx context.Context, _ lsapi.PoolID, _ string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	if _, err := permit(ctx); err != nil {
		return "", err
	}
	return "aws-request", f.arrive(ctx, "Deregister", ids, func() error {
		if f.isGone(ctx) {
			return lsapi.Errorf(lsapi.CodeNotFound, "gone")
		}
		for _, id := range ids {
			if !f.ignoresAbsent && !slices.Contains(f.now(), id) {
				return lsapi.Errorf(lsapi.CodeInvalid, "Could not find EC2 instance %s.", id)
			}
		}
		members := slices.DeleteFunc(slices.Clone(f.now()), func(id lsapi.MemberID) bool { return slices.Contains(ids, id) })
		f.versions = append(f.versions, version{time.Now(), members})
		return nil
	})
}

type incarnationKey struct{}

// ofIncarnation returns a context for calls to one incarnation of the load balancer.
func ofIncarnation(ctx context.Context, incarnation any) context.Context {
	return context.WithValue(ctx, incarnationKey{}, incarnation)
}

func (f *fakeAWS) isGone(ctx context.Context) bool {
	incarnation := ctx.Value(incarnationKey{})
	return incarnation != nil && incarnation != f.created
}

// arrive takes a call in: it is counted, takes its time, and then is carried out
// or handed to a hook.
func (f *fakeAWS) arrive(ctx context.Context, op string, ids []lsapi.MemberID, carryOut func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, call{op, slices.SortedFunc(slices.Values(ids), lsapi.MemberID.Compare)})
	var instead hook
	if hooks := f.hooks[op]; len(hooks) > 0 {
		instead, f.hooks[op] = hooks[0], hooks[1:]
	}
	f.mu.Unlock()
	locked := func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		return carryOut()
	}
	select {
	case <-time.After(f.latency):
	case <-ctx.Done():
		return &lsapi.Error{Code: lsapi.CodeTimeout, Ambiguous: op == "Register" || op == "Deregister", Err: ctx.Err()}
	}
	if instead != nil {
		return instead(ctx, locked)
	}
	return locked()
}

func (f *fakeAWS) now() []lsapi.MemberID { return f.versions[len(f.versions)-1].members }

func (f *fakeAWS) asOf(at time.Time) []lsapi.MemberID {
	for _, v := range slices.Backward(f.versions) {
		if !v.at.After(at) {
			return v.members
		}
	}
	return f.versions[0].members
}

// members is the truth, sorted.
func (f *fakeAWS) members() []lsapi.MemberID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(slices.Values(f.now()), lsapi.MemberID.Compare)
}

// count returns the number of calls of op.
func (f *fakeAWS) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.calls {
		if c.op == op {
			n++
		}
	}
	return n
}

// The ways in which a call goes wrong.

func cutOff() error {
	return &lsapi.Error{Code: lsapi.CodeUpstream, Ambiguous: true, Err: fmt.Errorf("connection reset")}
}

// appliedButCutOff is carried out, and then its answer is lost.
func appliedButCutOff(_ context.Context, apply func() error) error {
	if err := apply(); err != nil {
		return err
	}
	return cutOff()
}

// lost is never carried out, and its answer says nothing.
func lost(context.Context, func() error) error { return cutOff() }

// late is carried out some time after its answer was lost.
func late(after time.Duration) hook {
	return func(_ context.Context, apply func() error) error {
		time.AfterFunc(after, func() { _ = apply() })
		return cutOff()
	}
}

// fails answers with an error that changed nothing.
func fails(code lsapi.Code) hook {
	return func(context.Context, func() error) error { return &lsapi.Error{Code: code} }
}

// hangs answers when its context ends.
func hangs(ctx context.Context, _ func() error) error {
	<-ctx.Done()
	return &lsapi.Error{Code: lsapi.CodeTimeout, Ambiguous: true, Err: ctx.Err()}
}
