package record_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lsapi"
	"lsapi/internal/record"
)

// bigVariable says how many changes the record of the reading benchmarks holds.
// Building a million takes some minutes.
const bigVariable = "LSAPI_STORE_CHANGES"

func bigSize(b *testing.B) int {
	b.Helper()
	size := 20_000
	if text := os.Getenv(bigVariable); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	return size
}

// big is a record of many changes of 20 load balancers with up to 1,000 members
// each, over 30 days.
func big(b *testing.B) (s record.Store, size int, bytes int64) {
	size = bigSize(b)
	path := newFile(b)
	s = openFile(b, path)
	const loadBalancers, rounds = 20, 50
	lanes := make([]*lane, loadBalancers)
	for i := range lanes {
		lanes[i] = newLane(b, s, lsapi.ELB(fmt.Sprintf("load-balancer-%02d", i)))
		lanes[i].know()
	}
	step := 30 * dayLong / time.Duration(size)
	for n := 0; n < size; n += rounds {
		l := lanes[n/rounds%loadBalancers]
		l.now = noon.Add(time.Duration(n) * step)
		var intents, outcomes []lsapi.Event
		for i := n; i < n+rounds; i++ {
			at := noon.Add(time.Duration(i) * step)
			c := l.change([]lsapi.Action{lsapi.Attach, lsapi.Detach}[i/25_000%2], lsapi.InstanceMember(fmt.Sprintf("i-%017x", i%(1000*loadBalancers))))
			c.ID, c.Actor = idAt(at), fmt.Sprintf("actor-%d", i%7)
			intents = append(intents, lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: c})
			c.Outcome, c.AWSRequestID, c.MembersAfter = lsapi.OutcomeApplied, "3be1508e-c444-4fef-89cc-0b1223c4f02f", new(4)
			if i%1000 == 999 {
				c.Outcome, c.Code = lsapi.OutcomeRefused, "InvalidInstance"
			}
			outcomes = append(outcomes, lsapi.Event{Kind: lsapi.EventCompleted, At: l.now.Add(time.Millisecond), Change: c})
		}
		l.append(intents...)
		l.append(outcomes...)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return s, size, info.Size()
}

// BenchmarkBig reads a record of many changes in every way. It is one benchmark
// because building the record takes longest.
func BenchmarkBig(b *testing.B) {
	s, size, bytes := big(b)
	b.Run("verify", func(b *testing.B) {
		began := processorTime(b)
		for b.Loop() {
			if found := wantWhole(b, s); found.Changes != size {
				b.Fatalf("got %+v", found)
			}
		}
		b.ReportMetric(float64((processorTime(b)-began).Microseconds())/float64(b.N)/float64(size), "cpu-µs/change")
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(size), "µs/change")
		b.ReportMetric(float64(bytes)/float64(size), "B/change")
	})
	middle := noon.Add(15 * dayLong)
	for name, filter := range map[string]lsapi.ChangeFilter{
		"none":         {},
		"loadBalancer": {Pool: lsapi.ELB("load-balancer-07")},
		"instance":     {Member: lsapi.InstanceMember(fmt.Sprintf("i-%017x", 77))},
		"actor":        {Actor: "actor-3"},
		"nobody":       {Actor: "nobody"},
		"action":       {Action: lsapi.Detach},
		"refused":      {Outcome: lsapi.OutcomeRefused},
		"open":         {Outcome: lsapi.OutcomeOpen},
		"from":         {From: middle},
		"to":           {To: middle},
		"day":          {From: middle, To: middle.Add(dayLong)},
		"several":      {Pool: lsapi.ELB("load-balancer-07"), Actor: "actor-3", Outcome: lsapi.OutcomeRefused},
	} {
		filter.Limit = 100
		b.Run("list/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Changes(b.Context(), filter); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("membersAt", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.MembersAt(b.Context(), lsapi.ELB("load-balancer-07"), middle); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("laneState", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.LaneState(b.Context(), lsapi.ELB("load-balancer-07"), 20*time.Second); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// processorTime is what this process has used of all processors: unlike the time
// that passes, it hardly depends on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkWriters has changes recorded by many lanes at once, and reports how long
// an append takes: a change waits for two, its intent's and its outcome's. 500
// writers are 500 lanes with a change each at worst, and 20 with 25 when a fleet is
// deployed.
func BenchmarkWriters(b *testing.B) {
	for _, test := range []struct{ lanes, changes int }{{1, 1}, {50, 1}, {20, 25}, {500, 1}} {
		b.Run(fmt.Sprintf("lanes=%d/changes=%d", test.lanes, test.changes), func(b *testing.B) {
			benchmarkWriters(b, test.lanes, test.changes)
		})
	}
}

func benchmarkWriters(b *testing.B, writers, changes int) {
	s := openFile(b, newFile(b))
	lanes := make([]*lane, writers)
	for i := range lanes {
		lanes[i] = newLane(b, s, lsapi.ELB(fmt.Sprintf("lb-%03d", i)))
		lanes[i].know()
	}
	var mu sync.Mutex
	var took []time.Duration
	timed := func(work func()) {
		start := time.Now()
		work()
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(start))
	}
	for b.Loop() {
		var all sync.WaitGroup
		for _, l := range lanes {
			all.Go(func() {
				intents, outcomes := round(l, changes)
				timed(func() { l.append(intents...) })
				timed(func() { l.append(outcomes...) })
			})
		}
		all.Wait()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(took)*changes)/b.Elapsed().Seconds(), "events/s")
}

// round makes the events of a lane's round.
func round(l *lane, changes int) (intents, outcomes []lsapi.Event) {
	for i := range changes {
		c := l.change(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", i)))
		intents = append(intents, lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: c})
		c.Outcome = lsapi.OutcomeApplied
		outcomes = append(outcomes, lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: c})
	}
	return intents, outcomes
}
