package record_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// bigRecord is how many changes the record has that BenchmarkPostgresVerify looks
// through: go test -bench PostgresVerify ./internal/record -args -postgres-changes 1000000
var bigRecord = flag.Int("postgres-changes", 20_000, "how many changes a record in PostgreSQL has that is verified")

// BenchmarkPostgresWriters has writers record a change each at once, spread over
// 50 load balancers, and reports what the record adds to a change: the intent and
// the outcome.
func BenchmarkPostgresWriters(b *testing.B) {
	for _, writers := range []int{1, 50, 500} {
		b.Run(strconv.Itoa(writers), func(b *testing.B) { benchmarkPostgresWriters(b, writers) })
	}
}

func benchmarkPostgresWriters(b *testing.B, writers int) {
	s := openURL(b, postgrestest.URL(b), record.Options{})
	lanes := make([]*lane, min(writers, 50))
	for i := range lanes {
		lanes[i] = newLane(b, s, lsapi.ELB(fmt.Sprintf("lb-%03d", i)))
		lanes[i].know()
	}
	var mu sync.Mutex
	var took []time.Duration
	for b.Loop() {
		var all sync.WaitGroup
		for i := range writers {
			l := lanes[i%len(lanes)]
			all.Go(func() {
				c := l.change(lsapi.Attach, one)
				start := time.Now()
				l.intend(c)
				intended := time.Since(start)
				start = time.Now()
				l.complete(c, lsapi.OutcomeApplied)
				completed := time.Since(start)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, intended, completed)
			})
		}
		all.Wait()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkPostgresRound takes a lease, records an intent, extends, records an
// outcome and releases the lease: what a round of a lane adds to its calls of AWS.
func BenchmarkPostgresRound(b *testing.B) {
	s := openURL(b, postgrestest.URL(b), record.Options{})
	for b.Loop() {
		l := newLane(b, s, lsapi.ELB("web"))
		l.now = time.Now()
		c := l.intend(l.change(lsapi.Attach, one))
		if _, err := s.Renew(b.Context(), l.lease); err != nil {
			b.Fatal(err)
		}
		l.complete(c, lsapi.OutcomeApplied)
		give(b, s, l.lease)
	}
}

// BenchmarkPostgresVerify looks through a record of 20 load balancers.
func BenchmarkPostgresVerify(b *testing.B) {
	s := openURL(b, postgrestest.URL(b), record.Options{})
	const loadBalancers, together = 20, 50
	for n := 0; n < *bigRecord; n += together {
		l := newLane(b, s, lsapi.ELB(fmt.Sprintf("load-balancer-%02d", n/together%loadBalancers)))
		l.now = noon.Add(time.Duration(n) * time.Second)
		var intents, outcomes []lsapi.Event
		for i := range together {
			c := l.change(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%017x", i)))
			intents = append(intents, lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: c})
			c.Outcome, c.MembersAfter = lsapi.OutcomeApplied, new(4)
			outcomes = append(outcomes, lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: c})
		}
		l.append(append(intents, outcomes...)...)
		give(b, s, l.lease)
	}
	for b.Loop() {
		if found := wantWhole(b, s); found.Changes != *bigRecord {
			b.Fatalf("got %+v", found)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(*bigRecord), "µs/change")
}
