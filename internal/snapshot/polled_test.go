package snapshot_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/health"
	"lsapi/internal/snapshot"
)

// groups is a fakeAWS whose pools are target groups. It notes the polls.
type groups struct {
	*fakeAWS
	mu    sync.Mutex
	polls map[lsapi.PoolID][]time.Time
}

func newGroups(n, members int) *groups {
	aws := newFakeAWS()
	for i := range n {
		var ids []lsapi.MemberID
		for m := range members {
			ids = append(ids, lsapi.MemberID{Instance: fmt.Sprintf("i-%d", (i+m)%n), Port: 8080})
		}
		aws.set(group(i), ids...)
		for _, id := range ids {
			aws.facts[lsapi.InstanceMember(id.Instance)] = lsapi.Instance{ID: id.Instance, Type: "t2.micro", State: lsapi.StateRunning}
		}
	}
	return &groups{fakeAWS: aws, polls: make(map[lsapi.PoolID][]time.Time)}
}

func group(i int) lsapi.PoolID { return lsapi.TG(fmt.Sprintf("g%03d", i)) }

// Members is the read of one group, with its health.
func (g *groups) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	read, err := g.fakeAWS.Members(ctx, pool)
	for _, id := range read.Members {
		read.Health = append(read.Health, lsapi.MemberHealth{Member: id, State: lsapi.InService, AWSState: "healthy"})
	}
	return read, err
}

// Health is a poll.
func (g *groups) Health(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, bool, error) {
	g.mu.Lock()
	g.polls[pool] = append(g.polls[pool], time.Now())
	g.mu.Unlock()
	read, err := g.fakeAWS.Members(ctx, pool)
	for _, id := range read.Members {
		read.Health = append(read.Health, lsapi.MemberHealth{Member: id, State: lsapi.InService, AWSState: "healthy"})
	}
	return read, true, err
}

func (g *groups) HealthOf(context.Context, lsapi.PoolID, []lsapi.MemberID) ([]lsapi.MemberHealth, error) {
	panic("a whole report needs no lookups")
}

// count returns the number of polls.
func (g *groups) count() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, polls := range g.polls {
		n += len(polls)
	}
	return n
}

// emptyRecord is a record of no health.
type emptyRecord struct{}

func (emptyRecord) Health(context.Context, lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error) {
	return nil, nil
}

// ObserveHealth implements health.Observer.
func (emptyRecord) ObserveHealth(lsapi.HealthReport) {}

// withPolls runs a test with a Snapshot whose groups are polled, five a second.
func withPolls(t *testing.T, aws *groups, test func(t *testing.T, s *snapshot.Snapshot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := snapshot.NewWithFakes(snapshot.Options{
			Kinds: bothKinds,
			AWS:   aws, Named: aws, Encode: encode,
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		polls := health.New(health.Options{
			AWS: aws, Background: aws, Observer: emptyRecord{}, Record: emptyRecord{}, Pools: s.Pools, Polled: s,
			PerSecond: func() float64 { return 2.5 }, Log: slog.New(slog.DiscardHandler),
		})
		polls.Listen(s.Reported)
		s.Start()
		polls.Start()
		test(t, s)
		if err := polls.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// readForever reads groups every so often until the time is up, and returns the ages.
func readForever(t *testing.T, s *snapshot.Snapshot, hot int, every time.Duration, until time.Time) (ages []time.Duration) {
	for time.Now().Before(until) {
		for i := range hot {
			m, err := s.One(t.Context(), group(i), false)
			if err != nil || len(m.Members) == 0 || m.Health == nil {
				t.Errorf("group %d: %v, %v", i, m, err)
				return nil
			}
			ages = append(ages, time.Since(m.AsOf))
		}
		time.Sleep(every)
	}
	slices.Sort(ages)
	return ages
}

// 500 groups, of which 20 are hot, at AWS's default rate of 10 reads a second, of which
// polls may take half.
func TestHotGroupsStayYoungAndSweepReachesTheOthers(t *testing.T) {
	aws := newGroups(500, 20)
	withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		const hot, minutes = 20, 12
		readForever(t, s, hot, time.Second, time.Now().Add(5*time.Minute)) // to warm up
		named, polled, began := aws.fakeAWS.count("Members")-aws.count(), aws.count(), time.Now()
		ages := readForever(t, s, hot, 500*time.Millisecond, began.Add(minutes*time.Minute))
		if median, p99 := ages[len(ages)/2], ages[len(ages)*99/100]; median > 5*time.Second || p99 > 15*time.Second {
			t.Errorf("hot groups are %v old at the median, %v at the 99th percentile", median, p99)
		}
		if n := aws.fakeAWS.count("Members") - aws.count() - named; n > 0 {
			t.Errorf("readers of hot groups caused %d calls of their own", n)
		}
		if rate := float64(aws.count()-polled) / (minutes * 60); rate > 5 {
			t.Errorf("%.1f polls a second", rate)
		}
		all, err := s.All(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all.Pools {
			if age := time.Since(m.AsOf); age > 5*time.Minute {
				t.Errorf("%v was read %v ago", m.Pool, age)
			}
		}
	})
}

// A small fleet leaves the sweep pauses, in which members must not grow older than SweepEvery.
func TestSweepPollsBeforeMembersAreTooOld(t *testing.T) {
	aws := newGroups(10, 2)
	withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		time.Sleep(time.Minute)
		s.Touch()
		time.Sleep(time.Minute) // the first sweep
		for range 20 * 60 {
			s.Touch()
			if age := s.Stats().ColdAge; age > 5*time.Minute {
				t.Fatalf("the oldest members are %v old", age)
			}
			time.Sleep(time.Second)
		}
		if polls := aws.count(); polls > 60 {
			t.Errorf("%d polls in 22 minutes", polls)
		}
	})
}

func TestPollsDoNotDependOnTheNumberOfReaders(t *testing.T) {
	calls := make(map[int]int)
	for _, readers := range []int{1, 100} {
		aws := newGroups(50, 3)
		withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
			var reading sync.WaitGroup
			for range readers {
				reading.Go(func() { readForever(t, s, 20, time.Second, time.Now().Add(5*time.Minute)) })
			}
			reading.Wait()
		})
		calls[readers] = aws.fakeAWS.count("Members")
	}
	if calls[100] > calls[1]+calls[1]/20 {
		t.Errorf("calls by the number of readers: %v", calls)
	}
}

func TestIdleSnapshotPollsNothing(t *testing.T) {
	aws := newGroups(10, 2)
	withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		if _, err := s.One(t.Context(), group(1), false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(idleAfter + time.Minute)
		before := aws.fakeAWS.count("Members")
		time.Sleep(time.Hour)
		if n := aws.fakeAWS.count("Members") - before; n > 0 {
			t.Errorf("%d calls in an hour without readers", n)
		}
	})
}

func TestListOfAllDoesNotWaitForGroups(t *testing.T) {
	aws := newGroups(30, 2)
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubbleOf(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		all, err := s.All(t.Context(), "")
		if err != nil || len(all.Pools) != 31 || len(all.Pools[0].Members) != 1 {
			t.Fatalf("it returns %v, %v", all, err)
		}
		for _, m := range all.Pools[1:] {
			if !m.MembersUnlisted || !m.AsOf.IsZero() || m.Description == nil {
				t.Errorf("a group that was never read is %+v", m)
			}
		}
		if n := aws.fakeAWS.count("Members"); n > 0 {
			t.Errorf("it took %d calls for single groups", n)
		}
		found, err := s.Memberships(t.Context(), "i-1", false)
		if err != nil || found.Whole || len(found.Unread) != 30 || len(found.Found) != 1 {
			t.Errorf("the memberships are %+v, %v", found, err)
		}
		found, err = s.Memberships(t.Context(), "i-1", true)
		if err != nil || !found.Whole || len(found.Found) != 3 || found.Found[1].ID.Port != 8080 || found.Found[1].Health == nil {
			t.Errorf("read afresh they are %+v, %v", found, err)
		}
	})
}

// inBubbleOf runs a test with a Snapshot without polls.
func inBubbleOf(t *testing.T, aws snapshot.AWS, test func(t *testing.T, s *snapshot.Snapshot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := snapshot.NewWithFakes(snapshot.Options{
			Kinds: bothKinds,
			AWS:   aws, Named: aws, Encode: encode,
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		s.Start()
		test(t, s)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestChangeAfterAStartWaitsForTheDescriptionOfItsGroup(t *testing.T) {
	aws := newGroups(1, 1)
	aws.port = 8080
	inBubbleOf(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		s.Expect([]lsapi.PoolID{group(0)})
		members, portOf, err := s.Resolve(t.Context(), group(0), []lsapi.MemberID{{Instance: "i-1"}, {Instance: "i-1", Port: 81}})
		if want := []lsapi.MemberID{{Instance: "i-1", Port: 8080}, {Instance: "i-1", Port: 81}}; err != nil || !slices.Equal(members, want) || portOf == "" {
			t.Errorf("the members are %v with the port of %q, %v", members, portOf, err)
		}
		if _, _, err := s.Resolve(t.Context(), lsapi.TG("invented"), nil); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("of an invented group it is %v", err)
		}
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "down") })
		s.Expect([]lsapi.PoolID{group(1)})
		if _, _, err := s.Resolve(t.Context(), group(1), nil); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("without AWS it is %v", err)
		}
	})
}

func TestSearchReadsFewGroupsThatTheSweepHasNotReached(t *testing.T) {
	aws := newGroups(3, 2)
	withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		search := func() lsapi.Memberships {
			t.Helper()
			found, err := s.Memberships(t.Context(), "i-1", false)
			if err != nil || !found.Whole || len(found.Found) != 2 {
				t.Errorf("the memberships are %+v, %v", found, err)
			}
			return found
		}
		search()
		time.Sleep(24 * time.Hour) // without readers
		asOf := time.Now()
		for _, m := range search().Found {
			if m.AsOf.Before(asOf) {
				t.Errorf("a day later %v is %v old", m.Pool, asOf.Sub(m.AsOf))
			}
		}
		aws.change(func(f *fakeAWS) { f.fail["Members"] = lsapi.Errorf(lsapi.CodeUpstream, "down") })
		time.Sleep(24 * time.Hour)
		found, err := s.Memberships(t.Context(), "i-1", false)
		if err != nil || found.Whole || len(found.Unread) != 3 || len(found.Found) != 2 {
			t.Errorf("while AWS fails they are %+v, %v", found, err)
		}
	})
}

func TestReportPublishesMembersThatDoNotDrain(t *testing.T) {
	aws := newGroups(1, 0)
	aws.facts[lsapi.InstanceMember("i-1")] = lsapi.Instance{ID: "i-1", Type: "t3.nano", State: lsapi.StateRunning}
	inBubbleOf(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		s.Touch()
		time.Sleep(time.Second)
		web := lsapi.MemberID{Instance: "i-1", Port: 80}
		report := func(asOf time.Time, ids ...lsapi.MemberID) {
			var members []lsapi.MemberHealth
			for _, id := range ids {
				members = append(members, lsapi.MemberHealth{Member: id, Draining: id.Port == 81})
			}
			s.Reported(lsapi.HealthReport{Pool: group(0), Members: members, Whole: true, AsOf: asOf}, true)
			time.Sleep(time.Second) // the lookup of the instance
		}
		shown := func() string {
			t.Helper()
			all, err := s.All(t.Context(), "")
			if err != nil || len(all.Pools) != 1 {
				t.Fatalf("%v, %v", all, err)
			}
			var words []string
			for _, m := range all.Pools[0].Members {
				words = append(words, m.ID.String()+"="+m.Instance.Type)
			}
			return strings.Join(words, " ")
		}
		asOf := time.Now()
		report(asOf, web, lsapi.MemberID{Instance: "i-1", Port: 81})
		if got := shown(); got != "i-1:80=t3.nano" {
			t.Errorf("the members are %q", got)
		}
		report(asOf.Add(-time.Second))
		if got := shown(); got != "i-1:80=t3.nano" {
			t.Errorf("after an older report they are %q", got)
		}
		report(time.Now())
		if got := shown(); got != "" {
			t.Errorf("after a later one they are %q", got)
		}
		before := time.Now()
		aws.change(func(f *fakeAWS) { delete(f.members, group(0)) })
		time.Sleep(2 * maxStaleness)
		s.Reported(lsapi.HealthReport{Pool: group(0), Whole: true, AsOf: before}, true)
		if pools := s.Pools(); len(pools) > 0 {
			t.Errorf("after the deletion a late report brought back %v", pools)
		}
	})
}
