package notify_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/notify"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
	"lsapi/internal/record/postgrestest"
)

// onRecords runs a test on an empty record of each engine.
func onRecords(t *testing.T, test func(t *testing.T, s record.Store)) {
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "lsapi.db") },
		"postgres": func(t *testing.T) string { return postgrestest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := open.URL(t.Context(), url(t), record.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
			test(t, s)
		})
	}
}

// lane appends events of a pool.
type lane struct {
	t     *testing.T
	s     record.Store
	lease lsapi.Lease
}

func newLane(t *testing.T, s record.Store, pool lsapi.PoolID, members ...lsapi.MemberID) lane {
	t.Helper()
	lease, err := s.Acquire(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	l := lane{t, s, lease}
	l.append(lsapi.Event{Kind: lsapi.EventCheckpoint, Until: time.Now(), Members: members})
	return l
}

func (l lane) append(events ...lsapi.Event) {
	l.t.Helper()
	if _, err := l.s.Append(l.t.Context(), l.lease, events); err != nil {
		l.t.Fatal(err)
	}
}

// refuse records a refusal and returns the id of the change.
func (l lane) refuse(m lsapi.MemberID) string {
	l.t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		l.t.Fatal(err)
	}
	l.append(lsapi.Event{Kind: lsapi.EventCompleted, Change: lsapi.Change{
		ID: id.String(), Actor: "alice", Action: lsapi.Detach, Pool: l.lease.Pool, Member: m,
		Outcome: lsapi.OutcomeRefused, Code: string(lsapi.CodeKeepLast), Guard: &lsapi.GuardVerdict{Rule: "keepLast"},
	}})
	return id.String()
}

func startOn(t *testing.T, s record.Store, r notify.Receiver, o notify.Options) *notify.Notifier {
	t.Helper()
	o.Record, o.Source, o.Version, o.Allow = s, "/lsapi/us-east-1", "test", loopback
	o.Change = func(c *lsapi.Change) apiv1.Change { return apiv1.Change{ID: c.ID} }
	n := notify.New(o)
	t.Cleanup(func() {
		if err := n.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	n.Set([]notify.Receiver{r})
	return n
}

func TestRecordedEventsAreSentInTheirOrder(t *testing.T) {
	onRecords(t, func(t *testing.T, s record.Store) {
		receiver := newReceiver(t, nil)
		n := startOn(t, s, notify.Receiver{URL: receiver.URL}, notify.Options{})
		web, app := newLane(t, s, web, member(1), member(2)), newLane(t, s, lsapi.ELB("app"), lsapi.InstanceMember("i-00000003"))
		// Those before the delivery begins are not sent.
		eventually(t, "a refusal is sent", func() bool {
			web.refuse(member(1))
			return n.Stats()[0].Sent > 0
		})
		var want []string
		for range 20 {
			want = append(want, web.refuse(member(2))+"-refused", app.refuse(lsapi.InstanceMember("i-00000003"))+"-refused")
		}
		eventually(t, "all are sent", func() bool {
			receiver.mu.Lock()
			defer receiver.mu.Unlock()
			var got []string
			for _, r := range receiver.got {
				got = append(got, r.header.Get("Webhook-Id"))
			}
			return strings.HasSuffix(strings.Join(got, " "), strings.Join(want, " "))
		})
	})
}

func TestPrunedRecordLeavesAGap(t *testing.T) {
	onRecords(t, func(t *testing.T, s record.Store) {
		receiver := newReceiver(t, nil)
		r := notify.Receiver{URL: receiver.URL}
		n := startOn(t, s, r, notify.Options{})
		web := newLane(t, s, web, member(1))
		eventually(t, "a refusal is sent", func() bool {
			web.refuse(member(1))
			return n.Stats()[0].Sent > 0
		})
		if err := n.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		web.refuse(member(1))
		pruner, ok := s.(interface {
			PruneAt(ctx context.Context, now time.Time, keep time.Duration) error
		})
		if !ok {
			t.Fatalf("%T has no PruneAt", s)
		}
		if err := pruner.PruneAt(t.Context(), time.Now().Add(10*24*time.Hour), 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		last := web.refuse(member(1)) + "-refused"
		startOn(t, s, r, notify.Options{})
		eventually(t, "the gap and the last are sent", func() bool {
			receiver.mu.Lock()
			defer receiver.mu.Unlock()
			n := len(receiver.got)
			return n > 1 && receiver.got[n-1].header.Get("Webhook-Id") == last && strings.HasPrefix(receiver.got[n-2].header.Get("Webhook-Id"), "gap-")
		})
	})
}

func TestRecordedOutageIsSent(t *testing.T) {
	onRecords(t, func(t *testing.T, s record.Store) {
		receiver := newReceiver(t, nil)
		web := newLane(t, s, web, member(1), member(2))
		startOn(t, s, notify.Receiver{URL: receiver.URL, OutFor: time.Second}, notify.Options{OutEvery: 50 * time.Millisecond})
		eventually(t, "an outage is sent", func() bool {
			web.append(lsapi.Event{Kind: lsapi.EventHealth, Health: []lsapi.MemberHealth{
				{Member: member(1), State: lsapi.OutOfService, AWSState: "unhealthy", Reason: "Target.Timeout", Description: "Request timed out"},
			}})
			receiver.mu.Lock()
			defer receiver.mu.Unlock()
			return len(receiver.got) > 0
		})
		_, data := decode(t, receiver.want(t, 1))
		if data[0].Pool != "tg/web" || len(data[0].Out) != 1 || data[0].Out[0].Member != member(1).String() {
			t.Errorf("it got %+v", data[0])
		}
	})
}
