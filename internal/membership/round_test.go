package membership_test

import (
	"bytes"
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
	"lsapi/internal/membership"
)

func TestRoundDoesNotCallAWSWithoutTheLease(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(leasesAreUnavailable)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeUnavailable)
		record.fails(nil)
	})
	if n := aws.count("Members"); n > 0 {
		t.Errorf("AWS was asked %d times", n)
	}
}

// busyRecord has a lease that another process holds.
type busyRecord struct {
	*fakeRecord
	waited time.Duration
}

func (r *busyRecord) Acquire(ctx context.Context, _ lsapi.PoolID) (lsapi.Lease, error) {
	began := time.Now()
	<-ctx.Done()
	r.waited = max(r.waited, time.Since(began))
	return lsapi.Lease{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
}

func TestWaitForTheLeaseEndsWithTheLastCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := &busyRecord{fakeRecord: newFakeRecord()}
		s := newService(newFakeAWS(), membership.Options{Record: record})
		_, err := leaving(s, time.Second, lsapi.Attach, one, "a")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		synctest.Wait()
		if record.waited != time.Second {
			t.Errorf("it waited %v for the lease", record.waited)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLeaseIsReleasedWhenTheRecordCannotBeRead(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "LaneState" {
				return unavailable(op, nil)
			}
			return nil
		})
		wantCode(t, change(a, lsapi.Attach, one), lsapi.CodeUnavailable)
		record.fails(nil)
		began := time.Now()
		wantCode(t, change(b, lsapi.Attach, one), "")
		if took := time.Since(began); took > time.Second {
			t.Errorf("the other replica waited %v", took)
		}
	})
}

func TestRequestIsWithdrawnWhenItsCallerLeavesBeforeItsConflict(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next two share a round
		synctest.Wait()
		callers.Go(func() { _, _ = leaving(s, aws.latency+aws.latency/2, lsapi.Attach, one, "left") })
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict) })
		callers.Wait()
	})
	if got := eventsOf(record, "left"); len(got) != 1 || got[0].Change.Outcome != lsapi.OutcomeWithdrawn {
		t.Errorf("the record says of the caller that left %+v", got)
	}
}

func TestIntentOfAnAttachHasTheTimeOfTheDetachesBeforeIt(t *testing.T) {
	for _, detaches := range []bool{false, true} {
		aws, record := newFakeAWS(one), newFakeRecord()
		aws.run(one, two)
		recorded(t, aws, record, func(t *testing.T, s *service) {
			var callers sync.WaitGroup
			callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next two share a round
			synctest.Wait()
			callers.Go(func() { wantCode(t, change(s, lsapi.Attach, two), "") })
			if detaches {
				callers.Go(func() { wantCode(t, change(s, lsapi.Detach, one), "") })
			}
			callers.Wait()
		})
		sending := 2 * membership.DefaultCallTimeout
		for _, e := range record.recorded() {
			want := sending
			if detaches && e.Change.Action == lsapi.Attach {
				want = 2 * sending
			}
			if got := e.Change.Deadline.Sub(e.At); e.Kind == lsapi.EventIntended && got != want {
				t.Errorf("detaches %v: the intended %s may take effect for %v, want %v", detaches, e.Change.Action, got, want)
			}
		}
	}
}

func TestAttachIsSentWhenTheDetachesBeforeItHaveTakenAllTheirTime(t *testing.T) {
	aws := newFakeAWS(one, three)
	aws.run(one, two, three)
	refuse := func(context.Context, func() error) error {
		time.Sleep(9 * time.Second)
		return lsapi.Errorf(lsapi.CodeInvalid, "refused")
	}
	for range 3 { // the batch, and its halves
		aws.next("Deregister", refuse)
	}
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, lsapi.InstanceMember("i-ffffffff")) }) // so that the next three share a round
		synctest.Wait()
		callers.Go(func() { change(s, lsapi.Detach, one) })
		callers.Go(func() { change(s, lsapi.Detach, three) })
		callers.Go(func() {
			_, err := s.Change(t.Context(), request(lsapi.Attach, two))
			wantCode(t, lsapi.ErrorCode(err), "")
		})
		callers.Wait()
	})
	wantMembers(t, aws, one, two, three)
}

// counting keeps the calls of Metrics.
type counting struct {
	mu    sync.Mutex
	calls []string
}

func (c *counting) Batch(action string, size int) { c.add(fmt.Sprint("batch ", action, " ", size)) }
func (c *counting) Guard(string, bool)            {}

func (c *counting) Change(action, outcome string) { c.add("change " + action + " " + outcome) }
func (c *counting) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, line)
}

func TestOutcomesOfUnsentChangesAreCounted(t *testing.T) {
	aws, record := newFakeAWS(one), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		metrics := &counting{}
		s := newService(aws, membership.Options{Record: record, Metrics: metrics})
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict)
		aws.next("Members", hangs)
		_, err := leaving(s, time.Second, lsapi.Detach, one, "left")
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		time.Sleep(10 * time.Second)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if want := []string{"change attach conflict", "change detach withdrawn"}; !slices.Equal(metrics.calls, want) {
			t.Errorf("the metrics got %q, want %q", metrics.calls, want)
		}
	})
}

func TestRefusalIsAnsweredRecordedLoggedAndCounted(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one, two)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		metrics, shown := &counting{}, 0
		s := newService(aws, membership.Options{
			Record: record, Metrics: metrics, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}, func(lsapi.PoolID, []lsapi.Member, []lsapi.Member) { shown++ })
		for reason, code := range map[string]string{"InvalidInstance": "InvalidInstance", "": string(lsapi.CodeInvalid)} {
			aws.next("Register", func(context.Context, func() error) error {
				return &lsapi.Error{Code: lsapi.CodeInvalid, Reason: reason, Message: "AWS says no"}
			})
			r := request(lsapi.Attach, one)
			r.Reason = "deploy"
			_, err := s.Change(t.Context(), r)
			if lsapi.AsError(err).Message != "AWS says no" {
				t.Errorf("the caller was answered %v", err)
			}
			if got := lastOf(record.recorded()).Change; got.Outcome != lsapi.OutcomeRefused || got.Code != code {
				t.Errorf("the refusal is recorded as %+v", got)
			}
		}
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "reason=deploy") || !strings.Contains(log.String(), "code=invalid") {
			t.Errorf("the log says\n%s", &log)
		}
		if shown > 0 {
			t.Errorf("refusals were passed on %d times as changes", shown)
		}
		if want := []string{"batch attach 1", "change attach refused", "batch attach 1", "change attach refused"}; !slices.Equal(metrics.calls, want) {
			t.Errorf("the metrics got %q", metrics.calls)
		}
		log.Reset()
		aws.next("Register", appliedButCutOff)
		wantCode(t, change(s, lsapi.Attach, two), "")
		if got := lastOf(record.recorded()).Change; got.Code != "" {
			t.Errorf("an applied change is recorded with the code %q", got.Code)
		}
		if got := log.String(); !strings.Contains(got, "level=INFO") || !strings.Contains(got, "resolution=inferred") || strings.Contains(got, "reason=") || strings.Contains(got, "given back") || strings.Contains(got, "code=") {
			t.Errorf("the log says\n%s", got)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestListShowsEveryChangeWithinTheLag(t *testing.T) {
	aws := newFakeAWS()
	aws.lag = 9 * time.Second
	aws.run(one, two)
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "")
		time.Sleep(time.Second)
		wantCode(t, change(s, lsapi.Attach, two), "")
		if got := listed(t, aws, s); !slices.Equal(got, []lsapi.MemberID{one, two}) {
			t.Errorf("the list is %v", got)
		}
	})
}

func TestRoundLooksUpEachInstanceOnceAndNoMoreThanABatch(t *testing.T) {
	aws := newFakeAWS()
	ids := fleet(200)
	aws.run(ids...)
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, lsapi.InstanceMember("i-ffffffff")) }) // so that the others share a round
		synctest.Wait()
		callers.Go(func() { atOnce(s, lsapi.Attach, ids...) })
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, ids[0]), lsapi.CodeConflict) })
		callers.Wait()
	})
	if n := aws.count("Members"); n != 2 {
		t.Errorf("a request for the same instance took a round of its own: %d rounds", n)
	}
	more := newFakeAWS()
	ids = fleet(201)
	more.run(ids...)
	inBubble(t, more, func(t *testing.T, s *service) {
		inOneRound(s, lsapi.Attach, ids...)
	})
	for _, c := range append(slices.Clone(aws.calls), more.calls...) {
		if len(c.ids) > 200 || len(slices.Compact(slices.Clone(c.ids))) != len(c.ids) {
			t.Errorf("a %s call was of %d instances", c.op, len(c.ids))
		}
	}
}

func TestFirstRoundAfterACrashLeavesTheOpenInstanceAlone(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		open := elsewhere(lsapi.Attach, 1).Change
		open.Outcome, open.Deadline = "", time.Now().Add(5*time.Second)
		record.add(lsapi.Event{Kind: lsapi.EventIntended, At: time.Now(), Change: open})
		s := newService(aws, membership.Options{Record: record}) // not started: the request is the first to read the record
		wantCode(t, change(s, lsapi.Attach, one), "")
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	wantRecord(t, record, "intended attach "+one.String(), "resolved attach "+one.String()+" failed inferred", "intended attach "+one.String(), "completed attach "+one.String()+" applied")
}

func TestSharersOfAnAppliedCallThatAnotherReplicaResolvedAreRefused(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", appliedButCutOff)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(appendsFail(unavailable("", nil), isResolved))
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next two share a round
		synctest.Wait()
		callers.Go(func() {
			_, err := asked(s, lsapi.Attach, one, "maker")
			wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		})
		synctest.Wait()
		callers.Go(func() {
			_, err := asked(s, lsapi.Attach, one, "sharer") // its conflict may be on record
			wantCode(t, lsapi.ErrorCode(err), lsapi.CodeUnavailable)
		})
		time.Sleep(2 * time.Second)
		record.takeOver()
		record.settle("maker", lsapi.OutcomeApplied)
		record.fails(nil)
		began := time.Now()
		callers.Wait()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("they were answered after %v", took)
		}
	})
}

func TestCloseThatIsCutShortAnswersCallersOfAnOpenCall(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", lost)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newService(aws, membership.Options{Record: record, Log: slog.New(slog.NewTextHandler(&log, nil))})
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // so that the next two share a round
		synctest.Wait()
		for id, want := range map[string]lsapi.Code{"maker": lsapi.CodeTimeout, "sharer": lsapi.CodeThrottled} {
			callers.Go(func() {
				if id == "sharer" {
					time.Sleep(time.Millisecond)
				}
				_, err := asked(s, lsapi.Attach, one, id)
				wantCode(t, lsapi.ErrorCode(err), want)
			})
		}
		time.Sleep(2 * time.Second)
		record.fails(leasesAreUnavailable)
		_, _ = leaving(s, time.Millisecond, lsapi.Attach, one, "left")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); err == nil {
			t.Error("close did not say that it was cut short")
		}
		closed := time.Now()
		callers.Wait()
		if took := time.Since(closed); took > 0 || s.Stats().Lanes > 0 {
			t.Errorf("they were answered %v later, and %d lanes are left", took, s.Stats().Lanes)
		}
		if !strings.Contains(log.String(), "withdrawn changes could not be recorded") {
			t.Errorf("the log says\n%s", &log)
		}
	})
}
