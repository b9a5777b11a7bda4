package e2e

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	chaosDuration = flag.Duration("chaos", 0, "how long each chaos scenario runs, the long ones too; 0 is the short form")
	chaosSeed     = flag.Uint64("chaos-seed", 0, "what a chaos run is made of; 0 is something else each time")
	chaosReplay   = flag.String("chaos-replay", "", "the file of a run that is judged again")
	chaosKeep     = flag.String("chaos-keep", "", "the folder for the files of runs, which are kept in any case; by default those of failed runs are in a temporary one")
	unfenced      = flag.Bool("unfenced", false, "build the replicas without the check that a lease is still theirs; then the judge has to find it out")
)

// chaosScenario is one environment.
type chaosScenario struct {
	store    string // a name of chaosStores
	lasts    time.Duration
	emulator []string
	leavers  int // number of clients that disconnect early
	faults   []fault
	clocks   []string // the constant offset of each replica; none: its real clock
	longOnly bool
}

// chaosScenarios run in parallel.
var chaosScenarios = map[string]chaosScenario{
	"clients leave": {
		store: "PostgreSQL", lasts: 40 * time.Second, emulator: []string{"--lag", "1s", "--latency", "50ms"}, leavers: 9,
		faults: []fault{slowDatabase},
	},
	"replicas fail": {
		store: "PostgreSQL", lasts: 40 * time.Second, emulator: []string{"--lag", "1s", "--latency", "50ms"}, leavers: 3,
		faults: slices.Concat(replicaFaults, databaseFaults, []fault{slowDatabase}, awsFaults),
	},
	"clocks differ": {
		store: "PostgreSQL", lasts: 40 * time.Second, emulator: []string{"--lag", "3s", "--latency", "50ms"}, leavers: 3,
		faults: slices.Concat(replicaFaults, awsFaults), clocks: []string{"500ms", "-500ms", "0s"}, longOnly: true,
	},
	"clocks jump": {
		store: "PostgreSQL", lasts: 40 * time.Second, emulator: []string{"--lag", "3s", "--latency", "50ms"}, leavers: 3,
		faults: slices.Concat(clockFaults, replicaFaults), clocks: []string{"0s", "0s", "0s"}, longOnly: true,
	},
	"the owner fails": {
		store: "SQLite", lasts: 40 * time.Second, emulator: []string{"--lag", "1s", "--latency", "50ms"}, leavers: 6,
		faults: slices.Concat(replicaFaults, awsFaults),
	},
	"the owner's clock jumps": {
		store: "SQLite", lasts: 40 * time.Second, emulator: []string{"--lag", "3s", "--latency", "50ms"}, leavers: 3,
		faults: slices.Concat(clockFaults, replicaFaults), clocks: []string{"0s", "0s"}, longOnly: true,
	},
}

// unfencedScenarios are for replicas without the lease check. A pause is longer than a
// lease, and hits a replica while it waits for AWS.
var unfencedScenarios = map[string]chaosScenario{
	"without the check": {
		store: "PostgreSQL", lasts: 3 * time.Minute, emulator: []string{"--lag", "1s", "--latency", "300ms"}, leavers: 1,
		faults: []fault{pausing},
	},
}

func TestChaos(t *testing.T) {
	t.Parallel()
	if *chaosReplay != "" {
		replayChaos(t)
		return
	}
	seed := cmp.Or(*chaosSeed, rand.Uint64())
	scenarios := chaosScenarios
	if *unfenced {
		scenarios = unfencedScenarios
	}
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			if scenario.longOnly && *chaosDuration == 0 {
				t.Logf("only in the long form: -chaos 30m")
				return
			}
			t.Parallel()
			scenario.lasts = cmp.Or(*chaosDuration, scenario.lasts)
			c := startChaos(t, scenario)
			run := c.run(t, scenario, name, seed)
			found := run.judge(judgeTakes)
			t.Logf("seed %d\n%s", seed, run.table(found))
			reportAnomalies(t, run, found, c.folder)
			run.isNotEmpty(t)
		})
	}
}

// judgeTakes bounds the check of a history against a set.
const judgeTakes = 3 * time.Minute

// reportAnomalies fails the test for each anomaly, and keeps the run.
func reportAnomalies(t *testing.T, run *chaosRun, found []anomaly, folder string) {
	t.Helper()
	file := filepath.Join(folder, "run.json")
	if len(found) > 0 || *chaosKeep != "" {
		text, err := json.MarshalIndent(run, "", " ")
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
	switch {
	case *unfenced && len(found) == 0:
		t.Error("replicas without the check are not found out")
	case *unfenced:
		t.Logf("found out: %v", found[0])
	case len(found) > 0:
		for _, a := range found[:min(len(found), 20)] {
			t.Errorf("%s: %s", a.Kind, a.Detail)
		}
		t.Errorf("%d anomalies; the run is in %s, and is judged again by -chaos-replay", len(found), file)
	}
}

// replayChaos judges a run again.
func replayChaos(t *testing.T) {
	text, err := os.ReadFile(*chaosReplay)
	if err != nil {
		t.Fatal(err)
	}
	run := decoded[chaosRun](t, string(text))
	found := run.judge(judgeTakes)
	t.Logf("\n%s", run.table(found))
	for _, a := range found {
		t.Errorf("%s: %s", a.Kind, a.Detail)
	}
}

// table reports a run and its anomalies.
func (r *chaosRun) table(found []anomaly) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	counts := func(title string, total int, of map[string]int) {
		fmt.Fprintf(table, "%s\t%d\t", title, total)
		for _, name := range slices.Sorted(maps.Keys(of)) {
			fmt.Fprintf(table, "%s %d  ", name, of[name])
		}
		fmt.Fprintln(table)
	}
	answers, faults, outcomes, anomalies := make(map[string]int), make(map[string]int), make(map[string]int), make(map[string]int)
	for _, o := range r.Operations {
		answers[o.answer()]++
	}
	for _, f := range r.Faults {
		faults[f.Name]++
	}
	for _, c := range r.Record {
		outcomes[strings.TrimSpace(c.Source+" "+c.Outcome+" "+c.Resolution)]++
	}
	for _, a := range found {
		anomalies[a.Kind]++
	}
	fmt.Fprintf(table, "scenario\t%v\t%s\n", r.Lasted.Round(time.Second), r.Scenario)
	counts("operations", len(r.Operations), answers)
	counts("faults", len(r.Faults), faults)
	counts("on record", len(r.Record), outcomes)
	counts("in AWS", len(r.AWS), nil)
	counts("anomalies", len(found), anomalies)
	table.Flush()
	return text.String()
}

// answer names the result of an operation.
func (o chaosOperation) answer() string {
	kind, _, _ := strings.Cut(o.Pool, "/")
	switch {
	case o.NotSent:
		return "refused connection"
	case o.Status == 0:
		return "left or lost"
	case o.Outcome == "":
		return fmt.Sprintf("%s %d", kind, o.Status)
	}
	return kind + " " + o.Outcome
}

// isNotEmpty fails the test when too little happened.
func (r *chaosRun) isNotEmpty(t *testing.T) {
	t.Helper()
	if missing := r.thin(); missing != "" {
		t.Errorf("too little happened: not 5 times %q", missing)
	}
	if r.Lasted > 10*time.Minute && (len(r.Operations) < 20_000 || len(r.Faults) < 200) {
		t.Errorf("there were %d operations and %d faults in %v", len(r.Operations), len(r.Faults), r.Lasted)
	}
}

// thin returns the results that were too rare.
func (r *chaosRun) thin() string {
	answers := make(map[string]int)
	for _, o := range r.Operations {
		answers[o.answer()]++
	}
	for _, needed := range []string{"elb applied", "elb conflict", "elb listed", "tg applied", "tg conflict", "tg listed", "left or lost"} {
		if answers[needed] < 5 {
			return needed
		}
	}
	return ""
}
