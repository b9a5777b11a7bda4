package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"lsapi/internal/record/postgrestest"
)

const (
	chaosClients = 18
	// clientTimeout is a client's timeout, equal to the service's.
	clientTimeout = 32 * time.Second
)

// poolsFleet is the fleet of testdata/pools.yaml.
const poolsFleet = "testdata/pools.yaml"

// chaosMembers are attached and detached: in a Classic load balancer and a target group of
// one name, in the latter one instance on two ports, and addresses in and outside of the
// VPC. None is a member at the start.
var chaosMembers = []poolMember{
	{"elb/web", spare}, {"elb/web", otherSpare}, {"elb/web", spareOfOld},
	{"tg/web", spare + ":8080"}, {"tg/web", spare + ":9000"}, {"tg/web", otherSpare + ":8080"},
	{"tg/addresses", "10.9.0.7:80"}, {"tg/addresses", "172.16.0.7:80"},
}

var chaosPools = []string{"elb/web", "tg/addresses", "tg/web"}

// groupPorts are the ports that members of groups can leave out.
var groupPorts = map[string]string{"tg/web": ":8080", "tg/addresses": ":80"}

// chaosCluster is a cluster under faults.
type chaosCluster struct {
	*cluster
	server *postgrestest.Crashing // nil with SQLite
	folder string                 // of its logs, and of a failed run
}

func (c *chaosCluster) databases() []*toxiproxy.Proxy {
	ways := make([]*toxiproxy.Proxy, len(c.replicas))
	for i, r := range c.replicas {
		ways[i] = r.database
	}
	return ways
}

// startChaos starts three replicas on a PostgreSQL of their own, or an owner of a
// SQLite file and a standby.
func startChaos(t *testing.T, scenario chaosScenario) *chaosCluster {
	t.Helper()
	c := &chaosCluster{cluster: &cluster{aws: startAWS(t, append([]string{"--fleet", absolute(t, poolsFleet)}, scenario.emulator...)...)}, folder: chaosFolder(t)}
	n := 2
	if scenario.store == "PostgreSQL" {
		c.server, n = postgrestest.New(t), 3
		c.store = c.server.URL()
	} else {
		c.store = sqliteURL(filepath.Join(t.TempDir(), "lsapi.db"))
	}
	for i := range n {
		settings, clock := fencing(t), filepath.Join(t.TempDir(), "clock")
		if len(scenario.clocks) > 0 {
			settings = append(settings, withClock(t, clock, scenario.clocks[i]))
		}
		r := c.start(t, settings...)
		r.clock, r.logs, r.service.logs = clock, c.folder, c.folder
		c.replicas = append(c.replicas, r)
	}
	return c
}

// chaosFolder returns a folder that is kept when the test fails.
func chaosFolder(t *testing.T) string {
	t.Helper()
	if *chaosKeep != "" {
		folder := filepath.Join(*chaosKeep, strings.ReplaceAll(filepath.Base(t.Name()), "'", ""))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	folder, err := os.MkdirTemp("", "lsapi-chaos-") //nolint:usetesting // it is kept when the test fails
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			os.RemoveAll(folder)
		}
	})
	return folder
}

// chaosRecorder records a run.
type chaosRecorder struct {
	mu  sync.Mutex
	run *chaosRun
}

// run runs clients and faults, and returns the observations.
func (c *chaosCluster) run(t *testing.T, scenario chaosScenario, name string, seed uint64) *chaosRun {
	t.Helper()
	r := &chaosRecorder{run: &chaosRun{Scenario: name, Seed: seed, Began: time.Now(), Begin: c.membersInAWS()}}
	deadline := r.run.Began.Add(scenario.lasts)
	var working sync.WaitGroup
	for number := range chaosClients {
		random := rand.New(rand.NewPCG(seed, uint64(number)))
		working.Go(func() {
			for time.Now().Before(deadline) || r.isThin() && time.Now().Before(deadline.Add(atMostLonger)) {
				r.ask(c, number, number < scenario.leavers, random)
			}
		})
	}
	r.fail(t, c, scenario.faults, seed, deadline)
	working.Wait()
	r.run.Lasted = time.Since(r.run.Began)
	if !*unfenced { // without the check it may never settle
		r.settle(c)
	}
	r.collect(t, c)
	return r.run
}

// atMostLonger extends a run with too few operations, on a busy machine.
const atMostLonger = 10 * time.Minute

// isThin reports whether too few operations or faults have happened.
func (r *chaosRecorder) isThin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.run.thin() != ""
}

func (r *chaosRecorder) since() time.Duration { return time.Since(r.run.Began) }

// ask sends one random request and records the response. A client stays with one replica:
// when that has a fault, the clients of others continue.
func (r *chaosRecorder) ask(c *chaosCluster, client int, leaves bool, random *rand.Rand) {
	o := chaosOperation{
		Client: client, Replica: client % len(c.replicas),
		Action:      []string{"attach", "detach", "list"}[random.IntN(3)],
		poolMember:  chaosMembers[random.IntN(len(chaosMembers))],
		WithoutPort: random.IntN(2) == 0,
	}
	bound := clientTimeout
	if leaves {
		bound = disconnectsAfter(random)
	}
	o = r.do(c, o, bound)
	if leaves || o.NotSent || o.Status == http.StatusServiceUnavailable {
		// Otherwise requests that fail at once would dominate.
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
	}
}

// disconnectsAfter returns when a client disconnects: before its request can take effect, or
// while it is in flight.
func disconnectsAfter(random *rand.Rand) time.Duration {
	if random.IntN(3) == 0 {
		return time.Duration(60+random.IntN(1500)) * time.Millisecond
	}
	return time.Duration(10+random.IntN(50)) * time.Millisecond
}

// do sends one request with a timeout, and records and returns the operation.
func (r *chaosRecorder) do(c *chaosCluster, o chaosOperation, bound time.Duration) chaosOperation {
	r.mu.Lock()
	o.ID = fmt.Sprintf("chaos-%d-%d", o.Client, len(r.run.Operations))
	r.run.Operations = append(r.run.Operations, chaosOperation{ID: o.ID}) // reserves its place
	place := len(r.run.Operations) - 1
	r.mu.Unlock()

	method, path, body, headers := o.request()
	o.Called = r.since()
	answer, err := c.replicas[o.Replica].client().within(bound, method, path, body, headers...)
	o.Returned = r.since()
	o.note(answer, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Operations[place] = o
	return o
}

// request returns the operation's request.
func (o chaosOperation) request() (method, path, body string, headers []string) {
	headers = []string{"X-Request-Id: " + o.ID}
	if o.Action == "list" {
		return http.MethodGet, listPath(o.Pool), "", append(headers, noCache)
	}
	written := o.poolMember
	if port := groupPorts[o.Pool]; port != "" && o.WithoutPort {
		written.Member = strings.TrimSuffix(written.Member, port)
	}
	method, path, body = written.request(o.Action)
	return method, path, body, headers
}

// note notes the response to an operation.
func (o *chaosOperation) note(answer response, err error) {
	if err != nil {
		o.Error, o.NotSent = err.Error(), neverSent(err)
		return
	}
	o.Status, o.ChangeID, o.Body = answer.status, answer.header.Get("X-Change-Id"), answer.body
	if o.Action != "list" {
		o.Outcome = o.outcome(o.Action, answer)
		return
	}
	o.Member = ""
	if answer.status != http.StatusOK {
		return
	}
	if members, err := listedIn(o.Pool, answer.body); err != nil {
		o.Error = err.Error()
	} else {
		o.Members, o.Outcome, o.Body = members, listed, ""
	}
}

// neverSent reports whether a request failed without a connection.
func neverSent(err error) bool {
	broken, ok := errors.AsType[*net.OpError](err)
	return ok && broken.Op == "dial"
}

// fail injects faults one after the other, those of shared dependencies beside those of
// replicas. Each is injected once before any is repeated.
func (r *chaosRecorder) fail(t *testing.T, c *chaosCluster, faults []fault, seed uint64, deadline time.Time) {
	var working sync.WaitGroup
	defer working.Wait()
	deal := func(stream uint64, faults []fault) {
		random := rand.New(rand.NewPCG(seed, stream))
		for len(faults) > 0 && time.Now().Before(deadline) {
			for _, i := range random.Perm(len(faults)) {
				if time.Now().After(deadline) {
					return
				}
				number := random.IntN(len(c.replicas))
				began := r.since()
				faults[i].do(t, c, c.replicas[number], random)
				r.mu.Lock()
				r.run.Faults = append(r.run.Faults, chaosFault{faults[i].name, number, began, r.since()})
				r.mu.Unlock()
				time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
			}
		}
	}
	isBeside := func(f fault) bool { return f.beside }
	beside := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !f.beside })
	working.Go(func() { deal(math.MaxUint64-1, beside) })
	deal(math.MaxUint64, slices.DeleteFunc(slices.Clone(faults), isBeside))
}

// settlesWithin bounds the time until no change is open: longer than a call may take to
// take effect, plus the lag of reads.
const settlesWithin = settledAfter + 2*testTimeout

// settle waits until no change is open and every replica responds, and then reads a fresh
// list from each.
func (r *chaosRecorder) settle(c *chaosCluster) {
	deadline := time.Now().Add(settlesWithin)
	waiting := func() string {
		for i, replica := range c.replicas {
			answer, err := replica.client().within(testTimeout, http.MethodGet, "/v1/changes?outcome=open", "")
			if err != nil || answer.status != http.StatusOK || !strings.Contains(answer.body, `"changes":[]`) {
				return fmt.Sprintf("replica %d: %v %d %s", i, err, answer.status, answer.body)
			}
		}
		return ""
	}
	for {
		r.run.Unsettled = waiting()
		if r.run.Unsettled == "" || time.Now().After(deadline) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	for i := range c.replicas {
		for _, pool := range chaosPools {
			r.do(c, chaosOperation{Client: chaosClients + i, Replica: i, Action: "list", poolMember: poolMember{Pool: pool}}, clientTimeout)
		}
	}
}

// collect reads AWS and the record.
func (r *chaosRecorder) collect(t *testing.T, c *chaosCluster) {
	t.Helper()
	for i, replica := range c.replicas {
		if !replica.service.running() {
			r.run.Ended = append(r.run.Ended, fmt.Sprintf("replica %d, process %d", i, replica.service.cmd.Process.Pid))
			replica.startProcess()
		}
	}
	r.run.End = c.membersInAWS()
	r.run.AWS = c.aws.history()
	r.run.RecordedMembers = make(map[string][]string)
	s := c.replicas[0].client().on(t)
	r.run.Record = inOrderOfTheLog(t, c.store, s.changes(""))
	for _, pool := range chaosPools {
		if answer := s.get("/v1/pools/" + pool + "/members?at=" + atQuery(r.run.endOfLabels(pool))); answer.status == http.StatusOK {
			r.run.RecordedMembers[pool] = slices.Sorted(slices.Values(decoded[membershipAt](t, answer.body).ids()))
		}
	}
	if status, stdout, stderr := changesCommand(t, c.store, "verify"); status != 0 || !strings.HasPrefix(stdout, "whole: ") {
		r.run.VerifyProblem = fmt.Sprintf("status %d, %s%s", status, stdout, stderr)
	}
}

// endOfLabels returns the time of the last change of a pool by the labels of the
// record, or now if that is later: a clock that was ahead has labelled changes in the future.
func (r *chaosRun) endOfLabels(pool string) time.Time {
	end := time.Now()
	for _, c := range r.Record {
		if c.Pool == pool && c.CompletedAt.After(end) {
			end = c.CompletedAt
		}
	}
	return end
}

// membersInAWS returns the members in AWS, by pool.
func (c *chaosCluster) membersInAWS() map[string][]string {
	members := make(map[string][]string)
	for _, pool := range chaosPools {
		members[pool] = c.aws.membersOf(pool)
	}
	return members
}

// inOrderOfTheLog sorts changes by their first events in the log of their pool.
// Their ids contain times of several replicas' clocks.
func inOrderOfTheLog(t *testing.T, store string, changes []change) []change {
	t.Helper()
	at := firstEvents(t, store)
	slices.SortFunc(changes, func(a, b change) int {
		if c := strings.Compare(a.Pool, b.Pool); c != 0 {
			return c
		}
		return at[a.ID] - at[b.ID]
	})
	return changes
}

// within bounds a request, so that a replica without a response does not block the run.
func (c client) within(bound time.Duration, method, path, body string, headers ...string) (response, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), bound)
	defer cancel()
	return c.tryIn(ctx, method, path, body, headers...)
}
