package membership_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"go.uber.org/goleak"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
	"lsapi/internal/emulator"
	emufleet "lsapi/internal/emulator/fleet"
	"lsapi/internal/membership"
	"lsapi/internal/overlay"
)

// The world of a history: reads lag by less than the window, and a call's
// deadline is short, so that calls of unknown outcome are settled within a test.
const (
	historyLag     = 200 * time.Millisecond
	historyWindow  = 300 * time.Millisecond
	historyCall    = time.Second
	historyClients = 10
	historyLength  = 25 // operations a client
)

var historyInstances = []string{"i-0000000a", "i-0000000b"}

// historyMembers are the members of the pools of a history: of a load balancer and a target
// group of one name, and of another group.
var historyMembers = map[lsapi.PoolID][]lsapi.MemberID{
	lsapi.ELB("a"): {{Instance: "i-0000000a"}, {Instance: "i-0000000b"}},
	lsapi.TG("a"):  {{Instance: "i-0000000a", Port: 80}, {Instance: "i-0000000a", Port: 8080}},
	lsapi.TG("b"):  {{Instance: "i-0000000a", Port: 80}, {Instance: "i-0000000b", Port: 80}},
}

// historyPools are sorted, so that a seed determines the requests.
var historyPools = slices.SortedFunc(maps.Keys(historyMembers), lsapi.PoolID.Compare)

// operation is what a client asks; a list is one operation for each member.
type operation struct {
	action lsapi.Action // or "list"
	pool   lsapi.PoolID
	member lsapi.MemberID
}

type poolMember struct {
	pool   lsapi.PoolID
	member lsapi.MemberID
}

// effect is the answer that a client got.
type effect string

const (
	took    effect = "took effect"
	already effect = "was so already"
	none    effect = "changed nothing"
	open    effect = "may have taken effect, or may yet"
	present effect = "is a member"
	absent  effect = "is not a member"
	gone    effect = "ended with its pool"
)

// setOfMembers is the model: each member of each pool by itself is in it or not.
var setOfMembers = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make(map[poolMember][]porcupine.Operation)
		for _, o := range history {
			asked := o.Input.(operation)
			key := poolMember{asked.pool, asked.member}
			parts[key] = append(parts[key], o)
		}
		var result [][]porcupine.Operation
		for _, part := range parts {
			result = append(result, part)
		}
		return result
	},
	Init: func() []any { return []any{false} },
	Step: func(state, input, output any) []any {
		member, wanted := state.(bool), input.(operation).action == lsapi.Attach
		switch output.(effect) {
		case took:
			if member != wanted {
				return []any{wanted}
			}
		case already:
			if member == wanted {
				return []any{member}
			}
		case none:
			return []any{member}
		case open:
			return []any{member, wanted}
		case gone:
			return []any{false}
		case present:
			if member {
				return []any{member}
			}
		case absent:
			if !member {
				return []any{member}
			}
		}
		return nil
	},
	DescribeOperation: func(input, output any) string {
		asked := input.(operation)
		return fmt.Sprintf("%s %s on %s: %s", asked.action, asked.member, asked.pool, output)
	},
}

// history collects operations from concurrent clients.
type history struct {
	began time.Time
	mu    sync.Mutex
	done  []porcupine.Operation
	got   map[effect]int
}

// add notes an operation that was called then and has just returned. One whose
// effect is open may take effect at any time from then on.
func (h *history) add(client int, asked operation, called time.Time, got effect) {
	returned := int64(math.MaxInt64)
	if got != open {
		returned = int64(time.Since(h.began))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got[got]++
	h.done = append(h.done, porcupine.Operation{
		ClientId: client, Input: asked, Output: got, Call: int64(called.Sub(h.began)), Return: returned,
	})
}

func TestHistoriesOfConcurrentChangesAreThoseOfASet(t *testing.T) {
	faults := map[string][]emulator.Fault{
		"nothing fails":      nil,
		"AWS throttles":      {{Action: "*", Kind: emulator.FaultThrottle, Probability: 0.2}},
		"AWS fails":          {{Action: "*", Kind: emulator.Fault500, Probability: 0.3}},
		"answers are lost":   afterAll(emulator.FaultReset, emulator.Fault500, emulator.FaultTimeout),
		"everything at once": slices.Concat(afterAll(emulator.FaultReset, emulator.FaultTimeout), []emulator.Fault{{Action: "*", Kind: emulator.FaultThrottle, Probability: 0.1}, {Action: "*", Kind: emulator.FaultReset, Probability: 0.1}}),
		"calls are swallowed": {
			{Action: "RegisterInstancesWithLoadBalancer", Kind: emulator.FaultTimeout, Probability: 0.2},
			{Action: "RegisterTargets", Kind: emulator.FaultTimeout, Probability: 0.2},
		},
		"health is unavailable": {{Action: "DescribeTargetHealth", Kind: emulator.FaultHealth, Probability: 0.6}},
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	for name, faults := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkHistory(t, rand.Uint64(), faults)
		})
	}
}

// afterAll makes changes be carried out and then fail, in each of the ways.
func afterAll(kinds ...emulator.FaultKind) []emulator.Fault {
	var faults []emulator.Fault
	for _, kind := range kinds {
		for _, action := range []string{"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer", "RegisterTargets", "DeregisterTargets"} {
			faults = append(faults, emulator.Fault{Action: action, Kind: kind, Probability: 0.15, After: true})
		}
	}
	return faults
}

// checkHistory lets clients do what the seed says and checks their answers.
func checkHistory(t *testing.T, seed uint64, faults []emulator.Fault) {
	t.Logf("seed %d", seed)
	aws := startEmulator(t, seed)
	config, err := cloud.Configure(t.Context(), cloud.Options{Region: "us-east-1", Endpoint: aws.url})
	if err != nil {
		t.Fatal(err)
	}
	client := historyAWS{map[lsapi.Kind]adapter{lsapi.KindELB: classic.New(config), lsapi.KindTG: targetgroup.New(config)}, cloud.NewEC2(config)}
	s := newService(client, membership.Options{CallTimeout: historyCall, Overlay: overlay.New(historyWindow)})
	for _, f := range faults {
		if err := aws.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}

	h := &history{began: time.Now(), got: make(map[effect]int)}
	var clients sync.WaitGroup
	for n := range historyClients {
		clients.Go(func() { runClient(t, client, s, h, n, rand.New(rand.NewPCG(seed, uint64(n)))) })
	}
	clients.Wait()
	if err := s.Close(t.Context()); err != nil { // what is open is settled
		t.Errorf("close: %v", err)
	}
	aws.addTruth(h)

	t.Logf("%d operations: %v", len(h.done), h.got)
	if result := porcupine.CheckOperationsTimeout(setOfMembers.ToModel(), h.done, time.Minute); result != porcupine.Ok {
		t.Errorf("the history is not that of a set: %s", result)
		h.explain(t)
	}
	if h.got[took] == 0 || h.got[already] == 0 || h.got[present] == 0 {
		t.Errorf("the history shows too little: %v", h.got)
	}
}

// adapter calls AWS for one kind of pool.
type adapter interface {
	Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error)
	Health(ctx context.Context, pool lsapi.PoolID) (read lsapi.PoolRead, whole bool, err error)
	Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error)
	Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error)
}

// historyAWS calls the adapter of the pool's kind.
type historyAWS struct {
	kinds map[lsapi.Kind]adapter
	*cloud.EC2
}

func (a historyAWS) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	return a.kinds[pool.Kind].Members(ctx, pool)
}

func (a historyAWS) Health(ctx context.Context, pool lsapi.PoolID) ([]lsapi.MemberHealth, error) {
	read, _, err := a.kinds[pool.Kind].Health(ctx, pool)
	return read.Health, err
}

func (a historyAWS) Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return a.kinds[pool.Kind].Register(ctx, pool, incarnation, ids, permit)
}

func (a historyAWS) Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return a.kinds[pool.Kind].Deregister(ctx, pool, incarnation, ids, permit)
}

func runClient(t *testing.T, aws membership.AWS, s *service, h *history, client int, random *rand.Rand) {
	for range historyLength {
		pool := historyPools[random.IntN(len(historyPools))]
		members := historyMembers[pool]
		asked := operation{[]lsapi.Action{lsapi.Attach, lsapi.Detach, "list"}[random.IntN(3)], pool, members[random.IntN(len(members))]}
		patience := 5 * historyCall
		if random.IntN(5) == 0 {
			patience = time.Duration(random.IntN(int(50 * time.Millisecond))) // leaves early
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		switch {
		case asked.action == "list":
			listOnce(ctx, aws, s, h, client, asked)
		case random.IntN(3) == 0:
			changeAllOnce(ctx, t, s, h, client, asked, random.IntN(2) == 0)
		default:
			changeOnce(ctx, t, s, h, client, asked)
		}
		cancel()
	}
}

func listOnce(ctx context.Context, aws membership.AWS, s *service, h *history, client int, asked operation) {
	called := time.Now()
	ids, err := list(ctx, aws, s, asked.pool)
	if err != nil {
		return
	}
	for _, id := range historyMembers[asked.pool] {
		asked.member = id
		got := absent
		if slices.Contains(ids, id) {
			got = present
		}
		h.add(client, asked, called, got)
	}
}

func changeOnce(ctx context.Context, t *testing.T, s *service, h *history, client int, asked operation) {
	called := time.Now()
	_, err := s.Change(ctx, lsapi.Request{Action: asked.action, Pool: asked.pool, Member: asked.member})
	h.add(client, asked, called, effectOf(t, err))
}

// changeAllOnce makes the opposite changes of the pool's two members at once, of which the
// asked one is the first, or requests the set that these lead to.
func changeAllOnce(ctx context.Context, t *testing.T, s *service, h *history, client int, asked operation, isDesired bool) {
	called := time.Now()
	b := lsapi.Bulk{BulkID: fmt.Sprint("bulk-", changes.Add(1)), At: called, Pool: asked.pool}
	for _, member := range historyMembers[asked.pool] {
		item := lsapi.BulkItem{Action: asked.action, Member: member}
		if member != asked.member {
			item.Action = map[lsapi.Action]lsapi.Action{lsapi.Attach: lsapi.Detach, lsapi.Detach: lsapi.Attach}[asked.action]
		}
		if isDesired && item.Action == lsapi.Attach {
			b.Desired = &lsapi.DesiredMembers{Members: []lsapi.MemberID{member}}
		}
		b.Items = append(b.Items, item)
	}
	if isDesired {
		b.Items = nil
	}
	result, err := s.ChangeAll(ctx, b)
	for _, r := range result.Results {
		got := none
		switch r.Outcome {
		case lsapi.OutcomeApplied:
			got = took
		case lsapi.OutcomeConflict:
			got = already
		case lsapi.OutcomeUnknown:
			got = open
		}
		h.add(client, operation{r.Action, asked.pool, r.Member}, called, got)
	}
	if err != nil && effectOf(t, err) != none {
		t.Errorf("the bulk was not decided: %v", err)
	}
}

// effectOf is what an answer promises: a success and a conflict have the state,
// a 503 and a withdrawal that nothing changed; 502 and 504 leave it open.
func effectOf(t *testing.T, err error) effect {
	switch code := lsapi.ErrorCode(err); {
	case code == "":
		return took
	case code == lsapi.CodeConflict:
		return already
	case code == lsapi.CodeThrottled, strings.Contains(err.Error(), "nothing was changed"):
		return none
	case code == lsapi.CodeTimeout, code == lsapi.CodeUpstream:
		return open
	default:
		t.Errorf("an answer that nothing in this world explains: %v", err)
		return open
	}
}

// explain prints the instance with the wrong history.
func (h *history) explain(t *testing.T) {
	for _, part := range setOfMembers.Partition(h.done) {
		if porcupine.CheckOperationsTimeout(setOfMembers.ToModel(), part, time.Minute) == porcupine.Ok {
			continue
		}
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, o := range part {
			t.Logf("%v to %v: %s", time.Duration(o.Call), time.Duration(o.Return), setOfMembers.DescribeOperation(o.Input, o.Output))
		}
	}
}

// emulated is an emulator on a loopback port.
type emulated struct {
	*emulator.Emulator
	url string
}

func startEmulator(t *testing.T, seed uint64) emulated {
	t.Helper()
	var f emufleet.Fleet
	for _, pool := range historyPools {
		if pool.Kind == lsapi.KindELB {
			f.LoadBalancers = append(f.LoadBalancers, emufleet.LoadBalancer{Name: pool.Name})
		} else {
			f.TargetGroups = append(f.TargetGroups, emufleet.TargetGroup{Name: pool.Name, Port: 80})
		}
	}
	for _, id := range historyInstances {
		f.Instances = append(f.Instances, emufleet.Instance{ID: id})
	}
	routed := emufleet.ListenerV2{Protocol: "HTTP", Port: 80, Forward: map[string]int{"a": 1}} // its targets drain
	f.ApplicationLoadBalancers = []emufleet.LoadBalancerV2{{Name: "alb", Listeners: []emufleet.ListenerV2{routed}}}
	e, err := emulator.New(emulator.Options{Fleet: f, Lag: historyLag, Latency: 5 * time.Millisecond, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return emulated{e, server.URL}
}

// addTruth ends the history with what AWS really holds.
func (e emulated) addTruth(h *history) {
	e.ClearFaults()
	now := time.Now()
	for pool, members := range historyMembers {
		held := e.Members(pool.Name)
		if pool.Kind == lsapi.KindTG {
			held = e.Targets(pool.Name)
		}
		for _, id := range members {
			got := absent
			if slices.Contains(held, id.String()) {
				got = present
			}
			h.add(historyClients, operation{"list", pool, id}, now, got)
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
