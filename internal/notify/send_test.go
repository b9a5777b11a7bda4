package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/notify"
)

// decode returns the CloudEvents of requests with their data.
func decode(t *testing.T, all []request) (events []event.Event, data []apiv1.Notification) {
	t.Helper()
	for _, r := range all {
		e := event.New()
		if err := json.Unmarshal(r.body, &e); err != nil {
			t.Fatalf("%s: %v", r.body, err)
		}
		if err := e.Validate(); err != nil {
			t.Errorf("%s: %v", r.body, err)
		}
		var d apiv1.Notification
		if err := e.DataAs(&d); err != nil {
			t.Errorf("%s: %v", r.body, err)
		}
		events, data = append(events, e), append(data, d)
	}
	return events, data
}

// ids returns the ids of requests.
func ids(all []request) string {
	var ids []string
	for _, r := range all {
		ids = append(ids, strings.TrimPrefix(r.header.Get("Webhook-Id"), "01a20ee8-6140-7a11-8000-"))
	}
	return strings.Join(ids, " ")
}

func TestRefusalIsSentAsACloudEvent(t *testing.T) {
	receiver, r := newReceiver(t, nil), newRecord()
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL + "/hook"})
	r.add(web, refused(1))
	got := receiver.want(t, 1)
	events, data := decode(t, got)
	e, d := events[0], data[0]
	if e.ID() != changeID(1)+"-refused" || e.Type() != apiv1.NotifyRefused || e.Source() != "/lsapi/us-east-1" ||
		e.Subject() != "tg/web" || !e.Time().Equal(noon) || e.SpecVersion() != "1.0" {
		t.Errorf("it is %s", got[0].body)
	}
	if d.Text != "tg/web: a guard refused the detach of i-00000001:8080 by alice (minInService 3)" || d.Pool != "tg/web" || d.Count != 1 ||
		len(d.Changes) != 1 || d.Changes[0].ID != changeID(1) {
		t.Errorf("its data is %+v", d)
	}
	header := got[0].header
	if header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" || header.Get("User-Agent") != "lsapi/test" ||
		header.Get("Webhook-Id") != e.ID() || header.Get("Webhook-Signature") != "" {
		t.Errorf("its header is %v", header)
	}
}

func TestNotificationsAreSentInOrder(t *testing.T) {
	var fails atomic.Int64
	receiver, r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if fails.Add(1)%3 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}), newRecord()
	n := start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	for i := range 8 {
		r.add(web, refused(i+1), completed(change(100+i, lsapi.OutcomeApplied)))
	}
	// Every third attempt fails and is repeated.
	want := "1 2 3 3 4 5 5 6 7 7 8"
	got := strings.NewReplacer("-refused", "", "00000000000", "").Replace(ids(receiver.want(t, 11)))
	if got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
	eventually(t, "the counters", func() bool {
		s := n.Stats()[0]
		return s.Sent == 8 && s.Failed == 3 && s.Lag == 0
	})
}

func TestFailuresAreRetried(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"404": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"429": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"cut off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			receiver, r := newReceiver(t, func(w http.ResponseWriter, q *http.Request) {
				if calls.Add(1) == 1 {
					first(w, q)
				}
			}), newRecord()
			start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
			r.add(web, refused(1))
			got := receiver.want(t, 2)
			if a, b := got[0].header.Get("Webhook-Id"), got[1].header.Get("Webhook-Id"); a != b || a == "" {
				t.Errorf("the ids are %q and %q", a, b)
			}
		})
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	var calls atomic.Int64
	receiver, r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}), newRecord()
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	r.add(web, refused(1))
	receiver.want(t, 1)
	began := time.Now()
	receiver.want(t, 2)
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("the retry came after %v", took)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	target := newReceiver(t, nil)
	receiver, r := newReceiver(t, func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, target.URL, http.StatusPermanentRedirect)
	}), newRecord()
	n := start(t, r, notify.Options{Backoff: time.Hour}, notify.Receiver{URL: receiver.URL})
	r.add(web, refused(1))
	receiver.want(t, 1)
	eventually(t, "the failure counts", func() bool { return n.Stats()[0].Failed == 1 })
	target.want(t, 0)
}

// hang holds requests until the test ends or the client leaves.
func hang(t *testing.T) http.HandlerFunc {
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	return func(_ http.ResponseWriter, q *http.Request) {
		select {
		case <-done:
		case <-q.Context().Done():
		}
	}
}

func TestHangingReceiverTimesOutAndHoldsNoOtherUp(t *testing.T) {
	r := newRecord()
	hanging, other := newReceiver(t, hang(t)), newReceiver(t, nil)
	n := start(t, r, notify.Options{Timeout: 100 * time.Millisecond}, notify.Receiver{URL: hanging.URL}, notify.Receiver{URL: other.URL})
	r.add(web, refused(1), refused(2))
	other.want(t, 2)
	eventually(t, "the timeout counts", func() bool {
		for _, s := range n.Stats() {
			if s.Failed > 1 && s.Sent == 0 && s.Lag > 0 {
				return true
			}
		}
		return false
	})
}

// A status is the answer: what follows does not matter.
func TestSlowBodyIsNotAwaited(t *testing.T) {
	wait := hang(t)
	receiver, r := newReceiver(t, func(w http.ResponseWriter, q *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		wait(w, q)
	}), newRecord()
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	r.add(web, refused(1), refused(2), refused(3))
	began := time.Now()
	receiver.want(t, 3)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestCloseDoesNotWaitForAReceiver(t *testing.T) {
	receiver, r := newReceiver(t, hang(t)), newRecord()
	n := start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	r.add(web, refused(1))
	receiver.want(t, 1)
	began := time.Now()
	if err := n.Close(t.Context()); err != nil || time.Since(began) > time.Second {
		t.Errorf("Close returned %v after %v", err, time.Since(began))
	}
	if len(r.holders) != 0 {
		t.Error("the right to send was not given up")
	}
}

func TestNextProcessSendsWhatWasNotSent(t *testing.T) {
	r := newRecord()
	var broken atomic.Bool
	broken.Store(true)
	receiver := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	first := start(t, r, notify.Options{Backoff: time.Hour}, notify.Receiver{URL: receiver.URL})
	r.add(web, refused(1), refused(2))
	receiver.want(t, 1)
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	broken.Store(false)
	r.add(web, refused(3)) // while no process sends
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	if got := strings.NewReplacer("-refused", "", "00000000000", "").Replace(ids(receiver.want(t, 4))); got != "1 1 2 3" {
		t.Errorf("it got %s", got)
	}
}

// A process that dies after a request and before it stores the position leaves a duplicate,
// with the same id, and loses nothing.
func TestCrashAfterARequestRepeatsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		receiver := newPipedReceiver(t, r, nil)
		dying := start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
		r.set(func() { r.unwritable = true })
		r.add(web, refused(1), refused(2))
		receiver.want(t, 1)
		// It sends nothing more while the position cannot be stored: a full disk must not flood
		// the receiver.
		time.Sleep(time.Minute)
		receiver.want(t, 1)
		r.steal("")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = dying.Close(ctx)
		r.set(func() { r.unwritable = false })
		start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
		if got := strings.NewReplacer("-refused", "", "00000000000", "").Replace(ids(receiver.want(t, 3))); got != "1 1 2" {
			t.Errorf("it got %s", got)
		}
	})
}

func TestProcessWithoutTheRightDoesNotSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		receiver := newPipedReceiver(t, r, nil)
		start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
		r.steal("another process")
		r.add(web, refused(1))
		time.Sleep(time.Minute)
		receiver.want(t, 0)
	})
}

func TestPrunedEventsAreReportedAsAGap(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	n := start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL, Kinds: []notify.Kind{notify.Refused}})
	if err := n.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.add(web, refused(1), refused(2), refused(3))
	r.set(func() { r.pruned = r.events[1].Position })
	n = start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL, Kinds: []notify.Kind{notify.Refused}})
	events, data := decode(t, receiver.want(t, 2))
	if events[0].Type() != apiv1.NotifyGap || data[0].Since.IsZero() || !strings.Contains(data[0].Text, "pruned") || events[1].ID() != changeID(3)+"-refused" {
		t.Errorf("it got %v and %v", events[0], events[1])
	}
	if n.Stats()[0].Gaps != 1 {
		t.Errorf("the stats are %+v", n.Stats())
	}
}

func TestGoneReceiverGetsNothingUntilItsSettingsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		var gone atomic.Bool
		gone.Store(true)
		receiver := newPipedReceiver(t, r, func(w http.ResponseWriter, _ *http.Request) {
			if gone.Load() {
				w.WriteHeader(http.StatusGone)
			}
		})
		n := start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
		r.add(web, refused(1), refused(2))
		receiver.want(t, 1)
		time.Sleep(time.Minute)
		receiver.want(t, 1)
		gone.Store(false)
		n.Set([]notify.Receiver{{URL: receiver.URL}})
		receiver.want(t, 3)
	})
}

func TestReceiverGetsItsPoolsAndKindsOnly(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	start(t, r, notify.Options{}, notify.Receiver{
		URL: receiver.URL, Kinds: []notify.Kind{notify.Refused},
		Matches: func(_ context.Context, p lsapi.PoolID) bool { return p == web },
	})
	r.add(lsapi.ELB("web"), refused(1))
	r.add(web, completed(change(2, lsapi.OutcomeUnknown)), refused(3))
	if got := ids(receiver.want(t, 1)); got != "000000000003-refused" {
		t.Errorf("it got %s", got)
	}
}

func TestRemovedReceiverGetsNothing(t *testing.T) {
	r, one, two := newRecord(), newReceiver(t, nil), newReceiver(t, nil)
	n := start(t, r, notify.Options{}, notify.Receiver{URL: one.URL}, notify.Receiver{URL: two.URL})
	n.Set([]notify.Receiver{{URL: two.URL}})
	r.add(web, refused(1))
	two.want(t, 1)
	one.want(t, 0)
}

func TestMembersOutForLongAreReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		receiver := newPipedReceiver(t, r, nil)
		now := time.Now()
		soon := now.Add(-30*time.Minute + 500*time.Millisecond)
		health := &lsapi.MemberHealth{Member: member(1), State: lsapi.OutOfService, AWSState: "unhealthy", Reason: "Target.Timeout", Description: "Request timed out"}
		detach := change(3, lsapi.OutcomeApplied)
		r.out = []lsapi.OutMember{
			{Pool: web, Member: member(9), Since: now.Add(-time.Hour), Health: health}, // before the receiver was configured
			{Pool: web, Member: member(1), Since: soon, Health: health},
			{Pool: web, Member: member(2), Since: soon, Health: health},
			{Pool: web, Member: member(3), Since: soon, Detach: &detach},
		}
		o := notify.Options{OutEvery: 10 * time.Millisecond}
		n := start(t, r, o, notify.Receiver{URL: receiver.URL, OutFor: 30 * time.Minute})
		_, data := decode(t, receiver.want(t, 2))
		if !strings.HasPrefix(data[0].Text, "tg/web: out of service for 30m: i-00000001:8080, i-00000002:8080 (since ") ||
			!strings.HasSuffix(data[0].Text, ": Target.Timeout, Request timed out") || data[0].Count != 2 || len(data[0].Out) != 2 || data[0].Out[0].Health.AWSState != "unhealthy" {
			t.Errorf("it got %+v", data[0])
		}
		if !strings.HasPrefix(data[1].Text, "tg/web: not back for 30m since alice detached: i-00000003:8080 (") || data[1].Changes[0].ID != changeID(3) {
			t.Errorf("it got %+v", data[1])
		}
		eventually(t, "both count", func() bool { return n.Stats()[0].Sent == 2 })
		if err := n.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		start(t, r, o, notify.Receiver{URL: receiver.URL, OutFor: 30 * time.Minute})
		time.Sleep(time.Second)
		receiver.want(t, 2)
	})
}

func TestSlackReceivesOneEscapedLine(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL, Format: notify.Slack})
	c := change(1, lsapi.OutcomeApplied)
	c.Guard = &lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "<!channel> @all fire & smoke"}
	r.add(web, completed(c))
	got := receiver.want(t, 1)[0]
	want := `{"text":"tg/web: alice overrode keepLast to detach i-00000001:8080 (applied); reason: &lt;!channel&gt; @` + "\u200b" + `all fire &amp; smoke"}`
	var compact bytes.Buffer
	_ = json.Compact(&compact, got.body)
	text := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(compact.String())
	if text != want || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s (%s)\nwant %s", text, got.header.Get("Content-Type"), want)
	}
}

func TestSignatureVerifies(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	secrets, err := notify.ParseSecrets("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\nanother secret of 24 bytes or more\n")
	if err != nil {
		t.Fatal(err)
	}
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL, Secrets: secrets})
	r.add(web, refused(1))
	got := receiver.want(t, 1)[0]
	for i, secret := range secrets {
		if err := verify(secret, got.header, got.body, time.Now()); err != nil {
			t.Errorf("secret %d: %v", i, err)
		}
	}
	if verify([]byte("a wrong secret of 24 bytes or more"), got.header, got.body, time.Now()) == nil {
		t.Error("a wrong secret verifies")
	}
	if verify(secrets[0], got.header, append(got.body, ' '), time.Now()) == nil {
		t.Error("another body verifies")
	}
	got.header.Set("Webhook-Id", "x")
	if verify(secrets[0], got.header, got.body, time.Now()) == nil {
		t.Error("another id verifies")
	}
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func TestLogAndStatsShowNoSecrets(t *testing.T) {
	for name, url := range map[string]string{
		"refused":  "http://127.0.0.1:1/services/T0/hidden?token=hidden",
		"resolved": "http://hidden-not.invalid/services/hidden",
		"redirect": httptestRedirect(t) + "/services/hidden?hidden",
		"malformed redirect": newReceiver(t, func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Location", "http://[::1"+q.URL.Path)
			w.WriteHeader(http.StatusFound)
		}).URL + "/services/hidden",
	} {
		t.Run(name, func(t *testing.T) {
			log := &syncBuffer{}
			r := newRecord()
			n := start(t, r, notify.Options{Log: slog.New(slog.NewTextHandler(log, nil)), Timeout: 5 * time.Second},
				notify.Receiver{URL: url, Secrets: []notify.Secret{notify.Secret("hidden hidden hidden hidden")}})
			r.add(web, refused(1))
			eventually(t, "an attempt fails", func() bool { return n.Stats()[0].Failed > 0 && strings.Contains(log.String(), "cannot be sent") })
			if text := log.String() + n.Stats()[0].Name; strings.Contains(strings.ReplaceAll(text, "hidden-not.invalid", ""), "hidden") {
				t.Errorf("it shows a secret: %s", text)
			}
		})
	}
}

func httptestRedirect(t *testing.T) string {
	s := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/hidden", http.StatusFound))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTestIsSentOnce(t *testing.T) {
	receiver := newReceiver(t, nil)
	n := start(t, newRecord(), notify.Options{})
	if err := n.Test(t.Context(), notify.Receiver{URL: receiver.URL}); err != nil {
		t.Fatal(err)
	}
	events, _ := decode(t, receiver.want(t, 1))
	if events[0].Type() != apiv1.NotifyTest {
		t.Errorf("it got %v", events[0])
	}
}

// AWS is read for receivers only by the process that sends to them.
func TestAWSIsReadWhileThisProcessSends(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	var touches, watches atomic.Int64
	o := notify.Options{
		Touch: func() { touches.Add(1) },
		Watch: func() func() { watches.Add(1); return func() { watches.Add(-1) } },
	}
	n := start(t, r, o, notify.Receiver{URL: receiver.URL, OutFor: time.Minute})
	eventually(t, "AWS is read", func() bool { return touches.Load() > 0 && watches.Load() == 1 })
	n.Set([]notify.Receiver{{URL: receiver.URL, Kinds: []notify.Kind{notify.Refused}}})
	eventually(t, "the polls end", func() bool { return watches.Load() == 0 })
	n.Set([]notify.Receiver{{URL: receiver.URL, OutFor: time.Minute}})
	eventually(t, "the polls begin again", func() bool { return watches.Load() == 1 })
	r.steal("another process")
	eventually(t, "the polls end with the right to send", func() bool { return watches.Load() == 0 })
	if err := n.Close(t.Context()); err != nil || watches.Load() != 0 {
		t.Errorf("Close returned %v with %d polls", err, watches.Load())
	}
}

func TestBulkIsOneNotification(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	var all []lsapi.Event
	for i := range 60 {
		e := refused(i + 1)
		e.Change.Bulk = changeID(1000)
		all = append(all, e)
	}
	other := refused(100)
	other.Change.Bulk = changeID(2000)
	r.add(web, append(all, other, refused(101), refused(102))...)
	got := receiver.want(t, 4)
	if ids(got) != "000000000001-refused-60 000000000100-refused 000000000101-refused 000000000102-refused" {
		t.Errorf("it got %s", ids(got))
	}
	_, data := decode(t, got)
	if data[0].Text != "tg/web: a guard refused the detach of i-00000001:8080, i-00000002:8080, i-00000003:8080, i-00000004:8080, i-00000005:8080 and 55 more by alice (minInService 3)" ||
		data[0].Count != 60 || len(data[0].Changes) != 50 {
		t.Errorf("it got %+v", data[0])
	}
}

func TestDriftIsOneNotification(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	r.add(web, lsapi.Event{Kind: lsapi.EventObserved, At: noon, Added: []lsapi.MemberID{member(1)}, Removed: []lsapi.MemberID{member(2), member(3)}})
	_, data := decode(t, receiver.want(t, 1))
	if data[0].Text != "tg/web: changed outside of lsapi: attached i-00000001:8080; detached i-00000002:8080, i-00000003:8080" || data[0].Count != 3 {
		t.Errorf("it got %+v", data[0])
	}
}

func TestOverrideOfUnknownOutcomeIsBoth(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	c := change(1, lsapi.OutcomeUnknown)
	c.Guard = &lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "fire"}
	r.add(web, lsapi.Event{Kind: lsapi.EventIntended, At: noon, Change: c}, lsapi.Event{Kind: lsapi.EventResolved, At: noon, Change: c})
	if got := ids(receiver.want(t, 2)); got != "000000000001-overridden 000000000001-unknown" {
		t.Errorf("it got %s", got)
	}
}

// What AWS refuses is an error of its caller, and no news for others.
func TestOtherOutcomesAreNotNotified(t *testing.T) {
	r, receiver := newRecord(), newReceiver(t, nil)
	start(t, r, notify.Options{}, notify.Receiver{URL: receiver.URL})
	for i, outcome := range []lsapi.Outcome{lsapi.OutcomeApplied, lsapi.OutcomeConflict, lsapi.OutcomeRefused, lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn} {
		r.add(web, completed(change(i+1, outcome)))
	}
	r.add(web, refused(10))
	if got := ids(receiver.want(t, 1)); got != "000000000010-refused" {
		t.Errorf("it got %s", got)
	}
}

func TestTerminatedInstancesAreNotReportedAsDetached(t *testing.T) {
	for name, test := range map[string]struct {
		states instances
		want   int
	}{
		"terminated, forgotten, running": {instances{member(1).Instance: lsapi.StateTerminated, member(2).Instance: ""}, 1},
		"EC2 cannot be read":             {instances{"fails": ""}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecord()
				receiver := newPipedReceiver(t, r, nil)
				soon := time.Now().Add(-time.Minute + 300*time.Millisecond)
				for i := range 3 {
					detach := change(i+1, lsapi.OutcomeApplied)
					r.out = append(r.out, lsapi.OutMember{Pool: web, Member: member(i + 1), Since: soon, Detach: &detach})
				}
				start(t, r, notify.Options{OutEvery: 10 * time.Millisecond, Instances: test.states}, notify.Receiver{URL: receiver.URL, OutFor: time.Minute})
				receiver.want(t, test.want)
				time.Sleep(time.Second)
				receiver.want(t, test.want)
			})
		})
	}
}
