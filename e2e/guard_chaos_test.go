package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi/internal/record/postgrestest"
)

const (
	detachers     = 200
	detachingTime = 20 * time.Second
	// registrationDelay is the time until an attached member of a generated fleet is in
	// service.
	registrationDelay = time.Second
)

// guardedPools are pools of 40 members each, and the members that must be in service by the
// policy: 60% of 40 may be out.
var guardedPools = map[string]int{"elb/elb-0001": 12, "tg/tg-0001": 16}

const guardPolicy = `guards:
- {pools: ["elb/*"], minInService: 12}
- {pools: ["tg/*"], maxOut: 60%}
`

// detacher is a client that empties the pools by every kind of write.
type detacher struct {
	random  *rand.Rand
	members map[string][]string // by pool
	last    string              // the id of its last applied change
	answers map[string]int
}

// Clients that detach everything at once never leave a pool with fewer in service than its
// guard demands, whatever fails meanwhile.
func TestGuardsHoldWhileClientsDetachEverything(t *testing.T) {
	t.Parallel()
	c := startGuarded(t)
	began := time.Now()
	deadline := began.Add(detachingTime)
	members := make(map[string][]string)
	for pool := range guardedPools {
		members[pool] = c.aws.membersOf(pool)
	}
	clients := make([]*detacher, detachers)
	var working sync.WaitGroup
	for i := range clients {
		clients[i] = &detacher{random: rand.New(rand.NewPCG(rand.Uint64(), uint64(i))), members: members, answers: make(map[string]int)}
		working.Go(func() {
			for time.Now().Before(deadline) {
				clients[i].write(c)
				time.Sleep(time.Duration(clients[i].random.IntN(1000)) * time.Millisecond)
			}
		})
	}
	faults := &chaosRecorder{run: &chaosRun{Began: began}}
	faults.fail(t, c, slices.Concat(replicaFaults[:2], awsFaults[:2]), rand.Uint64(), deadline)
	working.Wait()
	s := c.replicas[0].client().on(t)
	eventually(t, "every change has an outcome", func() bool { return strings.Contains(s.get("/v1/changes?outcome=open").body, `"changes":[]`) })
	verify(t, c.store)
	reportAnswers(t, clients, len(faults.run.Faults))
	judgeGuards(t, members, c.aws.history())
}

// startGuarded starts three replicas with the policy on a PostgreSQL of their own.
func startGuarded(t *testing.T) *chaosCluster {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(guardPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &chaosCluster{cluster: &cluster{
		aws:   startAWS(t, "--fleet", "1x40+tg:1x40", "--lag", "2s", "--latency", "50ms", "--throttle", "aws"),
		store: postgrestest.URL(t),
	}}
	for range 3 {
		c.replicas = append(c.replicas, c.start(t, with("POLICY="+policy)))
	}
	eventually(t, "every replica knows the group", func() bool {
		return !slices.ContainsFunc(c.replicas, func(r *replica) bool { return !strings.Contains(r.client().get("/v1/pools/tg/tg-0001").body, `"port"`) })
	})
	return c
}

// write sends one request through one of the replicas.
func (d *detacher) write(c *chaosCluster) {
	pool := slices.Sorted(maps.Keys(d.members))[d.random.IntN(len(d.members))]
	path := "/v1/pools/" + pool + "/members"
	kind := "detach"
	var method, body string
	switch d.random.IntN(12) {
	case 0:
		kind, method, body = "bulk", http.MethodPatch, `{"detach":`+d.some(pool, 10)+`}`
	case 1:
		kind, method, body = "set", http.MethodPut, `{"members":`+d.some(pool, 3)+`}`
	case 2:
		kind, method, body = "attach", http.MethodPatch, `{"attach":`+d.some(pool, 5)+`}`
	case 3:
		kind, method, path = "undo", http.MethodPost, "/v1/changes/"+d.last+"/undo"
		if d.last == "" {
			return
		}
	default:
		method, path, body = poolMember{pool, d.members[pool][d.random.IntN(len(d.members[pool]))]}.request("detach")
	}
	answer, err := c.replicas[d.random.IntN(len(c.replicas))].client().within(clientTimeout, method, path, body)
	d.note(kind, answer, err)
}

// some returns random members of a pool as a JSON list.
func (d *detacher) some(pool string, n int) string {
	all := d.members[pool]
	chosen := make([]string, n)
	for i, j := range d.random.Perm(len(all))[:n] {
		chosen[i] = `"` + all[j] + `"`
	}
	return "[" + strings.Join(chosen, ",") + "]"
}

func (d *detacher) note(kind string, answer response, err error) {
	if err != nil {
		d.answers["lost"]++
		return
	}
	if answer.status < http.StatusMultipleChoices && answer.header.Get("X-Change-Id") != "" {
		d.last = answer.header.Get("X-Change-Id")
	}
	d.answers[fmt.Sprint(kind, " ", answer.status, " ", answer.header.Get("X-Error-Code"))]++
	if strings.Contains(answer.body, `"guard.`) || strings.Contains(answer.body, "a guard refuses") {
		d.answers["refused by a guard"]++
	}
}

// reportAnswers refuses failures of the service, and a run that shows too little.
func reportAnswers(t *testing.T, clients []*detacher, faults int) {
	t.Helper()
	answers := make(map[string]int)
	for _, d := range clients {
		for answer, n := range d.answers {
			answers[answer] += n
		}
	}
	t.Logf("%d faults, answers: %v", faults, answers)
	for answer := range answers {
		if strings.Contains(answer, " 500 ") || strings.Contains(answer, " 400 ") {
			t.Errorf("an answer is %s", answer)
		}
	}
	if faults < 4 || answers["refused by a guard"] < 20 {
		t.Error("too little happened")
	}
}

// judgeGuards finds the moments at which AWS had fewer members in service than the policy
// demands, and pools that never came near it.
func judgeGuards(t *testing.T, begin map[string][]string, history []awsChange) {
	t.Helper()
	for pool, least := range guardedPools {
		since := make(map[string]time.Time)
		for _, id := range begin[pool] {
			since[id] = time.Time{}
		}
		lowest := len(since)
		for _, e := range history {
			if e.Pool != pool {
				continue
			}
			if e.Action == "attach" {
				since[e.Member] = e.At
				continue
			}
			delete(since, e.Member)
			serving := 0
			for _, at := range since {
				if !e.At.Before(at.Add(registrationDelay)) {
					serving++
				}
			}
			if lowest = min(lowest, serving); serving < least {
				t.Errorf("%s: after the detach of %s at %v only %d are in service", pool, e.Member, e.At, serving)
			}
		}
		t.Logf("%s had at least %d in service", pool, lowest)
		if lowest > least+1 {
			t.Errorf("%s was never near its guard: %d were in service at least", pool, lowest)
		}
	}
}
