package snapshot_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/snapshot"
)

// hooks keeps what a Snapshot calls its owner with.
type hooks struct {
	t *testing.T

	mu       sync.Mutex
	observed map[lsapi.PoolID][]lsapi.MemberID // the members that were last observed, by load balancer
	lines    []string                          // of the log
	gone     []lsapi.PoolID
	refused  []lsapi.Code // by refreshes
}

func (h *hooks) Enabled(context.Context, slog.Level) bool { return true }
func (h *hooks) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *hooks) WithGroup(string) slog.Handler            { return h }
func (h *hooks) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, r.Level.String()+" "+r.Message)
	return nil
}

func (h *hooks) Observe(pool lsapi.PoolID, read lsapi.PoolRead, began time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := time.Since(began); age > 10*time.Second {
		h.t.Errorf("%s is observed as it was %v ago", pool, age)
	}
	if read.Incarnation != arnOf(pool) {
		h.t.Errorf("%s is observed as the incarnation %q", pool, read.Incarnation)
	}
	h.observed[pool] = read.Members
}

func (h *hooks) ObserveGone(pool lsapi.PoolID, began time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := time.Since(began); age > time.Second {
		h.t.Errorf("%s is gone since %v", pool, age)
	}
	h.gone = append(h.gone, pool)
}

func (h *hooks) Refresh(code lsapi.Code, _ time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = append(h.refused, code)
}

// log wants as many lines since the last time, each beginning as given.
func (h *hooks) log(want ...string) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.EqualFunc(h.lines, want, strings.HasPrefix) {
		h.t.Errorf("the log says %q, want %q", h.lines, want)
	}
	h.lines = nil
}

// codes are those of the refreshes since the last time, each once.
func (h *hooks) codes() []lsapi.Code {
	h.mu.Lock()
	defer h.mu.Unlock()
	codes := slices.Compact(h.refused)
	h.refused = nil
	return codes
}

// withHooks is inBubble with a Snapshot whose calls and log are kept.
func withHooks(t *testing.T, aws *fakeAWS, test func(t *testing.T, r *region, h *hooks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &hooks{t: t, observed: make(map[lsapi.PoolID][]lsapi.MemberID)}
		r := &region{aws: aws, overlay: make(map[lsapi.PoolID][]lsapi.MemberID)}
		r.Snapshot = snapshot.NewWithFakes(snapshot.Options{
			Denied: isDenied,
			AWS:    aws, Named: aws, Encode: encode, Overlay: r, Observer: h, Metrics: h, Log: slog.New(h),
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		r.Start()
		test(t, r, h)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		h.log()
	})
}

const (
	cannotBeRead = "WARN AWS cannot list pools"
	canBeRead    = "INFO AWS can list pools again"
)

func TestObserverReceivesEachRead(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["LoadBalancers"] = maxStaleness / 4
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		check := func(what string, want ...lsapi.MemberID) {
			t.Helper()
			h.mu.Lock()
			defer h.mu.Unlock()
			if !slices.Equal(h.observed[lsapi.ELB("web")], want) {
				t.Errorf("%s observed %v, want %v", what, h.observed[lsapi.ELB("web")], want)
			}
		}
		r.read(t, lsapi.ELB("web"), true)
		check("a named read", lsapi.InstanceMember("i-1"))
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2")) // and its facts are asked for
		time.Sleep(5 * time.Second)
		check("a listing", lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-2"))
		time.Sleep(5 * time.Second)
		check("a listing", lsapi.InstanceMember("i-2"))
		report := lsapi.HealthReport{
			Pool: lsapi.ELB("web"), Members: []lsapi.MemberHealth{{Member: lsapi.InstanceMember("i-1")}, {Member: lsapi.InstanceMember("i-2"), Draining: true}},
			Whole: true, Incarnation: arnOf(lsapi.ELB("web")), AsOf: time.Now(),
		}
		r.Reported(report, false)
		check("another replica's poll", lsapi.InstanceMember("i-2"))
		r.Reported(report, true)
		check("a poll", lsapi.InstanceMember("i-1"))
	})
}

func TestGoneReceivesWhatANamedReadDoesNotFind(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		check := func(what string, want ...lsapi.PoolID) {
			t.Helper()
			h.mu.Lock()
			defer h.mu.Unlock()
			if !slices.Equal(h.gone, want) {
				t.Errorf("%s: gone are %v, want %v", what, h.gone, want)
			}
		}
		r.read(t, lsapi.ELB("web"), true)
		r.read(t, lsapi.ELB("never"), true)
		check("an invented name")
		aws.change(func(f *fakeAWS) { f.fail["Members"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		r.read(t, lsapi.ELB("web"), true)
		check("a failure")
		aws.change(func(f *fakeAWS) { clear(f.fail); delete(f.members, lsapi.ELB("web")) })
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "!not_found" {
			t.Errorf("got %s", got)
		}
		check("a deletion", lsapi.ELB("web"))
	})
}

// A change of a load balancer that no read has found yet makes it known; when AWS has no
// such load balancer the name does not stay.
func TestNameThatNoReadFindsIsDropped(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.Applied(lsapi.ELB("ghost"), membersOf(lsapi.Instance{ID: "i-1"}), nil)
		if got := r.Pools(); !slices.Equal(got, []lsapi.PoolID{lsapi.ELB("ghost"), lsapi.ELB("web")}) {
			t.Errorf("the names are %v", got)
		}
		if got := r.Stats().Pools; got != 1 {
			t.Errorf("it counts as one of %d load balancers", got)
		}
		time.Sleep(3 * maxStaleness)
		if got := r.Pools(); !slices.Equal(got, []lsapi.PoolID{lsapi.ELB("web")}) {
			t.Errorf("later the names are %v", got)
		}
	})
}

func TestFailedRefreshIsReportedAndRetriedSoon(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(10 * time.Second)
		if got := h.codes(); !slices.Equal(got, []lsapi.Code{""}) {
			t.Errorf("the codes are %q", got)
		}
		h.log()
		if err := r.Ready(); err != nil {
			t.Errorf("while AWS answers it is not ready: %v", err)
		}
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeThrottled, "") })
		time.Sleep(5 * time.Second)
		h.log(cannotBeRead)
		h.codes()
		before := aws.count("LoadBalancers")
		time.Sleep(time.Minute)
		if got := h.codes(); !slices.Equal(got, []lsapi.Code{lsapi.CodeThrottled}) {
			t.Errorf("the codes are %q", got)
		}
		if n := aws.count("LoadBalancers") - before; n < 50 || n > 61 {
			t.Errorf("in a minute there are %d tries", n)
		}
		if err := r.Ready(); err != nil {
			t.Errorf("while old lists are served it is not ready: %v", err)
		}
		for range 10 { // with reads
			r.Touch()
			time.Sleep(time.Minute)
		}
		h.log()
		if err := lsapi.AsError(r.Ready()); err == nil || err.Code != lsapi.CodeUnavailable || err.RetryAfter == 0 {
			t.Errorf("when lists are too old, it is %v", err)
		}
		aws.change(func(f *fakeAWS) { clear(f.fail) })
		time.Sleep(5 * time.Second)
		h.log(canBeRead)
		if err := r.Ready(); err != nil {
			t.Errorf("when AWS answers again it is not ready: %v", err)
		}
		time.Sleep(20 * time.Second)
	})
}

func TestCloseDuringARefreshIsNoFailure(t *testing.T) {
	aws := newFakeAWS()
	aws.slow["LoadBalancers"] = time.Hour
	withHooks(t, aws, func(_ *testing.T, r *region, _ *hooks) {
		r.Touch()
		time.Sleep(time.Second)
	})
}

// A page whose instances took too long to look up is not shown: by then they are known,
// and the next listing begins at once.
func TestOutdatedPageIsNotPublished(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["Instances"] = 11 * time.Second
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.Touch()
		time.Sleep(11500 * time.Millisecond)
		if got := h.codes(); !slices.Equal(got, []lsapi.Code{""}) || aws.count("LoadBalancers") != 2 {
			t.Errorf("the codes are %q, after %d listings", got, aws.count("LoadBalancers"))
		}
		if got, age := r.read(t, lsapi.ELB("web"), false); got != "i-1:t2.micro" || age > time.Second {
			t.Errorf("got %q, %v old", got, age)
		}
	})
}

func TestLookupsDoNotStretchTheBound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["Instances"] = 5 * time.Second
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.Touch()
		time.Sleep(6 * time.Second)
		if got := h.codes(); len(got) != 1 || r.Stats().Bound != maxStaleness {
			t.Errorf("after %d refreshes the bound is %v", len(got), r.Stats().Bound)
		}
	})
}

func TestExpectedLoadBalancerThatIsNotListedIsReportedGone(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.Expect([]lsapi.PoolID{lsapi.ELB("deleted"), lsapi.ELB("web")})
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(time.Second)
		h.mu.Lock()
		gone := slices.Clone(h.gone)
		h.mu.Unlock()
		if !slices.Equal(gone, []lsapi.PoolID{lsapi.ELB("deleted")}) {
			t.Errorf("%q are gone", gone)
		}
	})
}

// hangingReplica is alone on a record that does not answer.
type hangingReplica struct{ *replica }

func (hangingReplica) Publish(ctx context.Context, _ lsapi.KindListing, _ []lsapi.Membership) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestRecordThatHangsDoesNotStretchTheBound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	synctest.Test(t, func(t *testing.T) {
		s := snapshot.NewWithFakes(snapshot.Options{
			AWS: aws, Named: aws, Encode: encode, Replicas: hangingReplica{&replica{newBoard()}},
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		s.Start()
		s.Touch()
		time.Sleep(15 * time.Second)
		if bound := s.Stats().Bound; bound != maxStaleness || aws.count("LoadBalancers") < 2 {
			t.Errorf("after %d listings the bound is %v", aws.count("LoadBalancers"), bound)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestStretchedBoundIsReportedOnceAMinute(t *testing.T) {
	const tooLarge = "WARN the fleet is too large"
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["LoadBalancers"] = 3 * time.Second
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.Touch()
		time.Sleep(50 * time.Second)
		h.log(tooLarge)
		time.Sleep(59 * time.Second)
		h.log(tooLarge)
		aws.change(func(f *fakeAWS) { clear(f.slow) })
		time.Sleep(2 * time.Minute)
		h.mu.Lock()
		h.lines = nil
		h.mu.Unlock()
		time.Sleep(2 * time.Minute)
		h.log()
	})
}

func TestFailedRenewalOfFactsIsReportedAndRetried(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(30 * time.Second)
		aws.change(func(f *fakeAWS) { f.fail["Instances"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		aws.change(func(f *fakeAWS) { f.slow["Instances"] = 4 * time.Second })
		before := aws.count("Instances")
		time.Sleep(2 * time.Minute)
		h.mu.Lock()
		if len(h.lines) == 0 || !strings.HasPrefix(h.lines[0], "WARN instances cannot be looked up") {
			t.Errorf("the log says %q", h.lines)
		}
		h.lines = nil
		h.mu.Unlock()
		if n := aws.count("Instances") - before; n < 2 || n > 30 {
			t.Errorf("it is tried %d times", n)
		}
		aws.change(func(f *fakeAWS) {
			clear(f.fail)
			clear(f.slow)
			f.facts[lsapi.InstanceMember("i-1")] = lsapi.Instance{ID: "i-1", Type: "m5.large", State: lsapi.StateRunning}
		})
		time.Sleep(5 * time.Second)
		h.mu.Lock()
		h.lines = nil
		h.mu.Unlock()
		time.Sleep(70 * time.Second)
		r.wantRead(t, lsapi.ELB("web"), "i-1:m5.large")
		aws.change(func(f *fakeAWS) { f.slow["Instances"] = time.Hour })
		time.Sleep(2 * time.Minute) // Close ends one under way
	})
}

func TestStatsCountMembersAndBytes(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
	aws.set(lsapi.ELB("api"), lsapi.InstanceMember("i-3"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.Touch()
		time.Sleep(maxStaleness)
		want := len("i-1:t2.micro i-2:t2.micro i-3:t2.micro ")
		if got := r.Stats(); got.Pools != 2 || got.Members != 3 || got.Bytes != want || got.Idle {
			t.Errorf("the state is %+v, want %d bytes", got, want)
		}
		time.Sleep(idleAfter)
		if got := r.Stats(); !got.Idle {
			t.Errorf("without readers the state is %+v", got)
		}
		r.Touch()
		if got := r.Stats(); got.Idle {
			t.Errorf("with a reader the state is %+v", got)
		}
	})
}

func TestCloseDuringAnOutageEndsNoOutage(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeUpstream, "")
	withHooks(t, aws, func(t *testing.T, r *region, h *hooks) {
		r.Touch()
		time.Sleep(time.Second)
		h.log(cannotBeRead)
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = time.Hour })
		time.Sleep(10 * time.Second) // a refresh is under way
		h.codes()
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := h.codes(); len(got) > 0 {
			t.Errorf("the cancelled refresh counts as %q", got)
		}
	})
}
