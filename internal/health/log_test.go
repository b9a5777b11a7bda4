package health_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

// logLines is a log that a test reads.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Enabled(context.Context, slog.Level) bool { return true }
func (l *logLines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logLines) WithGroup(string) slog.Handler            { return l }
func (l *logLines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r.Level.String()+" "+r.Message)
	return nil
}

// check expects as many lines, each beginning as given.
func (l *logLines) check(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.EqualFunc(l.lines, want, strings.HasPrefix) {
		t.Errorf("the log says %q, want %q", l.lines, want)
	}
	l.lines = nil
}

func TestLogReportsFailingPollsAndTheirEndOnce(t *testing.T) {
	aws, log := newFakeAWS(web), new(logLines)
	inBubble(t, health.Options{AWS: aws, Log: slog.New(log)}, func(t *testing.T, p *health.Poller) {
		f := follow(t, p, web)
		next(t, f, time.Now())
		log.check(t)
		aws.change(func() { aws.fail = func([]lsapi.MemberID) error { return lsapi.Errorf(lsapi.CodeUpstream, "no") } })
		time.Sleep(time.Minute)
		log.check(t, "WARN the health of a pool cannot be read")
		aws.change(func() { aws.fail = nil })
		next(t, f, time.Now())
		next(t, f, time.Now())
		log.check(t, "INFO the health of a pool can be read again")
	})
}

func TestLogIsSilentAboutPollsThatCloseCutsOff(t *testing.T) {
	for name, latency := range map[string]time.Duration{"a poll": time.Hour, "a claim": 0} {
		t.Run(name, func(t *testing.T) {
			aws, log, b := newFakeAWS(web), new(logLines), new(board)
			aws.latency = latency
			synctest.Test(t, func(t *testing.T) {
				o := health.Options{AWS: aws, Log: slog.New(log)}
				if latency == 0 {
					o.Replicas = hangingReplicas{b.replica()}
				}
				o.Observer = observe(func(lsapi.HealthReport) { t.Error("a report is recorded") })
				p := newPoller(o)
				p.Start()
				follow(t, p, web)
				synctest.Wait()
				if err := p.Close(t.Context()); err != nil {
					t.Error(err)
				}
				log.check(t)
				if latency == 0 && aws.requests() > 0 {
					t.Error("AWS is asked after the end")
				}
			})
		})
	}
}

// hangingReplicas answers no claim before its context ends.
type hangingReplicas struct{ *replica }

func (hangingReplicas) ClaimHealth(ctx context.Context, _ lsapi.PoolID, _ time.Duration) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func TestLogReportsUnreachableReplicasOnce(t *testing.T) {
	const lost, back = "WARN the other replicas cannot be reached", "INFO the other replicas can be reached again"
	aMinute := func() { // ends between two polls, which begin at whole seconds
		time.Sleep(time.Minute + 300*time.Millisecond)
		synctest.Wait()
	}
	for _, step := range []string{"claim", "publish", "listen"} {
		t.Run(step, func(t *testing.T) {
			aws, log := newFakeAWS(web), new(logLines)
			synctest.Test(t, func(t *testing.T) {
				r := newFaultyReplicas()
				p := newPoller(health.Options{AWS: aws, Replicas: r, Log: slog.New(log)})
				p.Start()
				follow(t, p, web)
				aMinute() // longer than a wait for news
				log.check(t)
				r.set(step, errors.New("away"))
				aMinute()
				log.mu.Lock()
				if len(log.lines) == 0 || !strings.HasPrefix(log.lines[0], lost) {
					t.Errorf("the log says %q", log.lines)
				}
				for i, line := range log.lines {
					if want := []string{lost, back}[i%2]; !strings.HasPrefix(line, want) {
						t.Errorf("line %d is %q", i, line)
					}
				}
				reported := len(log.lines)%2 == 1
				log.lines = nil
				log.mu.Unlock()
				r.set(step, nil)
				aMinute()
				if reported {
					log.check(t, back)
				} else {
					log.check(t)
				}
				if err := p.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// faultyReplicas fails at some of the steps.
type faultyReplicas struct {
	*replica
	faults    sync.Mutex
	failing   map[string]error // by step
	listening int              // calls
}

func newFaultyReplicas() *faultyReplicas {
	return &faultyReplicas{replica: new(board).replica(), failing: make(map[string]error)}
}

func (r *faultyReplicas) set(step string, err error) {
	r.faults.Lock()
	defer r.faults.Unlock()
	r.failing[step] = err
}

func (r *faultyReplicas) fault(step string) error {
	r.faults.Lock()
	defer r.faults.Unlock()
	return r.failing[step]
}

func (r *faultyReplicas) ClaimHealth(ctx context.Context, pool lsapi.PoolID, every time.Duration) (bool, error) {
	if err := r.fault("claim"); err != nil {
		return false, err
	}
	return r.replica.ClaimHealth(ctx, pool, every)
}

func (r *faultyReplicas) PublishHealth(ctx context.Context, report lsapi.HealthReport) error {
	if err := r.fault("publish"); err != nil {
		return err
	}
	return r.replica.PublishHealth(ctx, report)
}

func (r *faultyReplicas) PublishedHealth(ctx context.Context, after int64) ([]lsapi.HealthReport, int64, error) {
	r.faults.Lock()
	r.listening++
	r.faults.Unlock()
	if err := r.fault("listen"); err != nil {
		return nil, 0, err
	}
	return r.replica.PublishedHealth(ctx, after)
}
