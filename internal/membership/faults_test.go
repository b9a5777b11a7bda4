package membership_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"lsapi"
	"lsapi/internal/membership"
)

// faults decides by a seed what fails.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	level  float64 // multiplies the probabilities; 0: nothing fails
}

func (f *faults) happens(probability float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.Float64() < probability*f.level
}

func (f *faults) upTo(limit time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Duration(f.random.Int64N(int64(limit) + 1))
}

func (f *faults) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.level = 0
}

// faultyRecord is a fakeRecord behind a connection that delays, fails and loses answers.
type faultyRecord struct {
	*fakeRecord
	faults *faults
}

// pass delays a call, and may fail it before it has an effect.
func (r *faultyRecord) pass(ctx context.Context) error {
	delay := r.faults.upTo(5 * time.Millisecond)
	if r.faults.happens(0.05) {
		delay = r.faults.upTo(8 * time.Second)
	}
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	if r.faults.happens(0.05) {
		return unavailable("", nil)
	}
	return nil
}

func (r *faultyRecord) Acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error) {
	if err := r.pass(ctx); err != nil {
		return lsapi.Lease{}, err
	}
	lease, err := r.fakeRecord.Acquire(ctx, pool)
	if err == nil && r.faults.happens(0.03) {
		return lsapi.Lease{}, unavailable("", nil)
	}
	return lease, err
}

func (r *faultyRecord) Renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	if err := r.pass(ctx); err != nil {
		return lease, err
	}
	return r.fakeRecord.Renew(ctx, lease)
}

func (r *faultyRecord) Release(ctx context.Context, lease lsapi.Lease) error {
	if err := r.pass(ctx); err != nil {
		return err
	}
	return r.fakeRecord.Release(ctx, lease)
}

func (r *faultyRecord) LaneState(ctx context.Context, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error) {
	if err := r.pass(ctx); err != nil {
		return lsapi.LaneState{}, err
	}
	return r.fakeRecord.LaneState(ctx, pool, within)
}

// Append may lose the answer, whether or not the events are kept.
func (r *faultyRecord) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	if err := r.pass(ctx); err != nil {
		return lsapi.ChainEnd{}, err
	}
	events, err := r.unrecorded(lease.Pool, events)
	if err != nil {
		return lsapi.ChainEnd{}, err
	}
	uncertain := &lsapi.Error{Code: lsapi.CodeTimeout}
	if r.faults.happens(0.03) {
		return lsapi.ChainEnd{}, uncertain
	}
	head, err := r.fakeRecord.Append(ctx, lease, events)
	if err == nil && r.faults.happens(0.05) {
		time.Sleep(r.faults.upTo(6 * time.Second))
		return lsapi.ChainEnd{}, uncertain
	}
	return head, err
}

// unrecorded returns the events that are not on record, as the stores append them.
func (r *faultyRecord) unrecorded(pool lsapi.PoolID, events []lsapi.Event) (left []lsapi.Event, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.log(pool)
	members := make(map[lsapi.MemberID]bool)
	maps.Copy(members, log.state(0).Members)
	for _, e := range events {
		if e.Kind == lsapi.EventObserved && has(members, e) {
			continue
		}
		setAll(members, e.Added, true)
		setAll(members, e.Removed, false)
		before := slices.IndexFunc(log.events, func(old lsapi.Event) bool { return e.Change.ID != "" && old.Change.ID == e.Change.ID })
		last := before
		for i := range log.events {
			if before >= 0 && log.events[i].Change.ID == e.Change.ID {
				last = i
			}
		}
		switch {
		case last < 0, log.events[last].Change.Outcome == "" && e.Kind != lsapi.EventIntended:
			left = append(left, e)
		case log.events[last].Change.Outcome == e.Change.Outcome:
		case log.events[last].Change.Outcome != "":
			return nil, &lsapi.Error{Code: lsapi.CodeInternal}
		}
	}
	return left, nil
}

// has reports whether the membership on record has what an event observed.
func has(members map[lsapi.MemberID]bool, e lsapi.Event) bool {
	isMember := func(id lsapi.MemberID) bool { return members[id] }
	isNone := func(id lsapi.MemberID) bool { return !members[id] }
	return !slices.ContainsFunc(e.Added, isNone) && !slices.ContainsFunc(e.Removed, isMember)
}

// faultyAWS fails in the ways of AWS. A call has its effect before its deadline, if at all.
type faultyAWS struct {
	*fakeAWS
	faults *faults
}

func (a *faultyAWS) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	if a.faults.happens(0.05) {
		return lsapi.PoolRead{}, &lsapi.Error{Code: lsapi.CodeUpstream}
	}
	if a.faults.happens(0.03) {
		select {
		case <-time.After(a.faults.upTo(8 * time.Second)):
		case <-ctx.Done():
			return lsapi.PoolRead{}, &lsapi.Error{Code: lsapi.CodeTimeout}
		}
	}
	return a.fakeAWS.Members(ctx, pool)
}

func (a *faultyAWS) Health(ctx context.Context, pool lsapi.PoolID) ([]lsapi.MemberHealth, error) {
	if a.faults.happens(0.05) {
		return nil, &lsapi.Error{Code: lsapi.CodeUpstream}
	}
	return a.fakeAWS.Health(ctx, pool)
}

func (a *faultyAWS) Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return a.send(ctx, permit, func(ctx context.Context, permit lsapi.BeforeAttempt) (string, error) {
		return a.fakeAWS.Register(ctx, pool, incarnation, ids, permit)
	})
}

func (a *faultyAWS) Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return a.send(ctx, permit, func(ctx context.Context, permit lsapi.BeforeAttempt) (string, error) {
		return a.fakeAWS.Deregister(ctx, pool, incarnation, ids, permit)
	})
}

func (a *faultyAWS) send(ctx context.Context, permit lsapi.BeforeAttempt, call func(context.Context, lsapi.BeforeAttempt) (string, error)) (string, error) {
	throttled, callLost, answerLost := a.faults.happens(0.05), a.faults.happens(0.05), a.faults.happens(0.05)
	switch {
	case throttled:
		return "", &lsapi.Error{Code: lsapi.CodeThrottled}
	case callLost:
		return "", cutOff()
	case answerLost:
		if id, err := call(ctx, permit); err != nil {
			return id, err
		}
		return "", cutOff()
	case a.faults.happens(0.04): // the call arrives late
		if _, err := permit(ctx); err != nil {
			return "", err
		}
		go a.sendLate(ctx, call)
		return "", cutOff()
	}
	return call(ctx, permit)
}

func (a *faultyAWS) sendLate(ctx context.Context, call func(context.Context, lsapi.BeforeAttempt) (string, error)) {
	deadline, _ := ctx.Deadline()
	time.Sleep(a.faults.upTo(time.Until(deadline) - 2*a.latency))
	_, _ = call(context.WithoutCancel(ctx), func(context.Context) (time.Time, error) { return time.Time{}, nil })
}

// arnAWS sends each change to an incarnation of the pool: AWS takes the ARN of a target group,
// not its name.
type arnAWS struct{ *faultyAWS }

func (a *arnAWS) Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return a.faultyAWS.Register(ofIncarnation(ctx, incarnation), pool, incarnation, ids, permit)
}

func (a *arnAWS) Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return a.faultyAWS.Deregister(ofIncarnation(ctx, incarnation), pool, incarnation, ids, permit)
}

// faultyWorld has replicas that crash, their clients, some of which leave early, and the
// answers.
type faultyWorld struct {
	t       *testing.T
	seed    uint64
	faults  *faults
	record  *fakeRecord
	aws     *faultyAWS
	ends    time.Time
	history *history
	// isReplaced is whether the pool is deleted and made again under its name now and then.
	isReplaced bool
	guards     membership.Guards

	mu       sync.Mutex
	replicas []*service
	replaced time.Time         // when the pool was last replaced
	answers  map[string]effect // by change
	named    map[string]bool   // the changes that an answer named
	bulks    map[string]int    // the items of the bulks; 0 of desired sets
}

const faultyReplicas, faultyClients = 3, 9

// faultyMembers are two ports of one instance, and another instance.
var faultyMembers = []lsapi.MemberID{{Instance: one.Instance, Port: 80}, {Instance: one.Instance, Port: 8080}, {Instance: two.Instance, Port: 80}}

func TestReplicasKeepThePromisesUnderFaults(t *testing.T) {
	keepPromises(t, false)
}

func TestReplicasKeepThePromisesForReplacedPools(t *testing.T) {
	keepPromises(t, true)
}

func keepPromises(t *testing.T, isReplaced bool) {
	seed := rand.Uint64()
	for i := range uint64(8) {
		t.Run(fmt.Sprint(seed+i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFaultyWorld(t, seed+i)
				w.startAll()
				w.isReplaced = isReplaced
				w.run()
			})
		})
	}
}

func newFaultyWorld(t *testing.T, seed uint64) *faultyWorld {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.run(faultyMembers...)
	aws.created, aws.ignoresAbsent = "incarnation 0", true
	aws.lag = time.Duration(seed%10) * time.Second // below the overlay window
	f := &faults{random: rand.New(rand.NewPCG(seed, 0)), level: []float64{0.3, 1, 2}[seed%3]}
	w := &faultyWorld{
		t: t, seed: seed, faults: f, record: newFakeRecord(), aws: &faultyAWS{aws, f},
		ends: time.Now().Add(2 * time.Minute), history: &history{began: time.Now(), got: make(map[effect]int)},
		answers: make(map[string]effect), named: make(map[string]bool), bulks: make(map[string]int),
	}
	return w
}

func (w *faultyWorld) startAll() {
	for n := range faultyReplicas {
		w.replicas = append(w.replicas, w.start(fmt.Sprint(n)))
	}
}

func (w *faultyWorld) start(name string) *service {
	record := &fakeRecord{fakeLogs: w.record.fakeLogs, name: name}
	s := newService(&arnAWS{faultyAWS: w.aws}, membership.Options{Record: &faultyRecord{record, w.faults}, Guards: w.guards})
	for s.Start(w.t.Context()) != nil {
		time.Sleep(100 * time.Millisecond)
	}
	return s
}

func (w *faultyWorld) replica(n int) *service {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.replicas[n]
}

// randomFor returns a source for one goroutine.
func (w *faultyWorld) randomFor(n int) *rand.Rand { return rand.New(rand.NewPCG(w.seed, uint64(n))) }

func (w *faultyWorld) run() {
	var work sync.WaitGroup
	for n := range faultyReplicas {
		work.Go(func() { w.crash(n, w.randomFor(100+n)) })
		work.Go(func() { w.refresh(n, w.randomFor(200+n)) })
	}
	for n := range faultyClients {
		work.Go(func() { w.runClient(n, w.randomFor(300+n)) })
	}
	if w.isReplaced {
		work.Go(func() { w.replace(w.randomFor(400)) })
	}
	time.Sleep(time.Until(w.ends) + 30*time.Second)
	w.faults.end()
	work.Wait()
	time.Sleep(2 * time.Minute) // what is open is settled
	for _, s := range w.replicas {
		if err := s.Close(w.t.Context()); err != nil {
			w.t.Errorf("close: %v", err)
		}
	}
	w.check()
}

// crash ends a replica, with no or some time to finish, and starts another.
func (w *faultyWorld) crash(n int, random *rand.Rand) {
	for generation := 1; ; generation++ {
		time.Sleep(time.Duration(random.Int64N(int64(time.Minute))))
		if time.Now().After(w.ends) {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.Int64N(int64(2*time.Second))))
		_ = w.replica(n).Close(ctx)
		cancel()
		next := w.start(fmt.Sprintf("%d.%d", n, generation))
		w.mu.Lock()
		w.replicas[n] = next
		w.mu.Unlock()
	}
}

// shownAfter bounds the time from the end of a pool until no list shows its members, which
// changes find gone at once: a call that was in flight then, its outcome on record at last, and the overlay window. Until the
// end is on record, lists of one replica may show them, and those of another may not.
const shownAfter = 25 * time.Second

// isSettled reports whether lists agree about the last replacement of the pool.
func (w *faultyWorld) isSettled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.isSettledNow()
}

// isSettledNow is isSettled for a caller that holds mu.
func (w *faultyWorld) isSettledNow() bool { return time.Since(w.replaced) > shownAfter }

// replace ends a pool, and makes another one under its name.
func (w *faultyWorld) replace(random *rand.Rand) {
	for n := 1; ; n++ {
		time.Sleep(time.Duration(random.Int64N(int64(time.Minute))))
		called := time.Now()
		if called.After(w.ends) {
			return
		}
		w.mu.Lock()
		w.replaced = called
		w.mu.Unlock()
		replace(w.aws.fakeAWS, fmt.Sprint("incarnation ", n))
		for i, id := range faultyMembers {
			w.history.add(faultyClients+i, operation{"replace", web, id}, called, gone)
		}
	}
}

// refresh passes what reads find to a replica.
func (w *faultyWorld) refresh(n int, random *rand.Rand) {
	for time.Now().Before(w.ends.Add(time.Minute)) {
		s, began := w.replica(n), time.Now()
		read, err := w.aws.Members(context.Background(), web)
		if err == nil {
			s.found.Observe(web, read, began)
		}
		time.Sleep(time.Duration(random.Int64N(int64(3 * time.Second))))
	}
}

func (w *faultyWorld) runClient(client int, random *rand.Rand) {
	for i := 0; time.Now().Before(w.ends); i++ {
		time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
		s, member := w.replica(random.IntN(faultyReplicas)), faultyMembers[random.IntN(len(faultyMembers))]
		patience := 30 * time.Second
		if random.IntN(4) == 0 {
			patience = time.Duration(random.Int64N(int64(300 * time.Millisecond)))
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		switch kind := random.IntN(9); {
		case kind < 3:
			w.list(ctx, s, client)
		case kind < 6:
			w.change(ctx, s, client, fmt.Sprintf("c%d-%d", client, i), randomAction(random), member)
		default:
			w.changeAll(ctx, s, client, w.randomBulk(random, fmt.Sprintf("b%d-%d", client, i)))
		}
		cancel()
	}
}

func randomAction(random *rand.Rand) lsapi.Action {
	return []lsapi.Action{lsapi.Attach, lsapi.Detach}[random.IntN(2)]
}

// randomBulk returns changes of some members, or a desired set, some with a version of the
// members as they may be.
func (w *faultyWorld) randomBulk(random *rand.Rand, id string) lsapi.Bulk {
	b := lsapi.Bulk{BulkID: id, At: time.Now(), Actor: lsapi.Actor{Name: "alice"}, Pool: web}
	some := slices.DeleteFunc(slices.Clone(faultyMembers), func(lsapi.MemberID) bool { return random.IntN(3) == 0 })
	random.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	if random.IntN(2) == 0 {
		b.Desired = &lsapi.DesiredMembers{Members: some, Additive: random.IntN(2) == 0}
	} else {
		for _, member := range some {
			b.Items = append(b.Items, lsapi.BulkItem{Action: randomAction(random), Member: member})
		}
	}
	if random.IntN(2) == 0 {
		b.IfMatch = []string{lsapi.MembershipVersion(w.aws.members())}
	}
	b.DryRun = random.IntN(8) == 0
	return b
}

func (w *faultyWorld) changeAll(ctx context.Context, s *service, client int, b lsapi.Bulk) {
	called := time.Now()
	result, err := s.ChangeAll(ctx, b)
	if b.DryRun {
		if result.Recorded {
			w.t.Errorf("the dry run %s is on record", b.BulkID)
		}
		return
	}
	if err != nil && len(result.Results) > 0 {
		w.t.Errorf("%s has results with the error %v", b.BulkID, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bulks[b.BulkID] = len(b.Items)
	for _, r := range result.Results {
		got := map[lsapi.Outcome]effect{lsapi.OutcomeApplied: took, lsapi.OutcomeConflict: already, lsapi.OutcomeUnknown: open}[r.Outcome]
		if got == "" {
			got = none
		}
		w.history.add(client, operation{r.Action, web, r.Member}, called, got)
		if r.ChangeID != "" {
			w.answers[r.ChangeID], w.named[r.ChangeID] = got, true
		}
	}
	if err != nil || b.Desired == nil || b.Desired.Additive || !w.isSettledNow() {
		return
	}
	for _, id := range faultyMembers { // that the pool lacked, and is to lack
		if !slices.ContainsFunc(result.Results, func(r lsapi.MemberResult) bool { return r.Member == id }) {
			w.history.add(client, operation{lsapi.Detach, web, id}, called, already)
		}
	}
}

// list reads freshly, and catches up with the record.
func (w *faultyWorld) list(ctx context.Context, s *service, client int) {
	called := time.Now()
	read, err := w.aws.Members(ctx, web)
	if err != nil || s.CatchUp(ctx, web) != nil {
		return
	}
	members := s.recent.Over(web, read.Members, called)
	if !w.isSettled() {
		return
	}
	for _, id := range faultyMembers {
		got := absent
		if slices.Contains(members, id) {
			got = present
		}
		w.history.add(client, operation{"list", web, id}, called, got)
	}
}

func (w *faultyWorld) change(ctx context.Context, s *service, client int, id string, action lsapi.Action, member lsapi.MemberID) {
	called := time.Now()
	r := request(action, member)
	r.ChangeID, r.At = id, called
	result, err := s.Change(ctx, r)
	got := open
	switch lsapi.ErrorCode(err) {
	case "":
		got = took
	case lsapi.CodeConflict:
		got = already
	case lsapi.CodeThrottled, lsapi.CodeUnavailable, lsapi.CodeNotFound: // the pool that was read is gone
		got = none
	}
	w.history.add(client, operation{action, web, member}, called, got)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[id], w.named[id] = got, result.Recorded
}

// check compares the record with the answers and with AWS.
func (w *faultyWorld) check() {
	w.t.Logf("AWS lags %v, %d operations: %v", w.aws.lag, len(w.history.done), w.history.got)
	if w.isReplaced {
		wantAlternation(w.t, w.record)
	} else {
		wantNothingInvented(w.t, w.record)
	}
	w.checkAnswers()
	w.checkBulks()
	state := w.record.log(web).state(0)
	if len(state.Open) > 0 {
		w.t.Errorf("open at the end: %v", state.Open)
	}
	if got, want := slices.SortedFunc(maps.Keys(state.Members), lsapi.MemberID.Compare), w.aws.members(); !slices.Equal(got, want) {
		w.t.Errorf("the record has %v, AWS %v", got, want)
	}
	if result := porcupine.CheckOperationsTimeout(setOfMembers.ToModel(), w.history.done, time.Minute); result != porcupine.Ok {
		w.t.Errorf("the history is not that of a set: %s", result)
		w.history.explain(w.t)
	}
}

// checkAnswers refuses answers that differ from the record, and names of changes that are
// not on record.
func (w *faultyWorld) checkAnswers() {
	outcomes := make(map[string]lsapi.Outcome)
	for _, e := range w.record.recorded() {
		outcomes[e.Change.ID] = e.Change.Outcome
	}
	for id, got := range w.answers {
		outcome, recorded := outcomes[id]
		switch {
		case w.named[id] && !recorded:
			w.t.Errorf("an answer names %s, which is not on record", id)
		case got == took && outcome != lsapi.OutcomeApplied,
			got == already && outcome != lsapi.OutcomeConflict,
			got == none && outcome == lsapi.OutcomeApplied:
			w.t.Errorf("%s: the client got %q, and the record says %q", id, got, outcome)
		}
	}
}

// checkBulks refuses bulks of which only a part is on record, and changes that began when the
// members did not have the version of their precondition.
func (w *faultyWorld) checkBulks() {
	members := make(map[lsapi.MemberID]bool)
	changes := make(map[string]map[string]bool) // on record, by bulk
	intended := make(map[string]bool)
	met := 0
	for _, e := range w.record.recorded() {
		c := e.Change
		if c.Bulk != "" {
			if changes[c.Bulk] == nil {
				changes[c.Bulk] = make(map[string]bool)
			}
			changes[c.Bulk][c.ID] = true
			intended[c.Bulk] = intended[c.Bulk] || e.Kind == lsapi.EventIntended
		}
		if e.Kind == lsapi.EventCheckpoint {
			clear(members)
			setAll(members, e.Members, true)
		}
		setAll(members, e.Added, true)
		setAll(members, e.Removed, false)
		if c.Outcome == lsapi.OutcomeApplied {
			setAll(members, []lsapi.MemberID{c.Member}, c.Action == lsapi.Attach)
		}
		if e.Kind == lsapi.EventIntended && c.IfMatch != "" {
			met++
			if c.IfMatch != lsapi.MembershipVersion(slices.Collect(maps.Keys(members))) {
				w.t.Errorf("change %s required the version %s, and began with %v", c.ID, c.IfMatch, members)
			}
		}
	}
	for id, items := range w.bulks {
		if intended[id] && items > 0 && len(changes[id]) != items {
			w.t.Errorf("of the %d changes of bulk %s %d are on record", items, id, len(changes[id]))
		}
	}
	w.t.Logf("%d of %d bulks have intents, %d changes met a precondition", len(intended), len(w.bulks), met)
}
