package dataplane_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lsapi/internal/emulator/dataplane"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const classic = dataplane.ClassicNamespace

// web is the scope of all that the load balancer does.
var web = dataplane.Scope{Namespace: classic, LoadBalancer: "web"}

const (
	one   = "i-00000001"
	two   = "i-00000002"
	three = "i-00000003"
	// patience is how long a condition may take to come about.
	patience = 20 * time.Second
)

// world is a plan that a test changes, and the plane that carries it out.
type world struct {
	t     *testing.T
	plane *dataplane.Plane
	plan  dataplane.Plan
	http  *http.Client
	url   string
}

// start carries out a load balancer "web" with these members, which are probed every
// few milliseconds.
func start(t *testing.T, o dataplane.Options, members ...string) *world {
	t.Helper()
	w := &world{t: t, plane: dataplane.New(o), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	w.plan.LoadBalancers = []dataplane.LoadBalancer{{
		Name:      "web",
		Listeners: []dataplane.Listener{{Protocol: "HTTP", Port: 80, InstancePort: 8080}},
		Check:     dataplane.HealthCheck{Target: "HTTP:8080/", Interval: 20 * time.Millisecond, Timeout: time.Second, Unhealthy: 3, Healthy: 2},
		Idle:      time.Minute,
		Drain:     time.Minute,
	}}
	for n, id := range []string{one, two, three} {
		w.plan.Instances = append(w.plan.Instances, dataplane.Instance{ID: id, Number: uint64(n + 1), Running: true})
	}
	w.setMembers(members...)
	t.Cleanup(func() {
		w.http.CloseIdleConnections()
		if err := w.plane.Close(); err != nil {
			t.Error(err)
		}
	})
	w.url = w.traffic().Listeners[0].URL
	for _, id := range members {
		if o.Backends[id] == "" {
			w.await(id+" in service", func() bool { return w.load(id).InService })
		}
	}
	return w
}

func (w *world) web() *dataplane.LoadBalancer { return &w.plan.LoadBalancers[0] }

// setMembers registers members anew, but for those that are.
func (w *world) setMembers(ids ...string) {
	var members []dataplane.Member
	for _, id := range ids {
		m := dataplane.Member{InstanceID: id, Since: time.Now(), Ready: time.Now(), Served: true}
		for _, known := range w.web().Members {
			if known.InstanceID == id {
				m = known
			}
		}
		members = append(members, m)
	}
	w.web().Members = members
	w.apply()
}

func (w *world) apply() { w.plane.Apply(w.plan) }

func (w *world) traffic() dataplane.Traffic { return w.plane.Traffic()[0] }

// load is what an instance does now.
func (w *world) load(id string) dataplane.Load {
	for _, l := range w.traffic().Members {
		if l.InstanceID == id {
			return l
		}
	}
	return dataplane.Load{}
}

func (w *world) await(what string, condition func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("not in time: %s; the traffic is %+v", what, w.traffic())
		}
	}
}

// answer is a status and who answered.
type answer struct {
	status int
	by     string
	body   string
	err    error
}

func (w *world) get(path string) answer {
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, http.NoBody)
	if err != nil {
		return answer{err: err}
	}
	response, err := w.http.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("X-Instance-Id"), string(body), err}
}

// begin sends a request that takes so long, and returns what it will be answered once
// a member has it.
func (w *world) begin(sleep string) <-chan answer {
	w.t.Helper()
	busy := func() (n int) {
		for _, l := range w.traffic().Members {
			n += l.InFlight
		}
		return n + w.traffic().Waiting
	}
	before := busy()
	done := make(chan answer, 1)
	go func() { done <- w.get("/?sleep=" + sleep) }()
	w.await("a request in flight", func() bool { return busy() > before || len(done) > 0 })
	return done
}

func TestRequestsGoToLeastLoadedMembersInService(t *testing.T) {
	w := start(t, dataplane.Options{}, one, two)
	slow := w.begin("1s")
	by := make(map[string]int)
	for range 20 {
		a := w.get("/path")
		if a.status != http.StatusOK || !strings.Contains(a.body, "GET /path") {
			t.Fatalf("got %+v", a)
		}
		by[a.by]++
	}
	if len(by) != 1 {
		t.Errorf("while one has a request, the others went to %v", by)
	}
	if a := <-slow; a.status != http.StatusOK || by[a.by] > 0 {
		t.Errorf("the slow one was answered %+v, the others by %v", a, by)
	}
	for range 20 {
		by[w.get("/").by]++
	}
	if len(by) != 2 {
		t.Errorf("all went to %v", by)
	}
}

// echo is an instance that tells what it was sent.
func echo(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestForwardedHeadersMatchClassicLoadBalancer(t *testing.T) {
	got := make(chan *http.Request, 1)
	address := echo(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "ELB-HealthChecker/1.0" {
			got <- r
		}
	})
	w := start(t, dataplane.Options{Backends: map[string]string{one: address}}, one)
	w.await("in service", func() bool { return w.load(one).InService })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/a%2Fb?c=d;e", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["X-Forwarded-For"] = []string{"192.0.2.1, 192.0.2.2", "192.0.2.3"}
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Host = "www.example.com"
	response, err := w.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	sent := <-got
	if sent.Header.Get("X-Forwarded-For") != "192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1" || sent.Header.Get("X-Forwarded-Proto") != "http" ||
		sent.Header.Get("X-Forwarded-Port") != "80" || sent.Host != "www.example.com" || sent.RequestURI != "/a%2Fb?c=d;e" {
		t.Errorf("%s of %s with %v", sent.RequestURI, sent.Host, sent.Header)
	}
}

func TestHealthFollowsThresholds(t *testing.T) {
	var failing atomic.Bool
	address := echo(t, func(w http.ResponseWriter, _ *http.Request) {
		if failing.Load() {
			w.WriteHeader(http.StatusFound) // all but 200 is a failure
		}
	})
	w := start(t, dataplane.Options{Backends: map[string]string{one: address}}, one)
	w.await("in service", func() bool { return w.plane.Health("web", one) == dataplane.InService })
	failing.Store(true)
	w.await("failing", func() bool { return w.plane.Health("web", one) == dataplane.Failing })
	if a := w.get("/"); a.status != http.StatusServiceUnavailable {
		t.Errorf("without a member in service it is %+v", a)
	}
	failing.Store(false)
	w.await("recovering", func() bool { return w.plane.Health("web", one) != dataplane.Failing })
	w.await("in service", func() bool { return w.plane.Health("web", one) == dataplane.InService })
	if a := w.get("/"); a.status != http.StatusOK {
		t.Errorf("then it is %+v", a)
	}
}

func TestProbesStartWhenMemberIsReady(t *testing.T) {
	w := start(t, dataplane.Options{})
	ready := time.Now().Add(300 * time.Millisecond)
	w.web().Members = []dataplane.Member{{InstanceID: one, Since: time.Now(), Ready: ready, Served: true}}
	w.apply()
	w.web().Check.Interval = 10 * time.Millisecond // another check does not hasten it
	w.apply()
	w.await("in service", func() bool { return w.load(one).InService })
	if early := time.Until(ready); early > 0 {
		t.Errorf("it is in service %v before it is ready", early)
	}
}

func TestDrainingMemberFinishesItsRequests(t *testing.T) {
	w := start(t, dataplane.Options{}, one, two)
	slow := []<-chan answer{w.begin("500ms"), w.begin("500ms")} // one each
	w.setMembers(two)
	if w.plane.InFlight("web", one) != 1 || !w.load(one).Draining {
		t.Errorf("the traffic is %+v", w.traffic())
	}
	for range 20 {
		if a := w.get("/"); a.by != two {
			t.Fatalf("a new request was answered %+v", a)
		}
	}
	for _, done := range slow {
		if a := <-done; a.status != http.StatusOK {
			t.Errorf("one in flight was answered %+v", a)
		}
	}
	w.await("drained", func() bool { return w.plane.InFlight("web", one) == 0 && w.load(one).InstanceID == "" })
}

func TestDrainingEndsAtTimeout(t *testing.T) {
	for name, drain := range map[string]time.Duration{"at its timeout": 200 * time.Millisecond, "off": 0} {
		t.Run(name, func(t *testing.T) {
			w := start(t, dataplane.Options{}, one, two)
			w.web().Drain = drain
			w.setMembers(one)
			began := time.Now()
			slow := w.begin("1m")
			w.setMembers()
			a := <-slow
			if a.status != http.StatusGatewayTimeout && a.err == nil || time.Since(began) < drain {
				t.Errorf("after %v it was answered %+v", time.Since(began), a)
			}
			if n := w.plane.InFlight("web", one); n > 0 {
				t.Errorf("%d are in flight", n)
			}
		})
	}
}

func TestSurgeQueueFillsAndSpillsOver(t *testing.T) {
	gate := make(chan struct{})
	address := echo(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			<-gate
		}
	})
	w := start(t, dataplane.Options{Concurrency: 1, Backends: map[string]string{one: address}}, one)
	w.await("in service", func() bool { return w.load(one).InService })
	first := w.begin("until-the-gate-opens")
	const more = 1024
	var done sync.WaitGroup
	var served atomic.Int64
	for range more {
		done.Go(func() {
			if a := w.get("/"); a.status == http.StatusOK {
				served.Add(1)
			}
		})
	}
	w.await("a full queue", func() bool { return w.traffic().Waiting == more })
	if a := w.get("/"); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "surge queue is full") {
		t.Errorf("one more is %+v", a)
	}
	close(gate)
	if a := <-first; a.status != http.StatusOK {
		t.Errorf("the first is %+v", a)
	}
	done.Wait()
	if n := served.Load(); n != more || w.traffic().Waiting != 0 || w.traffic().Spilled != 1 {
		t.Errorf("%d of those that waited were served; %+v", n, w.traffic())
	}
	now := time.Now()
	for metric, want := range map[dataplane.Metric]float64{dataplane.SurgeQueueLength: more, dataplane.SpilloverCount: 1} {
		var all dataplane.Statistics
		for _, p := range w.plane.Data(web, metric, now.Add(-time.Hour), now.Add(time.Minute)) {
			all.Add(p.Statistics)
		}
		if all.Max != want {
			t.Errorf("%v is %+v", metric, all)
		}
	}
}

func TestDisconnectedClientLeavesSurgeQueue(t *testing.T) {
	w := start(t, dataplane.Options{Concurrency: 1}, one)
	first := w.begin("500ms")
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		if response, err := w.http.Do(r); err == nil {
			response.Body.Close()
		}
	}()
	w.await("one that waits", func() bool { return w.traffic().Waiting == 1 })
	leave()
	<-gone
	w.await("nobody that waits", func() bool { return w.traffic().Waiting == 0 })
	if a := <-first; a.status != http.StatusOK {
		t.Errorf("the first was answered %+v", a)
	}
	if a := w.get("/"); a.status != http.StatusOK {
		t.Errorf("the next was answered %+v", a)
	}
}

func TestNoMemberInServiceReturns503(t *testing.T) {
	w := start(t, dataplane.Options{Concurrency: 1}, one)
	first, waiting := w.begin("1m"), w.begin("0s")
	w.plan.Instances[0].Running = false
	w.apply()
	if a := <-waiting; a.status != http.StatusServiceUnavailable {
		t.Errorf("one that waited is %+v", a)
	}
	if a := <-first; a.status != http.StatusGatewayTimeout {
		t.Errorf("one in flight is %+v", a)
	}
	if a := w.get("/"); a.status != http.StatusServiceUnavailable {
		t.Errorf("a new one is %+v", a)
	}
}

// Connections that are not taken are tried elsewhere: what a member has not seen can be
// sent to another.
func TestKilledMemberFailsOnlyItsRequests(t *testing.T) {
	w := start(t, dataplane.Options{}, one, two)
	w.web().Check.Interval = time.Hour // health checks do not notice
	w.apply()
	for range 8 {
		w.get("/") // so that there are connections that are used again
	}
	slow := map[string]int{}
	inFlight := []<-chan answer{w.begin("500ms"), w.begin("500ms")}
	if w.plane.SetAlive(one, false); !w.plane.Killed(one) || w.plane.Killed(two) {
		t.Error("who is there is not known")
	}
	for range 20 {
		if a := w.get("/"); a.status != http.StatusOK || a.by != two {
			t.Fatalf("got %+v", a)
		}
	}
	for _, done := range inFlight {
		a := <-done
		slow[fmt.Sprint(a.status, a.by)]++
	}
	if slow["200"+two] != 1 || slow["504"] != 1 {
		t.Errorf("those in flight were answered %v", slow)
	}
	if n := w.plane.Data(web, dataplane.BackendConnectionErrors, time.Now().Add(-time.Hour), time.Now().Add(time.Minute)); len(n) == 0 {
		t.Error("no connection error was counted")
	}
	w.plane.SetAlive(one, true)
	by := make(map[string]int)
	for range 20 {
		by[w.get("/").by]++
	}
	if by[one] == 0 {
		t.Errorf("when it answers again, they go to %v", by)
	}
}

func TestSilentMemberReturns504AndMalformedAnswer502(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				switch {
				case err != nil:
				case r.URL.Path == "/silent":
					_, _ = io.Copy(io.Discard, conn) // until it is given up
				default:
					fmt.Fprint(conn, "nonsense\r\n\r\n")
				}
			}()
		}
	}()
	w := start(t, dataplane.Options{Backends: map[string]string{one: listener.Addr().String()}})
	w.web().Check.Target = "TCP:8080"
	w.web().Idle = 200 * time.Millisecond
	w.setMembers(one)
	w.await("in service", func() bool { return w.load(one).InService })
	began := time.Now()
	if a := w.get("/silent"); a.status != http.StatusGatewayTimeout || time.Since(began) < 200*time.Millisecond {
		t.Errorf("after %v silence is %+v", time.Since(began), a)
	}
	if a := w.get("/"); a.status != http.StatusBadGateway {
		t.Errorf("nonsense is %+v", a)
	}
}

// A client that sends slowly takes no member: until the idle timeout, which is longer than
// the test waits, others would get nothing.
func TestSlowSenderOccupiesNoMember(t *testing.T) {
	address := echo(t, func(http.ResponseWriter, *http.Request) {})
	w := start(t, dataplane.Options{Concurrency: 1, Backends: map[string]string{one: address}}, one)
	w.await("in service", func() bool { return w.load(one).InService })
	for name, request := range map[string]string{
		"its header": "POST / HTTP/1.1\r\nHost: x\r\nContent-Le",
		"its body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
		"chunks":     "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		w.send(request)
		if a := w.get("/"); a.status != http.StatusOK {
			t.Errorf("while a client takes its time over %s, another is answered %+v", name, a)
		}
	}
}

// A client that reads nothing keeps its member until nothing has moved for the idle
// timeout.
func TestClientThatDoesNotReadReleasesMember(t *testing.T) {
	big := strings.Repeat("x", 64<<20)
	address := echo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			_, _ = io.WriteString(w, big)
		}
	})
	w := start(t, dataplane.Options{Concurrency: 1, Backends: map[string]string{one: address}})
	w.web().Idle = 300 * time.Millisecond
	w.setMembers(one)
	w.await("in service", func() bool { return w.load(one).InService })
	w.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
	w.await("the answer on its way", func() bool { return w.load(one).InFlight == 1 })
	w.await("another is answered", func() bool { return w.get("/").status == http.StatusOK })
}

// send sends the beginning of a request over a connection of its own, which stays open.
func (w *world) send(text string) {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		w.t.Fatal(err)
	}
}

func TestListenerUsesFreePortIfTakenAndReportsUnsupportedProtocols(t *testing.T) {
	w := start(t, dataplane.Options{}, one)
	second := *w.web()
	second.Name, second.Members = "api", nil
	second.Listeners = []dataplane.Listener{{Protocol: "HTTP", Port: 80, InstancePort: 8080}, {Protocol: "SSL", Port: 5000, InstancePort: 5000}}
	w.plan.LoadBalancers = append(w.plan.LoadBalancers, second)
	w.apply()
	api := w.plane.Traffic()[0].Listeners
	if api[0].URL == "" || api[0].URL == w.url || api[1].URL != "" || !strings.Contains(api[1].Problem, "not SSL") {
		t.Errorf("it listens at %+v", api)
	}
	w.plan.LoadBalancers = w.plan.LoadBalancers[:1]
	w.apply()
	if _, err := net.Dial("tcp", strings.TrimPrefix(api[0].URL, "http://")); err == nil || len(w.plane.Traffic()) != 1 {
		t.Error("a deleted load balancer still listens")
	}
}

func TestRequestsAreMeasured(t *testing.T) {
	address := echo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	w := start(t, dataplane.Options{Backends: map[string]string{one: address}}, one)
	w.await("in service", func() bool { return w.load(one).InService })
	for range 3 {
		w.get("/")
	}
	w.get("/missing")
	w.setMembers()
	w.get("/")
	for metric, want := range map[dataplane.Metric]float64{
		dataplane.RequestCount: 5, dataplane.Backend2XX: 3, dataplane.Backend4XX: 1, dataplane.ELB5XX: 1,
	} {
		var all dataplane.Statistics
		for _, p := range w.plane.Data(web, metric, time.Now().Add(-time.Hour), time.Now().Add(time.Minute)) {
			all.Add(p.Statistics)
		}
		if all.Sum != want {
			t.Errorf("%v is %+v, want %v", metric, all, want)
		}
	}
	if p := w.plane.Data(web, dataplane.Latency, time.Now().Add(-time.Hour), time.Now().Add(time.Minute)); len(p) == 0 || p[0].Max <= 0 || p[0].Max > 60 {
		t.Errorf("the latency is %+v", p)
	}
	if w.plane.Data(dataplane.Scope{Namespace: classic, LoadBalancer: "api"}, dataplane.Latency, time.Time{}, time.Now()) != nil {
		t.Error("there are metrics of a load balancer that there is not")
	}
}
