package e2e

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var crashRounds = flag.Int("crash-rounds", 10, "how often the service is killed in the crash loop")

const (
	crashWriters      = 12
	instancesOfWriter = 2
)

// crashPools are a Classic load balancer and two target groups with the same instances.
var crashPools = []string{"elb/elb-0001", "tg/tg-0001", "tg/tg-0002"}

// crashPorts are the ports of an instance as a member of a pool.
var crashPorts = map[string][]string{"elb/elb-0001": {""}, "tg/tg-0001": {":8080", ":8081"}, "tg/tg-0002": {":9090"}}

// unrestrained removes the limits of the budget.
var unrestrained = with("BUDGET_ELB_READ=5000+5000", "BUDGET_ELB_WRITE=5000+5000", "BUDGET_ELBV2_READ=5000+5000", "BUDGET_ELBV2_WRITE=5000+5000", "BUDGET_EC2_FILTERED=5000+5000", "BUDGET_EC2_PLAIN=5000+5000")

// crashFaults are injected between the kills.
var crashFaults = map[string]string{
	"answer lost": `"kind":"reset","after":true`,
	"call lost":   `"kind":"reset"`,
	"500":         `"kind":"500"`,
	"500 after":   `"kind":"500","after":true`,
	"throttled":   `"kind":"throttle"`,
	"late":        `"kind":"timeout","delay":"300ms","after":true`,
	"never":       `"kind":"timeout","after":true`,
	"never begun": `"kind":"timeout"`,
}

// crashActions are the actions that they fail.
var crashActions = []string{register, deregister, registerTargets, deregisterTargets}

// belief is the membership of a member according to its only writer.
type belief struct{ mayBeIn, mayBeOut bool }

// writer changes instances of its own, one after the other, until a request gets no
// response.
type writer struct {
	random    *rand.Rand
	members   []poolMember
	beliefs   map[poolMember]*belief
	acked     map[string]string // the outcomes of responses, by change id
	sent      int
	lost      int // requests whose connection broke
	anomalies []string
}

func newWriters(rounds int) []*writer {
	writers := make([]*writer, crashWriters)
	for i := range writers {
		w := &writer{
			random:  rand.New(rand.NewPCG(uint64(rounds), uint64(i))),
			beliefs: make(map[poolMember]*belief), acked: make(map[string]string),
		}
		for n := range instancesOfWriter {
			for _, pool := range crashPools {
				for _, port := range crashPorts[pool] {
					m := poolMember{pool, generatedSpare(1+i*instancesOfWriter+n) + port}
					w.members = append(w.members, m)
					w.beliefs[m] = &belief{mayBeOut: true}
				}
			}
		}
		writers[i] = w
	}
	return writers
}

// work makes random changes until a request gets no response.
func (w *writer) work(c client) {
	for {
		m := w.members[w.random.IntN(len(w.members))]
		action := []string{"attach", "detach"}[w.random.IntN(2)]
		w.sent++
		method, path, body := m.request(action)
		answer, err := c.try(method, path, body)
		w.update(m, action, answer, err)
		if err != nil {
			return
		}
	}
}

// update checks a response against the belief, and updates it.
func (w *writer) update(m poolMember, action string, answer response, err error) {
	known, attach := w.beliefs[m], action == "attach"
	before, outcome := *known, m.outcome(action, answer)
	switch {
	case err != nil:
		w.lost++
		fallthrough
	case answer.status == http.StatusGatewayTimeout || answer.status == http.StatusBadGateway:
		if attach {
			known.mayBeIn = true
		} else {
			known.mayBeOut = true
		}
		return
	case outcome != "":
		w.acked[answer.header.Get("X-Change-Id")] = outcome
		known.mayBeIn, known.mayBeOut = attach, !attach
	case answer.status == http.StatusServiceUnavailable:
		return
	default:
		w.anomalies = append(w.anomalies, fmt.Sprintf("%s %+v: answer %d %s", action, m, answer.status, answer.body))
		return
	}
	wasIn := attach == (outcome == conflict)
	if wasIn && !before.mayBeIn || !wasIn && !before.mayBeOut {
		w.anomalies = append(w.anomalies, fmt.Sprintf("%d for %s of %+v, which was a member: %+v: %s", answer.status, action, m, before, answer.body))
	}
}

// Each writer has instances of its own, so that expected outcomes are known. The service
// is killed repeatedly at random, with an AWS that fails now and then. Acknowledged
// changes, AWS's members and the record must agree.
func TestNothingIsLostOverRepeatedKills(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a := startAWS(t, "--fleet", "1x5+tg:2x5", "--latency", "3ms")
		begin := make(map[string][]string)
		for _, pool := range crashPools {
			begin[pool] = a.membersOf(pool)
		}
		writers := newWriters(*crashRounds)
		random := rand.New(rand.NewPCG(7, uint64(*crashRounds)))
		faults, before := make(map[string]int), ""
		for round := range *crashRounds {
			s := startService(t, a.base, at(store), unrestrained)
			if kind := slices.Sorted(maps.Keys(crashFaults))[random.IntN(len(crashFaults))]; round%2 == 1 {
				faults[kind]++
				a.fault(t, `{"action":"`+crashActions[random.IntN(len(crashActions))]+`","count":1,`+crashFaults[kind]+`}`)
			}
			var working sync.WaitGroup
			for _, w := range writers {
				working.Go(func() { w.work(s.client) })
			}
			eventually(t, "a change gets a response", func() bool { return strings.Contains(s.stderr.String(), `"outcome"`) })
			<-time.After(time.Duration(random.IntN(600)) * time.Millisecond) // the moment is the test's input
			s.kill()
			working.Wait()
			if before != "" {
				verify(t, store, before)
			}
			before = checkpoint(t, store)
		}
		s := startService(t, a.base, at(store), unrestrained)
		outcomes := judgeCrashes(t, a, s, begin, writers)
		verify(t, store, before)
		t.Logf("%s faults: %v", outcomes, faults)
	})
}

// judgeCrashes compares responses, record and AWS once no change is open.
func judgeCrashes(t *testing.T, a aws, s *service, begin map[string][]string, writers []*writer) string {
	t.Helper()
	started := time.Now()
	eventuallyWithin(t, settledAfter+2*testTimeout, "nothing is open", func() bool { return len(s.changes("outcome=open")) == 0 })
	settled := time.Since(started)
	if settled > settledAfter+testTimeout {
		t.Errorf("changes were open for %v", settled)
	}

	all := s.changes("")
	recorded := make(map[string]change, len(all))
	outcomes := make(map[string]int)
	for _, c := range all {
		recorded[c.ID] = c
		outcomes[strings.TrimSpace(c.Outcome+" "+c.Resolution)]++
		if c.Source != "lsapi" {
			t.Errorf("there was no external change, but on record is %+v", c)
		}
	}
	var sent, acked, lost, broken, anomalies int
	for _, w := range writers {
		sent, acked, broken = sent+w.sent, acked+len(w.acked), broken+w.lost
		for id, outcome := range w.acked {
			if recorded[id].Outcome != outcome {
				lost++
				t.Errorf("it was answered that %s was %s, and on record is %+v", id, outcome, recorded[id])
			}
		}
		anomalies += len(w.anomalies)
		for _, anomaly := range w.anomalies {
			t.Error(anomaly)
		}
	}
	for pool, members := range begin {
		anomalies += judgeHistory(t, a, s, pool, members, all)
	}
	if acked == 0 {
		t.Error("nothing was acknowledged")
	}
	return fmt.Sprintf("rounds: %d, requests: %d, answered with an outcome: %d, cut off by a kill: %d, changes on record: %d %v, lost: %d, anomalies: %d, unknown: %d, all settled %v after the last restart,",
		*crashRounds, sent, acked, broken, len(all), outcomes, lost, anomalies, outcomes["unknown"], settled.Round(time.Second))
}

// judgeHistory replays the changes of a pool, oldest first: each applied change
// must have an effect, and the result must match AWS.
func judgeHistory(t *testing.T, a aws, s *service, pool string, members []string, newestFirst []change) (anomalies int) {
	t.Helper()
	is := make(map[string]bool)
	for _, id := range members {
		is[id] = true
	}
	unsure := make(map[string]bool)
	for _, c := range slices.Backward(newestFirst) {
		if c.Pool != pool {
			continue
		}
		attach := c.Action == "attach"
		switch {
		case c.Outcome == "unknown":
			unsure[c.Member] = true
		case c.Outcome == "applied" && is[c.Member] == attach && !unsure[c.Member],
			c.Outcome == "conflict" && is[c.Member] != attach && !unsure[c.Member]:
			anomalies++
			t.Errorf("%s was a member: %t, before %s, in:\n%s", c.Member, is[c.Member], c.ID, history(newestFirst, c))
		case c.Outcome == "applied":
			is[c.Member], unsure[c.Member] = attach, false
		}
	}
	truth := a.membersOf(pool)
	if record := s.membersAt(pool, time.Now()); !slices.Equal(record.ids(), truth) || len(record.Uncertain) > 0 {
		anomalies++
		t.Errorf("%s: the record has %v, AWS %v", pool, record.ids(), truth)
	}
	for id, member := range is {
		if !unsure[id] && member != slices.Contains(truth, id) {
			anomalies++
			t.Errorf("%s: by its changes %s is a member: %t, AWS has %v", pool, id, member, truth)
		}
	}
	return anomalies
}

// history describes the changes of a change's member, oldest first.
func history(newestFirst []change, of change) string {
	var lines strings.Builder
	for _, c := range slices.Backward(newestFirst) {
		if c.poolMember == of.poolMember {
			fmt.Fprintln(&lines, c.ID, c.IntendedAt.Format(time.StampMilli), c.CompletedAt.Format(time.StampMilli), c.Action, c.Outcome, c.Resolution, c.Source)
		}
	}
	return lines.String()
}
