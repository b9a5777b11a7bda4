package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
)

// fault disturbs the service or its environment until do returns. Faults of AWS and of
// clocks may coincide with those of replicas.
type fault struct {
	name   string
	beside bool
	do     func(t *testing.T, c *chaosCluster, r *replica, random *rand.Rand)
}

// pausing stops a process for longer than a lease.
var pausing = fault{"pause", false, func(_ *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) { r.pause(7 * time.Second) }}

var replicaFaults = []fault{
	pausing,
	{"kill -9", false, func(_ *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) { r.restart(time.Second) }},
	{"cut from AWS", false, func(t *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) { cut(t, r.cloud, 3*time.Second) }},
	{"AWS swallows packets", false, func(t *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) {
		whileToxic(t, 5*time.Second, swallowing, r.cloud)
	}},
}

// slowDatabase lengthens requests, so that clients disconnect during them.
var slowDatabase = fault{"PostgreSQL is slow", false, func(t *testing.T, c *chaosCluster, _ *replica, random *rand.Rand) {
	slow := fmt.Sprintf(`{"type":"latency","attributes":{"latency":%d,"jitter":10}`, 10+random.IntN(40))
	whileToxic(t, 4*time.Second, slow, c.databases()...)
}}

var databaseFaults = []fault{
	{"cut from PostgreSQL", false, func(t *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) { cut(t, r.database, 3*time.Second) }},
	{"PostgreSQL swallows packets", false, func(t *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) {
		whileToxic(t, 6*time.Second, swallowing, r.database)
	}},
	{"packets of PostgreSQL arrive late", false, func(t *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) {
		whileToxic(t, 7*time.Second, holding, r.database)
	}},
	{"PostgreSQL swallows packets of all", false, func(t *testing.T, c *chaosCluster, _ *replica, _ *rand.Rand) {
		whileToxic(t, 6*time.Second, swallowing, c.databases()...)
	}},
	{"PostgreSQL crashes", false, func(_ *testing.T, c *chaosCluster, _ *replica, _ *rand.Rand) {
		c.server.Restart(func() { time.Sleep(time.Second) })
	}},
}

var awsFaults = []fault{
	{"throttling", true, func(t *testing.T, c *chaosCluster, _ *replica, _ *rand.Rand) {
		c.whileAWS(t, `{"action":"*","kind":"throttle","probability":0.5}`)
	}},
	{"answers lost", true, func(t *testing.T, c *chaosCluster, _ *replica, _ *rand.Rand) {
		c.whileAWS(t, slices.Concat(
			onActions(`"kind":"reset","probability":0.5,"after":true`, register, registerTargets),
			onActions(`"kind":"500","probability":0.5,"after":true`, deregister, deregisterTargets))...)
	}},
	{"unreadable groups", true, func(t *testing.T, c *chaosCluster, _ *replica, _ *rand.Rand) {
		c.whileAWS(t, slices.Concat(
			onActions(`"kind":"health-unavailable","probability":0.7`, "DescribeTargetHealth"),
			onActions(`"kind":"denied","probability":0.7`, "DescribeTargetGroups"))...)
	}},
	{"500", true, func(t *testing.T, c *chaosCluster, _ *replica, _ *rand.Rand) {
		c.whileAWS(t, `{"action":"*","kind":"500","probability":0.5}`)
	}},
	{"late answers", true, func(t *testing.T, c *chaosCluster, _ *replica, random *rand.Rand) {
		c.whileAWS(t, `{"action":"*","kind":"timeout","delay":"`+(500*time.Millisecond+time.Duration(random.IntN(4000))*time.Millisecond).String()+`","probability":0.2,"after":true}`)
	}},
	{"no answers", true, func(t *testing.T, c *chaosCluster, _ *replica, _ *rand.Rand) {
		c.whileAWS(t, slices.Concat(
			onActions(`"kind":"timeout","count":2`, register, registerTargets),
			onActions(`"kind":"timeout","count":2,"after":true`, deregister, deregisterTargets))...)
	}},
}

var clockFaults = []fault{
	{"a clock 15 s ahead", true, clockAt(15*time.Second, 5*time.Second)},
	{"a clock an hour ahead", true, clockAt(time.Hour, 2*time.Second)},
	{"a clock 15 s behind", true, clockAt(-15*time.Second, 5*time.Second)},
	{"a clock an hour behind", true, clockAt(-time.Hour, 2*time.Second)},
}

// clockAt shifts the clock of a replica for a while.
func clockAt(by, lasts time.Duration) func(*testing.T, *chaosCluster, *replica, *rand.Rand) {
	return func(t *testing.T, _ *chaosCluster, r *replica, _ *rand.Rand) {
		before, err := os.ReadFile(r.clock)
		if err != nil {
			t.Error(err)
		}
		setClock(t, r.clock, by.String())
		time.Sleep(lasts)
		setClock(t, r.clock, string(before))
	}
}

// setClock sets the clock offset of the processes that read the file.
func setClock(t *testing.T, file, by string) {
	t.Helper()
	err := os.WriteFile(file+".new", []byte(by), 0o600)
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		t.Error(err)
	}
}

const (
	// swallowing drops data, and keeps the connections until it ends.
	swallowing = `{"type":"timeout","attributes":{"timeout":0}`
	// holding delays data until it ends.
	holding = `{"type":"latency","attributes":{"latency":3600000}`
)

// whileToxic adds a toxic to proxies in both directions for a while.
func whileToxic(t *testing.T, lasts time.Duration, toxic string, ways ...*toxiproxy.Proxy) {
	for _, way := range ways {
		for _, stream := range []string{"upstream", "downstream"} {
			if _, err := way.Toxics.AddToxicJson(strings.NewReader(toxic + `,"stream":"` + stream + `"}`)); err != nil {
				t.Error(err)
			}
		}
	}
	time.Sleep(lasts)
	for _, way := range ways {
		way.Toxics.ResetToxics(t.Context())
	}
}

// onActions returns a fault for each of the actions.
func onActions(fields string, actions ...string) (faults []string) {
	for _, action := range actions {
		faults = append(faults, `{"action":"`+action+`",`+fields+`}`)
	}
	return faults
}

// whileAWS makes AWS fail for a while.
func (c *chaosCluster) whileAWS(t *testing.T, faults ...string) {
	for _, fault := range faults {
		if answer, err := c.aws.within(testTimeout, http.MethodPost, "/_emulator/faults", fault); err != nil || answer.status != http.StatusCreated {
			t.Errorf("fault: %v %s", err, answer.body)
		}
	}
	time.Sleep(3 * time.Second)
	if _, err := c.aws.within(testTimeout, http.MethodDelete, "/_emulator/faults", ""); err != nil {
		t.Error(err)
	}
}
