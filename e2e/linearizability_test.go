package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

var (
	historyLasts = flag.Duration("history", 40*time.Second, "how long replicas are asked and harmed for a history")
	historySeed  = flag.Uint64("history-seed", 0, "what a history is made of; 0 is something else each time")
	unfenced     = flag.Bool("unfenced", false, "build the replicas without the check that a turn is still theirs; then the history has to be wrong")
)

const (
	historyReplicas = 3
	historyClients  = 18
	// historyPatience is for how long a client waits: as long as the service does.
	historyPatience = 32 * time.Second
)

var (
	historyBalancers = []string{"default-elb", "web-elb"}
	historyInstances = []string{spare, otherSpare, spareOfOld}
)

// operation is what a client asks; a list is one operation for each instance.
type operation struct {
	method                 string // POST attaches, DELETE detaches, GET lists afresh
	loadBalancer, instance string
}

// effect is what the client was told.
type effect string

const (
	took    effect = "took effect"
	already effect = "was so already"
	none    effect = "changed nothing"
	maybe   effect = "may have taken effect, or may yet"
	present effect = "is a member"
	absent  effect = "is not a member"
)

// set is the model: each instance of each load balancer by itself is a member, or
// is not.
var set = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make(map[[2]string][]porcupine.Operation)
		for _, o := range history {
			asked := o.Input.(operation)
			key := [2]string{asked.loadBalancer, asked.instance}
			parts[key] = append(parts[key], o)
		}
		return slices.Collect(maps.Values(parts))
	},
	Init: func() []any { return []any{false} },
	Step: func(state, input, output any) []any {
		member, wanted := state.(bool), input.(operation).method == http.MethodPost
		allowed := map[effect][]any{none: {member}, maybe: {member, wanted}}
		switch {
		case member != wanted:
			allowed[took] = []any{wanted}
		default:
			allowed[already] = []any{member}
		}
		if member {
			allowed[present] = []any{member}
		} else {
			allowed[absent] = []any{member}
		}
		return allowed[output.(effect)]
	},
	DescribeOperation: func(input, output any) string {
		asked := input.(operation)
		return fmt.Sprintf("%s %s on %s: %s", asked.method, asked.instance, asked.loadBalancer, output)
	},
}

// effectOf is what an answer promises. A lost connection, 502, 504, and a 503 that
// comes with a change's id leave it open until the end of time.
func effectOf(answer response, err error) effect {
	var never *net.OpError
	switch {
	case errors.As(err, &never) && never.Op == "dial":
		return none // the replica has been killed
	case err != nil:
		return maybe
	case answer.status == http.StatusCreated:
		return took
	case answer.status == http.StatusConflict:
		return already
	case answer.status == http.StatusServiceUnavailable && answer.header.Get("X-Change-Id") == "",
		answer.status == http.StatusBadRequest, answer.status == http.StatusNotFound:
		return none
	case answer.status == http.StatusGatewayTimeout && strings.Contains(answer.body, "nothing was changed"):
		return none
	}
	return maybe
}

// history collects operations from concurrent clients.
type history struct {
	began time.Time
	mu    sync.Mutex
	done  []porcupine.Operation
	told  map[effect]int
}

func (h *history) add(client int, asked operation, called time.Time, told effect) {
	returned := int64(math.MaxInt64)
	if told != maybe {
		returned = int64(time.Since(h.began))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told[told]++
	h.done = append(h.done, porcupine.Operation{
		ClientId: client, Input: asked, Output: told, Call: int64(called.Sub(h.began)), Return: returned,
	})
}

// ask lets a client do one thing and notes what it was told.
func (h *history) ask(number int, c client, asked operation) {
	called := time.Now()
	if asked.method != http.MethodGet {
		answer, err := c.within(historyPatience, asked.method, "/elb/"+asked.loadBalancer, machineID(asked.instance))
		h.add(number, asked, called, effectOf(answer, err))
		return
	}
	answer, err := c.within(historyPatience, http.MethodGet, "/elb/"+asked.loadBalancer, "", "Cache-Control: no-cache")
	if err != nil || answer.status != http.StatusOK {
		return
	}
	for _, instance := range historyInstances {
		asked.instance = instance
		told := absent
		if strings.Contains(answer.body, instance) {
			told = present
		}
		h.add(number, asked, called, told)
	}
}

// harm is what a nemesis does to a replica, or to the AWS of all.
type harm struct {
	name string
	do   func(t *testing.T, c *cluster, r *replica)
}

// pausing is the place of the harm that a lost turn is seen by: a pause is longer
// than a turn lasts.
const pausing = 1

// harms are all that a nemesis knows.
var harms = []harm{
	{"kill -9", func(_ *testing.T, _ *cluster, r *replica) { r.restart(time.Second) }},
	{"pause", func(_ *testing.T, _ *cluster, r *replica) { r.pause(7 * time.Second) }},
	{"cut from PostgreSQL", func(t *testing.T, _ *cluster, r *replica) { cut(t, r.database, 3*time.Second) }},
	{"cut from AWS", func(t *testing.T, _ *cluster, r *replica) { cut(t, r.cloud, 3*time.Second) }},
	{"throttling", func(t *testing.T, c *cluster, _ *replica) {
		c.harmAWS(t, `{"action":"*","kind":"throttle","probability":0.5}`)
	}},
	{"lost answers", func(t *testing.T, c *cluster, _ *replica) {
		c.harmAWS(t, `{"action":"RegisterInstancesWithLoadBalancer","kind":"reset","probability":0.5,"after":true}`,
			`{"action":"DeregisterInstancesFromLoadBalancer","kind":"500","probability":0.5,"after":true}`)
	}},
}

// harmAWS makes AWS fail for a while.
func (c *cluster) harmAWS(t *testing.T, faults ...string) {
	for _, fault := range faults {
		if answer, err := c.aws.within(patience, http.MethodPost, "/_emulator/faults", fault); err != nil || answer.status != http.StatusCreated {
			t.Errorf("fault: %v %s", err, answer.body)
		}
	}
	time.Sleep(3 * time.Second)
	if _, err := c.aws.within(patience, http.MethodDelete, "/_emulator/faults", ""); err != nil {
		t.Error(err)
	}
}

func TestHistoriesThroughReplicasAreThoseOfASet(t *testing.T) {
	t.Parallel()
	seed := cmp.Or(*historySeed, rand.Uint64())
	t.Logf("seed %d", seed)
	latency := "50ms"
	if *unfenced {
		latency = "300ms" // most of a round is waiting, which is when it has to be paused
	}
	c := startCluster(t, historyReplicas, []string{"--lag", "1s", "--latency", latency}, fencing(t)...)
	h := &history{began: time.Now(), told: make(map[effect]int)}
	harmed := h.collect(t, c, seed)
	if !*unfenced { // else who knows when it settles
		c.settle(t)
		c.tellTruth(t, h)
		verify(t, c.store)
	}
	t.Logf("%d operations: %v; harms: %v", len(h.done), h.told, harmed)
	result := porcupine.CheckOperationsTimeout(set.ToModel(), h.done, 2*time.Minute)
	switch {
	case *unfenced && result != porcupine.Illegal:
		t.Errorf("replicas without the check are not caught: %s", result)
	case !*unfenced && result != porcupine.Ok:
		t.Errorf("the history is not that of a set: %s", result)
		h.explain(t)
	}
	if h.told[took] == 0 || h.told[already] == 0 || h.told[present] == 0 {
		t.Errorf("the history shows too little: %v", h.told)
	}
}

// guards are what keeps a replica whose turn is over from going on, in
// internal/store/postgres_turns.go, and what stands there without it.
var guards = map[string]string{
	"if len(epochs) == 0 {\n\t\treturn lsapi.Turn{}, errTurnLost":                 "if len(epochs) > 1 {\n\t\treturn lsapi.Turn{}, errTurnLost",
	"if len(rows) == 0 {\n\t\treturn time.Time{}, errTurnLost(turn.LoadBalancer)": "if len(rows) == 0 {\n\t\treturn time.Now(), nil",
}

// buildUnfenced builds the service from its own source without the guards, and
// returns the binary.
func buildUnfenced(t *testing.T) string {
	t.Helper()
	guarded, err := filepath.Abs("../internal/store/postgres_turns.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(guarded)
	if err != nil {
		t.Fatal(err)
	}
	source := string(text)
	for guard, instead := range guards {
		if strings.Count(source, guard) != 1 {
			t.Fatalf("the guard is not there: %s", guard)
		}
		source = strings.Replace(source, guard, instead, 1)
	}
	folder := t.TempDir()
	replacement, overlay, built := filepath.Join(folder, "turns.go"), filepath.Join(folder, "overlay.json"), filepath.Join(folder, "lsapi")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{guarded: replacement}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(replacement, []byte(source), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("go", "build", "-overlay", overlay, "-o", built, "lsapi/cmd/lsapi").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return built
}

// fencing runs replicas without the guards when the flag says so.
func fencing(t *testing.T) []setting {
	t.Helper()
	if !*unfenced {
		return nil
	}
	return []setting{running(buildUnfenced(t))}
}

// running makes another binary run.
func running(path string) setting { return func(c *exec.Cmd) { c.Path = path } }

// collect lets clients and a nemesis loose, and tells what the nemesis did.
func (h *history) collect(t *testing.T, c *cluster, seed uint64) (harmed map[string]int) {
	deadline := time.Now().Add(*historyLasts)
	var all sync.WaitGroup
	for number := range historyClients {
		// Each stays with one replica: when that is harmed, the others go on.
		r := c.replicas[number%len(c.replicas)]
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(number)))
			for time.Now().Before(deadline) {
				h.ask(number, r.client(), operation{
					method:       []string{http.MethodPost, http.MethodDelete, http.MethodGet}[random.IntN(3)],
					loadBalancer: historyBalancers[random.IntN(len(historyBalancers))],
					instance:     historyInstances[random.IntN(len(historyInstances))],
				})
			}
		})
	}
	harmed = make(map[string]int)
	random := rand.New(rand.NewPCG(seed, math.MaxUint64))
	for time.Now().Before(deadline) {
		harm := harms[random.IntN(len(harms))]
		if *unfenced {
			harm = harms[pausing]
		}
		harmed[harm.name]++
		harm.do(t, c, c.replicas[random.IntN(len(c.replicas))])
	}
	all.Wait()
	return harmed
}

// settle waits until nothing is open any more: longer than a call can take effect,
// and reads lag behind that.
func (c *cluster) settle(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for {
		answer, err := c.replicas[0].client().within(patience, http.MethodGet, "/v1/changes?outcome=open", "")
		if err == nil && answer.status == http.StatusOK && strings.Contains(answer.body, `"changes":[]`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("changes are still open: %v %d %s", err, answer.status, answer.body)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// tellTruth ends the history with what AWS really holds, and asserts that the
// record explains it.
func (c *cluster) tellTruth(t *testing.T, h *history) {
	t.Helper()
	now := time.Now()
	for _, loadBalancer := range historyBalancers {
		members := c.aws.members(loadBalancer)
		for _, instance := range historyInstances {
			told := absent
			if slices.Contains(members, instance) {
				told = present
			}
			h.add(historyClients, operation{http.MethodGet, loadBalancer, instance}, now, told)
		}
		eventually(t, "the record explains who the members of "+loadBalancer+" are", func() bool {
			answer, err := c.replicas[0].client().within(patience, http.MethodGet, "/v1/load-balancers/"+loadBalancer+"/members", "")
			return err == nil && answer.status == http.StatusOK && strings.Count(answer.body, `"instanceId"`) == len(members) &&
				!slices.ContainsFunc(members, func(id string) bool { return !strings.Contains(answer.body, id) })
		})
	}
}

// explain prints the operations of the instances whose history is wrong.
func (h *history) explain(t *testing.T) {
	for _, part := range set.Partition(h.done) {
		if porcupine.CheckOperationsTimeout(set.ToModel(), part, time.Minute) == porcupine.Ok {
			continue
		}
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
		for _, o := range part {
			t.Logf("%d: %v to %v: %s", o.ClientId, time.Duration(o.Call), time.Duration(o.Return), set.DescribeOperation(o.Input, o.Output))
		}
	}
}
