package dataplane_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"lsapi/internal/emulator/dataplane"
)

// switching is an instance that switches to a protocol in which it repeats every byte,
// for requests with Upgrade and those of /unasked.
func switching(t *testing.T) (address string) {
	t.Helper()
	return echo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" && r.URL.Path != "/unasked" {
			fmt.Fprintf(w, "Connection %q, Upgrade %q, Keep-Alive %q, X-Hop %q", r.Header["Connection"], r.Header["Upgrade"], r.Header["Keep-Alive"], r.Header["X-Hop"])
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, buffered) // until the other end closes
	})
}

func TestHTTPListenerDropsUpgrade(t *testing.T) {
	w := start(t, dataplane.Options{Concurrency: 1, Backends: map[string]string{one: switching(t)}}, one)
	w.await("in service", func() bool { return w.load(one).InService })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Connection": {"Upgrade, X-Hop"}, "Upgrade": {"echo"}, "Keep-Alive": {"timeout=5"}, "X-Hop": {"1"}}
	response, err := w.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := "Connection [], Upgrade [], Keep-Alive [], X-Hop []"; err != nil || response.StatusCode != http.StatusOK || string(body) != want {
		t.Errorf("the member got %s (%d, %v)", body, response.StatusCode, err)
	}
	if a := w.get("/unasked"); a.status != http.StatusBadGateway {
		t.Errorf("an unasked switch is answered %+v", a)
	}
	if a := w.get("/"); a.status != http.StatusOK {
		t.Errorf("the next request is answered %+v", a)
	}
}

func TestHTTPListenerAddsNoContentType(t *testing.T) {
	address := echo(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		switch r.URL.Path {
		case "/typed":
			w.Header().Set("Content-Type", "text/x-given")
		case "/hints":
			w.WriteHeader(http.StatusEarlyHints)
		}
		_, _ = w.Write([]byte("<html>"))
	})
	w := start(t, dataplane.Options{Backends: map[string]string{one: address}}, one)
	w.await("in service", func() bool { return w.load(one).InService })
	for path, want := range map[string]string{"/": "[]", "/hints": "[]", "/typed": "[text/x-given]"} {
		response, err := w.http.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := fmt.Sprint(response.Header["Content-Type"]); response.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s has the type %s, want %s", path, got, want)
		}
	}
}

// startTCP is start with a TCP listener.
func startTCP(t *testing.T, o dataplane.Options, members ...string) *world {
	t.Helper()
	w := start(t, o)
	w.web().Listeners = []dataplane.Listener{{Protocol: "TCP", Port: 81, InstancePort: 8080}}
	w.setMembers(members...)
	w.url = w.traffic().Listeners[0].URL
	for _, id := range members {
		w.await(id+" in service", func() bool { return w.load(id).InService })
	}
	return w
}

// connect opens a connection to the listener.
func (w *world) connect() (*net.TCPConn, *bufio.Reader) {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "tcp://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
	tcp, _ := conn.(*net.TCPConn)
	return tcp, bufio.NewReader(conn)
}

// switched opens a connection, and has the member switch protocols.
func (w *world) switched() (*net.TCPConn, *bufio.Reader) {
	w.t.Helper()
	conn, from := w.connect()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	response, err := http.ReadResponse(from, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Via") != "" {
		w.t.Fatalf("got %v, %v", response, err)
	}
	response.Body.Close()
	return conn, from
}

func (w *world) wantEcho(conn net.Conn, from io.ByteReader) {
	w.t.Helper()
	fmt.Fprint(conn, "x")
	if b, err := from.ReadByte(); err != nil || b != 'x' {
		w.t.Fatalf("it returns %q, %v", b, err)
	}
}

func TestTCPListenerForwardsUpgradedConnections(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"without draining":    func(w *world) { w.web().Drain = 0; w.setMembers() },
		"at its timeout":      func(w *world) { w.web().Drain = 100 * time.Millisecond; w.setMembers() },
		"with its listener":   func(w *world) { w.web().Listeners = nil; w.apply() },
		"with its deletion":   func(w *world) { w.plan.LoadBalancers = nil; w.apply() },
		"with the member":     func(w *world) { w.plane.SetAlive(one, false) },
		"by the idle timeout": func(w *world) {},
	} {
		t.Run(name, func(t *testing.T) {
			w := startTCP(t, dataplane.Options{Concurrency: 1, Backends: map[string]string{one: switching(t)}})
			if name == "by the idle timeout" {
				w.web().Idle = 200 * time.Millisecond
			}
			w.setMembers(one)
			w.await("in service", func() bool { return w.load(one).InService })
			conn, from := w.switched()
			w.wantEcho(conn, from)
			if got := w.load(one).InFlight; got != 1 {
				t.Errorf("%d in flight", got)
			}
			end(w)
			if _, err := from.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("it goes on: %v", err)
			}
			if len(w.plan.LoadBalancers) > 0 {
				w.await("nothing in flight", func() bool { return w.load(one).InFlight == 0 })
			}
		})
	}
}

// The idle timeout is so long that what is sent postpones it even on a slow machine, and
// shorter than the test.
func TestTrafficResetsIdleTimeout(t *testing.T) {
	w := startTCP(t, dataplane.Options{Backends: map[string]string{one: switching(t)}})
	w.web().Idle = 2 * time.Second
	w.setMembers(one)
	w.await("in service", func() bool { return w.load(one).InService })
	conn, from := w.switched()
	for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(50 * time.Millisecond) {
		w.wantEcho(conn, from)
	}
}

func TestTCPListenerClosesDirectionsSeparately(t *testing.T) {
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
				text, _ := io.ReadAll(conn) // until the client has sent everything
				_, _ = conn.Write(append([]byte("after "), text...))
			}()
		}
	}()
	w := start(t, dataplane.Options{Backends: map[string]string{one: listener.Addr().String()}})
	w.web().Check.Target = "TCP:8080"
	w.web().Listeners = []dataplane.Listener{{Protocol: "TCP", Port: 81, InstancePort: 8080}}
	w.setMembers(one)
	w.url = w.traffic().Listeners[0].URL
	w.await("in service", func() bool { return w.load(one).InService })
	conn, from := w.connect()
	fmt.Fprint(conn, "everything")
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(from); err != nil || string(text) != "after everything" {
		t.Errorf("it answers %q, %v", text, err)
	}
	w.await("nothing in flight", func() bool { return w.load(one).InFlight == 0 })
}

func TestTCPListenerTriesAnotherMember(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, dataplane.Options{Backends: map[string]string{one: gone.Addr().String(), two: switching(t)}})
	w.web().Check = dataplane.HealthCheck{Target: "TCP:8080", Interval: time.Hour, Timeout: time.Second, Unhealthy: 2, Healthy: 2}
	w.web().Listeners = []dataplane.Listener{{Protocol: "TCP", Port: 81, InstancePort: 8080}}
	w.setMembers(one, two)
	w.url = w.traffic().Listeners[0].URL
	w.await("both in service", func() bool { return w.load(one).InService && w.load(two).InService })
	gone.Close()
	for range 2 { // one of them goes to the first member first
		conn, from := w.switched()
		w.wantEcho(conn, from)
	}
	if failed := w.sum(web, dataplane.BackendConnectionErrors); failed == 0 || w.sum(web, dataplane.RequestCount) != 2 {
		t.Errorf("%f connections failed, of %f requests", failed, w.sum(web, dataplane.RequestCount))
	}
	w.setMembers()
	conn, from := w.connect()
	if _, err := from.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("without a member: %v", err)
	}
	conn.Close()
}

// sum adds up a metric.
func (w *world) sum(scope dataplane.Scope, metric dataplane.Metric) float64 {
	var all dataplane.Statistics
	for _, p := range w.plane.Data(scope, metric, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)) {
		all.Add(p.Statistics)
	}
	return all.Sum
}

func TestMetricsSumByZoneAndLoadBalancer(t *testing.T) {
	w := start(t, dataplane.Options{})
	w.web().Zones = []string{"a", "b"}
	other := *w.web()
	other.Name, other.Zones, other.Listeners = "api", []string{"b"}, []dataplane.Listener{{Protocol: "HTTP", Port: 82, InstancePort: 8080}}
	member := func(id, zone string) dataplane.Member {
		return dataplane.Member{InstanceID: id, Zone: zone, Since: time.Now(), Ready: time.Now(), Served: true}
	}
	w.web().Members = []dataplane.Member{member(one, "a"), member(two, "b")}
	other.Members = []dataplane.Member{member(three, "b")}
	w.plan.LoadBalancers = append(w.plan.LoadBalancers, other)
	w.apply()
	inService := func() (n int) {
		for _, traffic := range w.plane.Traffic() {
			for _, m := range traffic.Members {
				if m.InService {
					n++
				}
			}
		}
		return n
	}
	w.await("all in service", func() bool { return inService() == 3 })
	byZone := map[string]float64{}
	for range 6 {
		a := w.get("/")
		byZone[map[string]string{one: "a", two: "b"}[a.by]]++
	}
	w.url = w.plane.Traffic()[0].Listeners[0].URL
	for range 3 {
		w.get("/")
	}
	w.plan.LoadBalancers[1].Members = nil
	w.apply()
	w.get("/") // answered by the load balancer alone, in its first zone
	for scope, want := range map[dataplane.Scope]float64{
		web:                              6,
		{LoadBalancer: "web", Zone: "a"}: byZone["a"],
		{LoadBalancer: "web", Zone: "b"}: byZone["b"],
		{LoadBalancer: "api"}:            4,
		{LoadBalancer: "api", Zone: "b"}: 4,
		{LoadBalancer: "api", Zone: "a"}: 0,
		{Zone: "a"}:                      byZone["a"],
		{Zone: "b"}:                      byZone["b"] + 4,
		{}:                               10,
		{LoadBalancer: "none"}:           0,
	} {
		scope.Namespace = classic
		if got := w.sum(scope, dataplane.RequestCount); got != want {
			t.Errorf("%+v has %f requests, want %f", scope, got, want)
		}
	}
	if got := w.sum(dataplane.Scope{Namespace: classic, LoadBalancer: "web", Zone: "a"}, dataplane.HealthyHostCount); got != 6 {
		t.Errorf("at 6 requests the zone had %f hosts", got)
	}
	if a, b := w.sum(dataplane.Scope{Namespace: classic, Zone: "a"}, dataplane.ELB5XX), w.sum(dataplane.Scope{Namespace: classic, Zone: "b"}, dataplane.ELB5XX); a != 0 || b != 1 {
		t.Errorf("%f and %f answers of the load balancers", a, b)
	}
	present := map[dataplane.Series]bool{}
	for _, s := range w.plane.Series() {
		present[s] = true
	}
	for s, want := range map[dataplane.Series]bool{
		{Scope: web, Metric: dataplane.RequestCount}:                                                                 true,
		{Scope: dataplane.Scope{Namespace: classic, LoadBalancer: "web", Zone: "a"}, Metric: dataplane.Latency}:      true,
		{Scope: dataplane.Scope{Namespace: classic, Zone: "b"}, Metric: dataplane.ELB5XX}:                            true,
		{Scope: dataplane.Scope{Namespace: classic}, Metric: dataplane.RequestCount}:                                 true,
		{Scope: dataplane.Scope{Namespace: classic, LoadBalancer: "api", Zone: "a"}, Metric: dataplane.RequestCount}: false,
		{Scope: web, Metric: dataplane.ELB5XX}:                                                                       false,
	} {
		if present[s] != want {
			t.Errorf("%+v is listed: %t", s, present[s])
		}
	}
}
