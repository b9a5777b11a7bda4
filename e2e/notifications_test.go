package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"

	v1 "lsapi/api/v1"
)

// webhook is a receiver of notifications.
type webhook struct {
	*httptest.Server
	mu     sync.Mutex
	events []cloudevent.Event
}

// startWebhook starts a receiver that answers by answer, or accepts all for nil.
func startWebhook(t *testing.T, answer http.HandlerFunc) *webhook {
	t.Helper()
	w := &webhook{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		e := cloudevent.New()
		if err == nil {
			err = e.UnmarshalJSON(body)
		}
		if err == nil {
			err = e.Validate()
		}
		if err != nil {
			t.Errorf("%s is no CloudEvent: %v", body, err)
		}
		w.mu.Lock()
		w.events = append(w.events, e)
		w.mu.Unlock()
		if answer != nil {
			answer(response, r)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

// notified sets a service's receiver.
func notified(w *webhook) setting { return with("NOTIFY="+w.URL+"/hook", "NOTIFY_ALLOW=127.0.0.1") }

// received returns the notifications of a type so far.
func (w *webhook) received(kind string) []cloudevent.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.events), func(e cloudevent.Event) bool { return e.Type() != kind })
}

// drifted returns the members that were detached outside of lsapi, each once, in the order of
// the notifications.
func (w *webhook) drifted(t *testing.T) []string {
	t.Helper()
	var members, seen []string
	for _, e := range w.received(v1.NotifyDrift) {
		if slices.Contains(seen, e.ID()) {
			continue
		}
		seen = append(seen, e.ID())
		var data v1.Notification
		if err := e.DataAs(&data); err != nil {
			t.Fatal(err)
		}
		for _, c := range data.Changes {
			members = append(members, c.Action+" "+c.Member)
		}
	}
	return members
}

// No client reads meanwhile: lsapi reads AWS for the receiver.
func TestDriftIsNotified(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		w := startWebhook(t, nil)
		a, s := startBoth(t, at(store), notified(w))
		s.attach("default-elb", spare)
		a.deregister("default-elb", member)
		eventually(t, "the receiver is notified", func() bool { return len(w.received(v1.NotifyDrift)) > 0 })
		if got := w.drifted(t); !slices.Equal(got, []string{"detach " + member}) {
			t.Errorf("it got %v", got)
		}
		e := w.received(v1.NotifyDrift)[0]
		c := s.changes("pool=elb/default-elb&instance=" + member)[0]
		if e.Subject() != "elb/default-elb" || e.Source() != "/lsapi/us-east-1" || e.ID() != c.ID+"-drift" {
			t.Errorf("it got %v", e)
		}
		if s.metric(t, "lsapi_notification_gaps_total") != 0 {
			t.Error("it has a gap")
		}
	})
}

func TestNotificationsContinueAfterAKill(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		var accept sync.Map
		w := startWebhook(t, func(response http.ResponseWriter, _ *http.Request) {
			if _, ok := accept.Load("all"); !ok {
				response.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		a, s := startBoth(t, at(store), notified(w))
		s.attach("default-elb", spare)
		a.deregister("default-elb", member)
		eventually(t, "the receiver refuses", func() bool { return len(w.received(v1.NotifyDrift)) > 0 })
		s.kill()
		a.deregister("default-elb", spare)
		accept.Store("all", true)
		startService(t, a.base, at(store), notified(w))
		// On PostgreSQL the right to send expires first.
		eventuallyWithin(t, 90*time.Second, "both are notified", func() bool { return len(w.drifted(t)) == 2 })
		if got := w.drifted(t); !slices.Equal(got, []string{"detach " + member, "detach " + spare}) {
			t.Errorf("it got %v", got)
		}
	})
}

func TestReplicaTakesOverNotifications(t *testing.T) {
	t.Parallel()
	w := startWebhook(t, nil)
	c := startCluster(t, 2, nil, notified(w))
	c.replicas[0].client().on(t).attach("default-elb", spare)
	c.aws.deregister("default-elb", member)
	eventually(t, "the first is notified", func() bool { return len(w.drifted(t)) == 1 })
	var sends int
	for i, r := range c.replicas {
		for name, value := range r.service.samples(t) {
			if strings.HasPrefix(name, "lsapi_notifications_sent_total") && value > 0 {
				sends = i
			}
		}
	}
	c.replicas[sends].service.kill()
	c.aws.deregister("default-elb", spare)
	eventuallyWithin(t, 90*time.Second, "the second is notified", func() bool { return len(w.drifted(t)) == 2 })
	if got := w.drifted(t); !slices.Equal(got, []string{"detach " + member, "detach " + spare}) {
		t.Errorf("it got %v", got)
	}
}

// A receiver that hangs delays neither changes nor a stop.
func TestHangingReceiverDelaysNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		done := make(chan struct{})
		w := startWebhook(t, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-done:
			case <-r.Context().Done():
			}
		})
		t.Cleanup(func() { close(done) })
		a, s := startBoth(t, at(store), notified(w))
		s.attach("default-elb", spare)
		a.deregister("default-elb", member)
		eventually(t, "the receiver hangs", func() bool { return len(w.received(v1.NotifyDrift)) > 0 })
		began := time.Now()
		for range 10 {
			if r := s.detach("default-elb", spare); r.status != http.StatusCreated {
				t.Errorf("%d %s", r.status, r.body)
			}
			if r := s.attach("default-elb", spare); r.status != http.StatusCreated {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("20 changes took %v", took)
		}
		began = time.Now()
		if status := s.stop(); status != 0 || time.Since(began) > 5*time.Second {
			t.Errorf("the stop took %v, status %d", time.Since(began), status)
		}
	})
}

// The receiver of the docs verifies the signature, and prints the text.
func TestReceiverOfTheDocsVerifies(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(page)
	if script == nil {
		t.Fatal("the page has no receiver")
	}
	const secret = "NOTIFY_SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	address := freeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	receiver := exec.CommandContext(t.Context(), python, "-")
	receiver.Stdin = bytes.NewReader(script[1])
	receiver.Env = append(os.Environ(), secret, "PORT="+port)
	out := newOutput()
	receiver.Stdout, receiver.Stderr = out, out
	if err := receiver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = receiver.Process.Kill(); _ = receiver.Wait() })
	a, s := startBoth(t, with("NOTIFY=http://"+address, "NOTIFY_ALLOW=127.0.0.1", secret))
	s.attach("default-elb", spare)
	a.deregister("default-elb", member)
	want := "elb/default-elb: changed outside of lsapi: detached " + member
	eventually(t, "the receiver prints the text", func() bool { return strings.Contains(out.String(), want) })
}

func TestRefusalAndOverrideAreNotified(t *testing.T) {
	t.Parallel()
	w, other := startWebhook(t, nil), startWebhook(t, nil)
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeUsers(t, path, "notify:\n- {url: '"+w.URL+"', pools: ['elb/default-*'], events: [refused, overridden]}\n- {url: '"+other.URL+"', pools: ['tg/*', {tag: {no: pool}}]}\n")
	_, s := startBoth(t, with("POLICY="+path, "NOTIFY_ALLOW=127.0.0.1"))
	var refused response
	eventually(t, "a refusal is notified", func() bool { // those before the receivers are set are not
		refused = s.send("DELETE", "/v1/pools/elb/default-elb/members/"+member, "")
		return len(w.received(v1.NotifyRefused)) > 0
	})
	e := w.received(v1.NotifyRefused)[0]
	want := "elb/default-elb: a guard refused the detach of " + member + " by "
	var data v1.Notification
	if err := e.DataAs(&data); err != nil || refused.status != http.StatusConflict || !strings.HasPrefix(data.Text, want) || !strings.HasSuffix(data.Text, " (keepLast)") {
		t.Errorf("%d %s is notified as %v", refused.status, refused.body, e)
	}
	if g := data.Changes[0].Guard; g == nil || g.Rule != "keepLast" || g.Overridden {
		t.Errorf("its change is %+v", data.Changes)
	}
	if r := s.send("DELETE", "/v1/pools/elb/default-elb/members/"+member, "", "X-Override-Guard: the machine burns"); r.status != http.StatusOK {
		t.Fatalf("the override: %d %s", r.status, r.body)
	}
	eventually(t, "the override is notified", func() bool { return len(w.received(v1.NotifyOverridden)) > 0 })
	e = w.received(v1.NotifyOverridden)[0]
	if err := e.DataAs(&data); err != nil || !strings.HasSuffix(data.Text, "overrode keepLast to detach "+member+" (applied); reason: the machine burns") {
		t.Errorf("it is notified as %v", e)
	}
	if len(other.events) != 0 {
		t.Errorf("the receiver of other pools got %v", other.events)
	}
}
