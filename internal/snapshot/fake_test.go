package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/snapshot"
)

// fakeAWS is a region behind calls that take time and fail. It runs on the clock
// of the test's bubble.
type fakeAWS struct {
	latency  time.Duration // of each call
	pageSize int           // load balancers a page

	mu       sync.Mutex
	members  map[lsapi.PoolID][]lsapi.MemberID
	unlisted map[lsapi.PoolID]bool // left out of listings
	port     uint16                // of target groups
	facts    map[lsapi.MemberID]lsapi.Instance
	calls    map[string]int
	fail     map[string]error // by operation
	slow     map[string]time.Duration
}

func newFakeAWS() *fakeAWS {
	return &fakeAWS{
		latency: 50 * time.Millisecond, pageSize: 400,
		members: make(map[lsapi.PoolID][]lsapi.MemberID), unlisted: make(map[lsapi.PoolID]bool), facts: make(map[lsapi.MemberID]lsapi.Instance),
		calls: make(map[string]int), fail: make(map[string]error), slow: make(map[string]time.Duration),
	}
}

// set makes the instances the members of a load balancer, and known to EC2.
func (f *fakeAWS) set(pool lsapi.PoolID, ids ...lsapi.MemberID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[pool] = ids
	for _, id := range ids {
		f.facts[id] = lsapi.Instance{ID: id.String(), Type: "t2.micro", State: lsapi.StateRunning}
	}
}

// change does something to the region.
func (f *fakeAWS) change(what func(*fakeAWS)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what(f)
}

func (f *fakeAWS) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// ask is a call: it takes its time, sees the region at its end, and may fail.
func (f *fakeAWS) ask(ctx context.Context, op string, see func()) error {
	f.mu.Lock()
	f.calls[op]++
	wait := f.latency + f.slow[op]
	f.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail[op]; err != nil {
		return err
	}
	see()
	return nil
}

// lists is the operation that lists a kind.
var lists = map[lsapi.Kind]string{lsapi.KindELB: "LoadBalancers", lsapi.KindTG: "TargetGroups"}

func (f *fakeAWS) Pools(ctx context.Context, kind lsapi.Kind) iter.Seq2[[]lsapi.Pool, error] {
	return func(yield func([]lsapi.Pool, error) bool) {
		for from, more := 0, true; more; from += f.pageSize {
			var page []lsapi.Pool
			err := f.ask(ctx, lists[kind], func() {
				pools := slices.DeleteFunc(slices.SortedFunc(maps.Keys(f.members), lsapi.PoolID.Compare), func(n lsapi.PoolID) bool { return f.unlisted[n] || n.Kind != kind })
				for _, pool := range pools[min(from, len(pools)):min(from+f.pageSize, len(pools))] {
					listed := lsapi.Pool{ID: pool, Members: slices.Clone(f.members[pool]), Description: &lsapi.Description{DNSName: pool.Name + ".example", ARN: arnOf(pool)}}
					if pool.Kind == lsapi.KindTG {
						listed.Members, listed.MembersUnlisted = nil, true
						listed.Description.Port = f.port
					}
					page = append(page, listed)
				}
				more = from+f.pageSize < len(pools)
			})
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

func (f *fakeAWS) Members(ctx context.Context, pool lsapi.PoolID) (read lsapi.PoolRead, err error) {
	err = f.ask(ctx, "Members", func() { read.Members, read.Incarnation = slices.Clone(f.members[pool]), arnOf(pool) })
	if err == nil && read.Members == nil {
		return read, lsapi.Errorf(lsapi.CodeNotFound, "no %s", pool)
	}
	return read, err
}

func (f *fakeAWS) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	found := make(map[string]lsapi.Instance)
	for batch := range slices.Chunk(ids, 200) {
		err := f.ask(ctx, "Instances", func() {
			for _, id := range batch {
				if instance, ok := f.facts[lsapi.InstanceMember(id)]; ok {
					found[lsapi.InstanceMember(id).String()] = instance
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (f *fakeAWS) AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return func(yield func([]lsapi.Instance, error) bool) {
		f.mu.Lock()
		all := slices.SortedFunc(maps.Values(f.facts), func(a, b lsapi.Instance) int { return strings.Compare(a.ID, b.ID) })
		f.mu.Unlock()
		for page := range slices.Chunk(all, 1000) {
			err := f.ask(ctx, "AllInstances", func() {})
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// region is a snapshot of a fake AWS, with what a test does to both.
type region struct {
	*snapshot.Snapshot
	aws *fakeAWS

	mu      sync.Mutex
	overlay map[lsapi.PoolID][]lsapi.MemberID // members laid over what is read
	applied []string                          // the instances of a call of Applied: + and - before the id
	catchUp func(ctx context.Context, pool lsapi.PoolID) error

	catchUpAll func(ctx context.Context) error
}

const (
	maxStaleness    = 2 * time.Second
	maxStaleOnError = 5 * time.Minute
	idleAfter       = 5 * time.Minute
)

var bothKinds = []lsapi.Kind{lsapi.KindELB, lsapi.KindTG}

// errDenied is the error of a listing that AWS does not permit.
var errDenied = &lsapi.Error{Code: lsapi.CodeForbidden, Reason: "AccessDenied"}

func isDenied(err error) bool { return errors.Is(err, errDenied) }

// inBubble runs a test on a clock of its own.
func inBubble(t *testing.T, aws *fakeAWS, test func(t *testing.T, r *region)) {
	t.Helper()
	inBubbleIdle(t, aws, idleAfter, test)
}

// inBubbleIdle is inBubble with refreshes that stop after another time.
func inBubbleIdle(t *testing.T, aws *fakeAWS, idleAfter time.Duration, test func(t *testing.T, r *region)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &region{aws: aws, overlay: make(map[lsapi.PoolID][]lsapi.MemberID)}
		r.Snapshot = snapshot.NewWithFakes(snapshot.Options{
			Kinds: bothKinds, Denied: isDenied,
			AWS: aws, Named: aws, Encode: encode, Overlay: r,
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		r.Start()
		test(t, r)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// encode writes "id:type" for each member.
func encode(members []lsapi.Member) lsapi.EncodedList {
	var body strings.Builder
	for _, m := range members {
		fmt.Fprintf(&body, "%s:%s ", m.ID, m.Instance.Type)
	}
	return lsapi.EncodedList{Body: []byte(body.String())}
}

// Over implements snapshot.Overlay.
func (r *region) Over(pool lsapi.PoolID, ids []lsapi.MemberID, _ time.Time) []lsapi.MemberID {
	r.mu.Lock()
	defer r.mu.Unlock()
	if members, ok := r.overlay[pool]; ok {
		return members
	}
	for _, change := range r.applied {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id lsapi.MemberID) bool { return id == lsapi.InstanceMember(change[1:]) })
		if change[0] == '+' {
			ids = append(ids, lsapi.InstanceMember(change[1:]))
		}
	}
	return ids
}

// Applied calls the snapshot's with an overlay that has the changes. It forgets them at
// once, so that the next read may show that they were undone.
func (r *region) Applied(pool lsapi.PoolID, attached, detached []lsapi.Member) {
	r.mu.Lock()
	for _, instance := range attached {
		r.applied = append(r.applied, "+"+instance.ID.Instance)
	}
	for _, instance := range detached {
		r.applied = append(r.applied, "-"+instance.ID.Instance)
	}
	r.mu.Unlock()
	r.Snapshot.Applied(pool, attached, detached)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied = nil
}

// CatchUp implements snapshot.Overlay.
func (r *region) CatchUp(ctx context.Context, pool lsapi.PoolID) error {
	r.mu.Lock()
	catchUp := r.catchUp
	r.mu.Unlock()
	if catchUp == nil {
		return nil
	}
	return catchUp(ctx, pool)
}

// CatchUpAll implements snapshot.Overlay.
func (r *region) CatchUpAll(ctx context.Context) error {
	r.mu.Lock()
	catchUp := r.catchUpAll
	r.mu.Unlock()
	if catchUp == nil {
		return nil
	}
	return catchUp(ctx)
}

// onCatchUpAll sets what CatchUpAll does from now on.
func (r *region) onCatchUpAll(catchUp func(ctx context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.catchUpAll = catchUp
}

// onCatchUp sets what a look into the record does from now on.
func (r *region) onCatchUp(catchUp func(ctx context.Context, pool lsapi.PoolID) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.catchUp = catchUp
}

// read returns the body, or "!code".
func (r *region) read(t *testing.T, pool lsapi.PoolID, fresh bool) (body string, age time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := r.Read(ctx, pool, fresh)
	if err != nil {
		return "!" + string(lsapi.ErrorCode(err)), 0
	}
	return strings.TrimSpace(string(got.Body)), time.Since(got.AsOf)
}

func (r *region) wantRead(t *testing.T, pool lsapi.PoolID, want string) {
	t.Helper()
	if got, _ := r.read(t, pool, false); got != want {
		t.Errorf("%s reads %q, want %q", pool, got, want)
	}
}

// membersOf returns the instances as members without a port.
func membersOf(instances ...lsapi.Instance) []lsapi.Member {
	members := make([]lsapi.Member, len(instances))
	for i, instance := range instances {
		members[i] = lsapi.Member{ID: lsapi.InstanceMember(instance.ID), Instance: instance}
	}
	return members
}

func arnOf(pool lsapi.PoolID) string { return "arn:aws:" + pool.Name }
