package fleet_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/fleet"
	"lsapi/internal/guard"
)

// interval is the poll interval of a followed load balancer.
const interval = 2 * time.Second

var (
	web1 = lsapi.InstanceMember("i-0aaa0000000000001")
	web2 = lsapi.InstanceMember("i-0aaa0000000000002")
	web3 = lsapi.InstanceMember("i-0aaa0000000000003")
)

// region is AWS and the record in memory, on the clock of the test's bubble.
type region struct {
	began time.Time

	mu            sync.Mutex
	loadBalancers map[lsapi.PoolID]*loadBalancer
	states        map[lsapi.MemberID]lsapi.InstanceState // in EC2
	listed        map[lsapi.MemberID]lsapi.InstanceState // in the cached list, where it is behind
	histories     map[lsapi.MemberID]lsapi.MemberHistory
	behind        map[lsapi.PoolID][]lsapi.MemberID // cached members, where they are behind, until a fresh read
	fail          map[string]error                  // by operation
	hangs         map[string]bool                   // operations that block until their context ends
	takes         time.Duration                     // a read of the record
	calls         map[string]int
	polls         map[time.Time]bool
	last          lsapi.HealthReport // of the last poll
	followers     int
	kept          map[lsapi.PoolID]lsapi.HealthReport // what Recent returns unless it must be from now
	unread        []lsapi.PoolID                      // load balancers that a fresh read misses
	outdated      []lsapi.KindListing                 // kinds that are not listed
	maxAge        time.Duration                       // of the last call of Recent
	rules         []guard.Rule
	lanes         map[lsapi.PoolID]lsapi.LaneState
	drain         [2]any // of the last FollowDrain: since, timeout
}

type loadBalancer struct {
	members    []lsapi.MemberID
	health     map[lsapi.MemberID]lsapi.MemberHealth
	tags       map[string]string
	attributes lsapi.Attributes
	routes     []lsapi.Route
	port       uint16 // of a target group
	unlisted   bool   // there was no listing yet
}

func newRegion() *region {
	return &region{
		began:         time.Now(),
		loadBalancers: make(map[lsapi.PoolID]*loadBalancer),
		states:        map[lsapi.MemberID]lsapi.InstanceState{web1: "running", web2: "running", web3: "running"},
		listed:        make(map[lsapi.MemberID]lsapi.InstanceState),
		histories:     make(map[lsapi.MemberID]lsapi.MemberHistory),
		behind:        make(map[lsapi.PoolID][]lsapi.MemberID),
		fail:          make(map[string]error), hangs: make(map[string]bool),
		lanes: make(map[lsapi.PoolID]lsapi.LaneState), calls: make(map[string]int), polls: make(map[time.Time]bool),
	}
}

// readLag is the lag of AWS's reads.
const readLag = 10 * time.Second

// start returns a Fleet of the region that is closed with the test.
func start(t *testing.T, r *region) *fleet.Fleet {
	t.Helper()
	f := fleet.New(fleet.Options{Lists: r, Health: r, Settings: r, Tags: startTags(t, r), Guards: r, Instances: r, Record: r, Lag: readLag, Reads: 2})
	t.Cleanup(func() {
		if err := f.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if r.followers != 0 {
			t.Errorf("%d followers are left", r.followers)
		}
	})
	return f
}

// startTags returns the cache of the region's tags, which is closed with the test.
func startTags(t *testing.T, r *region) *fleet.Tags {
	t.Helper()
	tags := fleet.NewTags(r, r)
	tags.Start()
	t.Cleanup(func() {
		if err := tags.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tags
}

// add adds a load balancer with members of the given health.
func (r *region) add(pool lsapi.PoolID, members ...lsapi.MemberHealth) *loadBalancer {
	b := &loadBalancer{health: make(map[lsapi.MemberID]lsapi.MemberHealth), attributes: lsapi.Attributes{Draining: true, DrainingTimeout: time.Minute}}
	for _, m := range members {
		if !m.Draining {
			b.members = append(b.members, m.Member)
		}
		b.health[m.Member] = m
	}
	r.loadBalancers[pool] = b
	return b
}

// change runs a change of the region.
func (r *region) change(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
}

// after runs a change of the region after a time.
func (r *region) after(d time.Duration, what func()) {
	time.AfterFunc(d, func() { r.change(what) })
}

func (r *region) count(op string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[op]
}

func serving(id lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{Member: id, State: lsapi.InService, Reason: "N/A", Description: "N/A"}
}

func registering(id lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{Member: id, State: lsapi.OutOfService, Reason: "ELB", Description: "Instance registration is still in progress."}
}

func draining(id lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{Member: id, State: lsapi.InService, Reason: "N/A", Description: "Instance deregistration currently in progress.", Draining: true}
}

// enter counts a call, and fails or hangs as configured. Without an error it leaves the
// region locked.
func (r *region) enter(ctx context.Context, op string) error {
	r.mu.Lock()
	r.calls[op]++
	err, hangs := r.fail[op], r.hangs[op]
	if err == nil && !hangs {
		return nil
	}
	r.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	return err
}

func (r *region) membership(pool lsapi.PoolID, members []lsapi.MemberID) lsapi.Membership {
	m := lsapi.Membership{Pool: pool, Description: &lsapi.Description{DNSName: pool.Name + ".example.com", VPCID: "vpc-of-" + pool.Name[:1]}, AsOf: time.Now().Add(-time.Second)}
	if b := r.loadBalancers[pool]; b != nil {
		m.Description.Port = b.port
		if b.unlisted {
			m.Description = nil
		}
	}
	for _, id := range members {
		state, behind := r.listed[id]
		if !behind {
			state = r.states[id]
		}
		m.Members = append(m.Members, lsapi.Member{ID: id, Instance: lsapi.Instance{ID: id.Instance, Type: "t2.micro", State: state}})
	}
	return m
}

func (r *region) All(ctx context.Context, kind lsapi.Kind) (lsapi.Listing, error) {
	if err := r.enter(ctx, "All"); err != nil {
		return lsapi.Listing{}, err
	}
	defer r.mu.Unlock()
	all := lsapi.Listing{Outdated: r.outdated}
	for _, pool := range slices.SortedFunc(maps.Keys(r.loadBalancers), lsapi.PoolID.Compare) {
		if kind == "" || pool.Kind == kind {
			all.Pools = append(all.Pools, r.membership(pool, r.loadBalancers[pool].members))
		}
	}
	return all, nil
}

func (r *region) Pools() []lsapi.PoolID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Keys(r.loadBalancers), lsapi.PoolID.Compare)
}

func (r *region) Peek(pool lsapi.PoolID) (lsapi.Membership, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.loadBalancers[pool]
	if b == nil {
		return lsapi.Membership{}, false
	}
	return r.membership(pool, b.members), true
}

func (r *region) One(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.Membership, error) {
	op := "One"
	if fresh {
		op = "One afresh"
	}
	if err := r.enter(ctx, op); err != nil {
		return lsapi.Membership{}, err
	}
	defer r.mu.Unlock()
	b := r.loadBalancers[pool]
	if b == nil {
		return lsapi.Membership{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer %s", pool)
	}
	members := b.members
	if fresh {
		delete(r.behind, pool)
	} else if old, is := r.behind[pool]; is {
		members = old
	}
	return r.membership(pool, members), nil
}

// Memberships leaves the load balancers in unread unread.
func (r *region) Memberships(ctx context.Context, instanceID string, fresh bool) (lsapi.Memberships, error) {
	if err := r.enter(ctx, "Memberships"); err != nil {
		return lsapi.Memberships{}, err
	}
	defer r.mu.Unlock()
	found := lsapi.Memberships{Outdated: r.outdated, Whole: len(r.outdated) == 0}
	for _, pool := range slices.SortedFunc(maps.Keys(r.loadBalancers), lsapi.PoolID.Compare) {
		m := r.membership(pool, r.loadBalancers[pool].members)
		for _, member := range m.Members {
			if member.ID.Instance == instanceID {
				found.Found = append(found.Found, lsapi.FoundMember{Pool: pool, Member: member, AsOf: time.Now().Add(-time.Second)})
			}
		}
		if fresh && slices.Contains(r.unread, pool) {
			found.Unread, found.Whole = append(found.Unread, lsapi.ELB(pool.Name)), false
		}
	}
	return found, nil
}

// Draining returns the members with an instance that have a health.
func (r *region) Draining(instanceID string) (found []lsapi.DrainingMember) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pool := range slices.SortedFunc(maps.Keys(r.loadBalancers), lsapi.PoolID.Compare) {
		for member := range r.loadBalancers[pool].health {
			if member.Instance == instanceID {
				found = append(found, lsapi.DrainingMember{Pool: pool, ID: member})
			}
		}
	}
	return found
}

func (r *region) Attributes(ctx context.Context, pool lsapi.PoolID) (lsapi.Attributes, error) {
	if err := r.enter(ctx, "Attributes"); err != nil {
		return lsapi.Attributes{}, err
	}
	defer r.mu.Unlock()
	if b := r.loadBalancers[pool]; b != nil {
		return b.attributes, nil
	}
	return lsapi.Attributes{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer %s", pool)
}

func (r *region) Routes(ctx context.Context, pool lsapi.PoolID) ([]lsapi.Route, error) {
	if err := r.enter(ctx, "Routes"); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	if b := r.loadBalancers[pool]; b != nil {
		return b.routes, nil
	}
	return nil, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer %s", pool)
}

func (r *region) Tags(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error) {
	if err := r.enter(ctx, "Tags"); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	if len(pools) > 20 {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "more than 20 names")
	}
	tags := make(map[lsapi.PoolID]map[string]string)
	for _, pool := range pools {
		b := r.loadBalancers[pool]
		if b == nil || strings.HasPrefix(pool.Name, "deleted") {
			return nil, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer %s", pool)
		}
		tags[pool] = b.tags
	}
	return tags, nil
}

func (r *region) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	if err := r.enter(ctx, "Instances"); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	found := make(map[string]lsapi.Instance)
	for _, id := range ids {
		if state, ok := r.states[lsapi.InstanceMember(id)]; ok {
			found[lsapi.InstanceMember(id).String()] = lsapi.Instance{ID: id, Type: "t2.micro", State: state}
		}
	}
	return found, nil
}

func (r *region) MemberHistory(ctx context.Context, _ lsapi.PoolID, ids []lsapi.MemberID) (map[lsapi.MemberID]lsapi.MemberHistory, error) {
	if err := r.enter(ctx, "MemberHistory"); err != nil {
		return nil, err
	}
	r.mu.Unlock()
	time.Sleep(r.takes)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ids == nil {
		return maps.Clone(r.histories), nil
	}
	found := make(map[lsapi.MemberID]lsapi.MemberHistory)
	for _, id := range ids {
		found[id] = r.histories[id]
	}
	return found, nil
}

func (r *region) Recent(ctx context.Context, pool lsapi.PoolID, maxAge time.Duration) (lsapi.HealthReport, error) {
	if err := r.enter(ctx, "Recent"); err != nil {
		return lsapi.HealthReport{}, err
	}
	defer r.mu.Unlock()
	r.maxAge = maxAge
	if kept, ok := r.kept[pool]; ok && maxAge > 0 {
		return kept, nil
	}
	return r.report(pool, time.Now().Add(-min(maxAge, time.Second)))
}

// Latest returns the kept report.
func (r *region) Latest(pool lsapi.PoolID) (lsapi.HealthReport, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept, ok := r.kept[pool]
	return kept, ok
}

func (r *region) LaneState(ctx context.Context, pool lsapi.PoolID, _ time.Duration) (lsapi.LaneState, error) {
	if err := r.enter(ctx, "LaneState"); err != nil {
		return lsapi.LaneState{}, err
	}
	defer r.mu.Unlock()
	return r.lanes[pool], nil
}

// Rules returns the rules that all pools have.
func (r *region) Rules(ctx context.Context, _ lsapi.PoolID) ([]guard.Rule, error) {
	err := r.enter(ctx, "Rules")
	if err == nil {
		defer r.mu.Unlock()
	}
	return r.rules, err
}

func (r *region) Known(lsapi.PoolID) ([]guard.Rule, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rules, r.rules != nil
}

// Selects selects the pools whose name begins with web.
func (r *region) Selects(pool lsapi.PoolID) bool { return strings.HasPrefix(pool.Name, "web") }

func (r *region) report(pool lsapi.PoolID, asOf time.Time) (lsapi.HealthReport, error) {
	b := r.loadBalancers[pool]
	if b == nil {
		return lsapi.HealthReport{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer %s", pool)
	}
	report := lsapi.HealthReport{Pool: pool, AsOf: asOf}
	for _, id := range slices.SortedFunc(maps.Keys(b.health), lsapi.MemberID.Compare) {
		report.Members = append(report.Members, b.health[id])
	}
	return report, nil
}

// follower returns a report at each full interval, or the last one.
type follower struct {
	r    *region
	pool lsapi.PoolID
	err  error
}

func (r *region) Follow(pool lsapi.PoolID) fleet.Follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followers++
	return &follower{r, pool, r.fail["Follow"]}
}

func (r *region) FollowDrain(pool lsapi.PoolID, _ lsapi.MemberID, since time.Time, timeout time.Duration) fleet.Follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followers++
	r.drain = [2]any{since, timeout}
	return &follower{r, pool, r.fail["Follow"]}
}

func (f *follower) Next(ctx context.Context, after time.Time) (lsapi.HealthReport, error) {
	if f.err != nil {
		return lsapi.HealthReport{}, f.err
	}
	f.r.mu.Lock()
	last := f.r.last
	f.r.mu.Unlock()
	if last.Pool == f.pool && last.AsOf.After(after) {
		return last, nil
	}
	for {
		now := time.Now()
		tick := f.r.began.Add(now.Sub(f.r.began).Truncate(interval))
		for tick.Before(now) || !tick.After(after) {
			tick = tick.Add(interval)
		}
		timer := time.NewTimer(tick.Sub(now))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return lsapi.HealthReport{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
		f.r.mu.Lock()
		f.r.polls[tick] = true
		report, err := f.r.report(f.pool, tick)
		failed := f.r.fail["Next"] != nil
		if err == nil && !failed {
			f.r.last = report
		}
		f.r.mu.Unlock()
		if !failed {
			return report, err
		}
		after = tick
	}
}

func (f *follower) Close() {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.r.followers--
}
