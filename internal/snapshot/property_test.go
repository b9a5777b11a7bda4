package snapshot_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/emulator"
	"lsapi/internal/membership"
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
	"lsapi/internal/snapshot"
)

// The rule of reading. A list that was asked for at c, was answered at r and says
// to be as of T has
//
//  1. T no earlier than c when it is fresh (no-cache); else no earlier than c
//     less the bound, or less MaxStaleOnError in a world in which AWS fails, or
//     when its calls were slow since T, because the machine has much else to do;
//  2. for each instance what was true of it at some moment from T less AWS's lag
//     to r: nothing that never was, nothing older than the list says to be;
//  3. that moment not before a change of ours took effect that was acknowledged
//     before c: no list goes back behind our own writes;
//  4. one exception, the price of the overlay: what a change of ours made of the
//     instance is also shown while T is within the overlay window after it, even
//     when somebody else has undone it since. It does not excuse what a later
//     acknowledged change of ours contradicts.
//
// Of a load balancer that only others change the list as a whole was true at one
// such moment: changes of several instances at once are never seen by halves.
// Not found is a list like others, of a load balancer that is not there, as of a
// bound before it was asked for.
//
// Truth is what the emulator held after each change, with the times between which
// it was carried out (wire_test.go).
const (
	propertyLag      = 200 * time.Millisecond
	propertyWindow   = 300 * time.Millisecond // of the overlay, above the lag
	propertyBound    = 300 * time.Millisecond
	propertyOnError  = 10 * time.Second
	propertyCall     = time.Second
	propertyDuration = 2000 * time.Millisecond
	propertyClients  = 12
	propertyPatience = 2 * time.Minute // for enough to happen
)

// The load balancers: one that only others change, one that others also delete
// and create, one that everybody changes. There, some instances are changed by us
// alone, some by others alone, and some by both.
const (
	theirs   = "elb-theirs"
	comes    = "elb-comes"
	everyone = "elb-everyone"
)

var (
	oursOnly, theirsOnly, contested = []lsapi.MemberID{lsapi.InstanceMember("i-0000000a"), lsapi.InstanceMember("i-0000000b")}, []lsapi.MemberID{lsapi.InstanceMember("i-0000000c"), lsapi.InstanceMember("i-0000000d")}, []lsapi.MemberID{lsapi.InstanceMember("i-0000000e")}
	propertyInstances               = slices.Concat(oursOnly, theirsOnly, contested)
	propertyBalancers               = []lsapi.PoolID{lsapi.ELB(theirs), lsapi.ELB(comes), lsapi.ELB(everyone)}
)

func TestReadsAreConsistentWithWritesAndBounded(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	for name, faults := range map[string][]emulator.Fault{
		"nothing fails":     nil,
		"AWS throttles":     {{Action: "*", Kind: emulator.FaultThrottle, Probability: 0.2}},
		"AWS fails":         {{Action: "*", Kind: emulator.Fault500, Probability: 0.3}},
		"listings are lost": {{Action: "DescribeLoadBalancers", Kind: emulator.FaultReset, Probability: 0.5}},
		"lookups fail":      {{Action: "DescribeInstances", Kind: emulator.Fault500, Probability: 0.6}},
		"answers are late":  {{Action: "DescribeLoadBalancers", Kind: emulator.FaultTimeout, After: true, Delay: 100 * time.Millisecond, Probability: 0.3}},
		"answers of ours are lost": {
			{Action: "RegisterInstancesWithLoadBalancer", Kind: emulator.FaultReset, After: true, Probability: 0.2},
			{Action: "DeregisterInstancesFromLoadBalancer", Kind: emulator.Fault500, After: true, Probability: 0.2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w := newPropertyWorld(t, seed, faults)
			w.run(seed)
			w.check()
		})
	}
}

// propertyWorld is a snapshot and lanes over the wire from an emulator, those who
// use them, and what they saw.
type propertyWorld struct {
	t       *testing.T
	aws     *wire
	calls   *timedAWS
	lists   *snapshot.Snapshot
	members *membership.Service
	// bearable is how old lists may be: longer where AWS fails.
	bearable time.Duration

	mu      sync.Mutex
	reads   []observation
	failed  []failedRead // in a world in which nothing fails
	changes []ownChange
}

// observation is what a reader got.
type observation struct {
	pool     lsapi.PoolID
	fresh    bool
	called   time.Time
	returned time.Time
	asOf     time.Time
	bound    time.Duration // at most, if AWS does not fail
	members  string        // as of a revision; absent when it was not found
}

// failedRead is a read that got an error.
type failedRead struct {
	called, returned time.Time
	err              error
}

// ownChange is a change through the lanes that may have taken effect.
type ownChange struct {
	action           lsapi.Action
	member           lsapi.MemberID
	called, returned time.Time
	acknowledged     bool
}

func newPropertyWorld(t *testing.T, seed uint64, faults []emulator.Fault) *propertyWorld {
	w := &propertyWorld{t: t, aws: startWire(t, seed), bearable: propertyBound}
	config, err := cloud.Configure(t.Context(), cloud.Options{Region: "us-east-1", Endpoint: w.aws.url})
	if err != nil {
		t.Fatal(err)
	}
	client := classicOnly{classic.New(config), cloud.NewEC2(config)}
	w.calls = &timedAWS{AWS: client}
	recent := overlay.New(propertyWindow)
	w.lists = snapshot.NewWithFakes(snapshot.Options{
		AWS: w.calls, Named: w.calls, Encode: encode, Overlay: singleOverlay{recent},
		MaxStaleness: propertyBound, MaxStaleOnError: propertyOnError, IdleAfter: time.Minute,
	})
	recent.Listen(w.lists.Applied)
	w.members = membership.New(lanesAWS(client), membership.Options{
		Record: nopRecord{}, Overlay: recent, Inbox: observe.New(recent, nopRecord{}, nil), CallTimeout: propertyCall,
	})
	w.lists.Start()
	for _, f := range faults {
		w.bearable = propertyOnError
		if err := w.aws.emulator.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// classicOnly reads Classic load balancers and instances.
type classicOnly struct {
	*classic.Client
	*cloud.EC2
}

func (c classicOnly) Pools(ctx context.Context, _ lsapi.Kind) iter.Seq2[[]lsapi.Pool, error] {
	return c.Client.Pools(ctx)
}

// singleOverlay is the overlay of a process without replicas.
type singleOverlay struct{ *overlay.Overlay }

func (singleOverlay) CatchUp(context.Context, lsapi.PoolID) error { return nil }
func (singleOverlay) CatchUpAll(context.Context) error            { return nil }

// nopRecord is the record of lanes: it takes everything and keeps nothing.
type nopRecord struct{}

func (nopRecord) Acquire(_ context.Context, pool lsapi.PoolID) (lsapi.Lease, error) {
	return lsapi.Lease{Pool: pool}, nil
}
func (nopRecord) Renew(_ context.Context, lease lsapi.Lease) (lsapi.Lease, error) { return lease, nil }
func (nopRecord) Release(context.Context, lsapi.Lease) error                      { return nil }
func (nopRecord) Append(context.Context, lsapi.Lease, []lsapi.Event) (lsapi.ChainEnd, error) {
	return lsapi.ChainEnd{}, nil
}
func (nopRecord) LaneState(context.Context, lsapi.PoolID, time.Duration) (lsapi.LaneState, error) {
	return lsapi.LaneState{}, nil
}
func (nopRecord) Health(context.Context, lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
	return nil, nil
}
func (nopRecord) Later(context.Context, lsapi.Change) ([]lsapi.Change, error) { return nil, nil }

func (nopRecord) Unfinished(context.Context, time.Duration) ([]lsapi.PoolID, error) { return nil, nil }

// run lets everybody do what the seed says for a while, and stops.
func (w *propertyWorld) run(seed uint64) {
	// A machine that has much else to do needs more than one go.
	began := time.Now()
	for goes := uint64(0); goes == 0 || !w.isEnough() && time.Since(began) < propertyPatience; goes++ {
		w.use(seed + goes)
	}
	w.aws.emulator.ClearFaults()
	for _, pool := range propertyBalancers {
		w.read(pool, true)
	}
	if err := w.members.Close(w.t.Context()); err != nil {
		w.t.Errorf("close the lanes: %v", err)
	}
	if err := w.lists.Close(w.t.Context()); err != nil {
		w.t.Errorf("close the snapshot: %v", err)
	}
}

// isEnough reports whether so much has happened that it says something.
func (w *propertyWorld) isEnough() bool {
	w.aws.mu.Lock() // a call that was cut off may still be carried out
	defer w.aws.mu.Unlock()
	return len(w.reads) >= 30 && len(w.changes) >= 5 && len(w.aws.revisions[lsapi.ELB(theirs)]) >= 6
}

// use lets clients and outsiders do what they do for a while.
func (w *propertyWorld) use(seed uint64) {
	var clients sync.WaitGroup
	end := time.Now().Add(propertyDuration)
	for n := range propertyClients {
		clients.Go(func() { w.client(end, rand.New(rand.NewPCG(seed, uint64(n)))) })
	}
	for n, outsider := range w.aws.outsiders() {
		random := rand.New(rand.NewPCG(seed, uint64(propertyClients+n)))
		clients.Go(func() {
			for time.Now().Before(end) {
				outsider(w.t, random)
				pause(random, 20*time.Millisecond)
			}
		})
	}
	clients.Wait()
}

// client reads, and now and then changes and reads what it did.
func (w *propertyWorld) client(end time.Time, random *rand.Rand) {
	for time.Now().Before(end) {
		if random.IntN(4) == 0 {
			w.change(random)
			w.read(lsapi.ELB(everyone), random.IntN(2) == 0)
			continue
		}
		w.read(propertyBalancers[random.IntN(len(propertyBalancers))], random.IntN(8) == 0)
		pause(random, 10*time.Millisecond)
	}
}

func (w *propertyWorld) change(random *rand.Rand) {
	mine := slices.Concat(oursOnly, contested)
	c := ownChange{
		action: []lsapi.Action{lsapi.Attach, lsapi.Detach}[random.IntN(2)],
		member: mine[random.IntN(len(mine))],
		called: time.Now(),
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	defer cancel()
	_, err := w.members.Change(ctx, lsapi.Request{Action: c.action, Pool: lsapi.ELB(everyone), Member: c.member})
	switch code := lsapi.ErrorCode(err); code {
	case "":
		c.returned, c.acknowledged = time.Now(), true
	case lsapi.CodeTimeout, lsapi.CodeUpstream:
		c.returned = c.called.Add(time.Hour) // open: after all else
	case lsapi.CodeConflict, lsapi.CodeThrottled:
		return
	default:
		w.t.Errorf("a change that nothing in this world explains: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, c)
}

func (w *propertyWorld) read(pool lsapi.PoolID, fresh bool) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
	defer cancel()
	o := observation{pool: pool, fresh: fresh, called: time.Now(), bound: w.lists.Stats().Bound}
	list, err := w.lists.Read(ctx, pool, fresh)
	o.returned, o.bound = time.Now(), max(o.bound, w.lists.Stats().Bound)
	switch code := lsapi.ErrorCode(err); {
	case err == nil:
		o.asOf, o.members = list.AsOf, w.idsOf(list)
	case code == lsapi.CodeNotFound:
		o.asOf, o.members = o.called, absent
		if !fresh {
			o.asOf = o.called.Add(-o.bound)
		}
		if pool != lsapi.ELB(comes) {
			w.t.Errorf("%s is not found", pool)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !o.asOf.IsZero():
		w.reads = append(w.reads, o)
	case w.bearable == propertyBound:
		w.failed = append(w.failed, failedRead{o.called, o.returned, err})
	}
}

// idsOf returns the members in the form of a revision's. EC2 knows them all.
func (w *propertyWorld) idsOf(list *lsapi.EncodedList) string {
	var ids []string
	for field := range strings.FieldsSeq(string(list.Body)) {
		id, kind, _ := strings.Cut(field, ":")
		if kind == "" {
			w.t.Errorf("%s is shown as unknown", id)
		}
		ids = append(ids, id)
	}
	return membersText(ids)
}

// check holds each read against the rule.
func (w *propertyWorld) check() {
	violations := 0
	for _, o := range w.reads {
		problem := w.problem(o)
		if problem == "" {
			continue
		}
		if violations++; violations <= 5 {
			w.t.Errorf("%s: fresh %v, asked at %v, answered at %v, as of %v, shows %q; truth:\n%s", problem, o.fresh,
				w.aws.since(o.called), w.aws.since(o.returned), w.aws.since(o.asOf), o.members, w.aws.history(o.pool, o.asOf.Add(-propertyOnError/20), o.returned))
		}
	}
	for _, f := range w.failed {
		if !w.calls.wasSlow(f.called, f.returned) {
			w.t.Errorf("nothing fails, and a read does: %v", f.err)
		}
	}
	w.t.Logf("%d reads, %d failed, %d changes of ours, %d revisions, %d violations, %d slow calls",
		len(w.reads), len(w.failed), len(w.changes), len(w.aws.revisions[lsapi.ELB(everyone)]), violations, len(w.calls.slow))
	if !w.isEnough() {
		w.t.Error("too little has happened")
	}
}

// problem says in which way an observation breaks the rule, if it does.
func (w *propertyWorld) problem(o observation) string {
	oldest := o.called
	if !o.fresh {
		oldest = oldest.Add(-max(w.bearable, o.bound))
	}
	if o.asOf.Before(oldest) && !o.fresh && w.calls.wasSlow(o.asOf, o.returned) {
		oldest = o.called.Add(-propertyOnError)
	}
	if o.asOf.Before(oldest) {
		return "it is too old by " + oldest.Sub(o.asOf).String()
	}
	from := o.asOf.Add(-propertyLag)
	if o.pool != lsapi.ELB(everyone) {
		if !w.aws.held(o.pool, from, o.returned, func(members string) bool { return members == o.members }) {
			return "it never was so, or not lately"
		}
		return ""
	}
	for _, id := range propertyInstances {
		shown := strings.Contains(o.members, id.String())
		if !w.explained(o, id, shown, from) {
			return fmt.Sprintf("%s: member is %v, which it was not, or not lately", id, shown)
		}
	}
	return ""
}

// explained reports whether an instance may be shown as a member, or as none.
func (w *propertyWorld) explained(o observation, id lsapi.MemberID, shown bool, from time.Time) bool {
	last := w.acknowledged(id, o.called)
	if took := w.effect(last, id); took.After(from) {
		from = took
	}
	if w.aws.held(lsapi.ELB(everyone), from, o.returned, func(members string) bool { return strings.Contains(members, id.String()) == shown }) {
		return true
	}
	return slices.ContainsFunc(w.changes, func(c ownChange) bool {
		return c.member == id && (c.action == lsapi.Attach) == shown &&
			c.called.Before(o.returned) && !c.returned.Before(o.asOf.Add(-propertyWindow)) && !c.returned.Before(last.called)
	})
}

// acknowledged returns the last of our changes of the instance that had been
// acknowledged by then; the zero value when there is none.
func (w *propertyWorld) acknowledged(id lsapi.MemberID, by time.Time) (last ownChange) {
	for _, c := range w.changes {
		if c.member == id && c.acknowledged && c.returned.Before(by) && c.called.After(last.called) {
			last = c
		}
	}
	return last
}

// effect returns when a change took effect, at the earliest.
func (w *propertyWorld) effect(c ownChange, id lsapi.MemberID) time.Time {
	if !c.acknowledged {
		return time.Time{}
	}
	return w.aws.first(lsapi.ELB(everyone), c.called, func(members string) bool {
		return strings.Contains(members, id.String()) == (c.action == lsapi.Attach)
	})
}

// pause waits for a random part of the most.
func pause(random *rand.Rand, most time.Duration) {
	time.Sleep(time.Duration(random.Int64N(int64(most))))
}

// lanesAWS is what lanes need of AWS.
type lanesAWS struct {
	*classic.Client
	*cloud.EC2
}

func (a lanesAWS) Health(ctx context.Context, pool lsapi.PoolID) ([]lsapi.MemberHealth, error) {
	read, _, err := a.Client.Health(ctx, pool)
	return read.Health, err
}
