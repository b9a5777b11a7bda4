package dataplane_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lsapi/internal/emulator/dataplane"
)

const (
	shopARN     = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/1"
	adminARN    = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/admin/2"
	balancerARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/alb/3"
)

// alb is the scope of all that the Application Load Balancer does.
var alb = dataplane.Scope{Namespace: dataplane.ApplicationNamespace, LoadBalancer: "app/alb/3"}

// forwardTo returns a rule without conditions.
func forwardTo(arns ...string) dataplane.Rule {
	var r dataplane.Rule
	for _, arn := range arns {
		r.Forward = append(r.Forward, dataplane.WeightedGroup{ARN: arn, Weight: 1})
	}
	return r
}

// route carries out an Application Load Balancer with a target group "shop", whose members
// serve port 8080, and an empty one, "admin".
func route(t *testing.T, o dataplane.Options, members ...string) *world {
	t.Helper()
	w := &world{t: t, plane: dataplane.New(o), http: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for n, id := range []string{one, two, three} {
		w.plan.Instances = append(w.plan.Instances, dataplane.Instance{ID: id, Number: uint64(n + 1), Running: true})
	}
	check := dataplane.HealthCheck{Target: "HTTP:traffic-port/", Interval: 20 * time.Millisecond, Timeout: 500 * time.Millisecond, Unhealthy: 2, Healthy: 2}
	w.plan.TargetGroups = []dataplane.TargetGroup{
		{ARN: shopARN, Name: "shop", Check: check, Drain: time.Minute, MinHealthy: 1},
		{ARN: adminARN, Name: "admin", Check: check, MinHealthy: 1},
	}
	w.plan.Routers = []dataplane.Router{{
		ARN: balancerARN, Name: "alb", Zones: []string{"a"}, Idle: time.Minute,
		Listeners: []dataplane.RuledListener{{
			Listener: dataplane.Listener{Protocol: "HTTP", Port: 80},
			Rules:    []dataplane.Rule{forwardTo(shopARN)},
		}},
	}}
	w.setTargets(0, 8080, members...)
	t.Cleanup(func() {
		w.http.CloseIdleConnections()
		if err := w.plane.Close(); err != nil {
			t.Error(err)
		}
	})
	w.url = w.traffic().Listeners[0].URL
	for _, id := range members {
		if o.Backends[id] == "" {
			w.awaitTarget(shopARN, id, 8080, dataplane.InService)
		}
	}
	return w
}

func (w *world) rules() *[]dataplane.Rule { return &w.plan.Routers[0].Listeners[0].Rules }

// setTargets registers targets of a group anew, but for those that are.
func (w *world) setTargets(group, port int, ids ...string) {
	g := &w.plan.TargetGroups[group]
	var members []dataplane.Member
	for _, id := range ids {
		m := dataplane.Member{InstanceID: id, Port: port, Zone: "a", Since: time.Now(), Ready: time.Now(), Served: true}
		for _, known := range g.Members {
			if known.InstanceID == id && known.Port == port {
				m = known
			}
		}
		members = append(members, m)
	}
	g.Members = members
	w.apply()
}

func (w *world) awaitTarget(group, id string, port int, want dataplane.Health) {
	w.t.Helper()
	w.await(fmt.Sprint(id, " in state ", want), func() bool {
		got, _ := w.plane.TargetHealth(group, id, port)
		return got == want
	})
}

// reply is an answer with its header.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request for a host.
func (w *world) ask(host, path string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	response, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

func TestRulesRouteByPathAndHost(t *testing.T) {
	w := route(t, dataplane.Options{}, one)
	w.setTargets(1, 9090, one)
	w.awaitTarget(adminARN, one, 9090, dataplane.InService)
	byPath, byHost, both := forwardTo(adminARN), forwardTo(adminARN), forwardTo(adminARN)
	byPath.Paths = []string{"/admin", "/admin/*", "/v?/x*z"}
	byHost.Hosts = []string{"*.admin.example.com"}
	both.Hosts, both.Paths = []string{"example.com"}, []string{"/both"}
	*w.rules() = []dataplane.Rule{byPath, byHost, both, forwardTo(shopARN)}
	w.apply()
	for _, c := range []struct{ host, path, port string }{
		{"", "/", "8080"}, {"", "/admin", "9090"}, {"", "/admin/a/b?c=d", "9090"}, {"", "/administration", "8080"},
		{"", "/Admin", "8080"}, {"", "/v1/xyz", "9090"}, {"", "/v12/xyz", "8080"}, {"", "/v1/xyzw", "8080"},
		{"eu.Admin.example.com:81", "/", "9090"}, {"admin.example.com", "/", "8080"},
		{"example.com", "/both", "9090"}, {"example.org", "/both", "8080"}, {"example.com", "/", "8080"},
	} {
		if got := w.ask(c.host, c.path).header.Get("X-Instance-Port"); got != c.port {
			t.Errorf("%s%s goes to port %s, want %s", c.host, c.path, got, c.port)
		}
	}
}

func TestForwardFollowsWeights(t *testing.T) {
	w := route(t, dataplane.Options{}, one)
	w.setTargets(1, 9090, one)
	w.awaitTarget(adminARN, one, 9090, dataplane.InService)
	for weights, want := range map[[2]int][2]bool{{1, 1}: {true, true}, {0, 1}: {false, true}, {5, 0}: {true, false}} {
		(*w.rules())[0].Forward = []dataplane.WeightedGroup{{ARN: shopARN, Weight: weights[0]}, {ARN: adminARN, Weight: weights[1]}}
		w.apply()
		ports := map[string]int{}
		for range 60 {
			ports[w.ask("", "/").header.Get("X-Instance-Port")]++
		}
		if got := [2]bool{ports["8080"] > 0, ports["9090"] > 0}; got != want || len(ports) > 2 {
			t.Errorf("with weights %v the requests go to ports %v", weights, ports)
		}
	}
}

func TestAlgorithmsSpreadRequests(t *testing.T) {
	w := route(t, dataplane.Options{}, one, two)
	spread := func(requests int) map[string]int {
		by := map[string]int{}
		for range requests {
			by[w.get("/").by]++
		}
		return by
	}
	if by := spread(20); by[one] != 10 || by[two] != 10 {
		t.Errorf("the round robin is %v", by)
	}
	w.plan.TargetGroups[0].Algorithm = "least_outstanding_requests"
	w.apply()
	slow := w.begin("500ms")
	by := spread(20)
	if busy := (<-slow).by; by[busy] > 0 || len(by) != 1 {
		t.Errorf("while %s has a request, the others go to %v", busy, by)
	}
	w.plan.TargetGroups[0].Algorithm = "weighted_random"
	w.apply()
	if by := spread(60); len(by) != 2 {
		t.Errorf("at random they go to %v", by)
	}
}

func TestSlowStartGrowsTheShareOfNewTarget(t *testing.T) {
	w := route(t, dataplane.Options{}, one)
	w.plan.TargetGroups[0].SlowStart = time.Hour
	w.setTargets(0, 8080, one, two)
	w.awaitTarget(shopARN, two, 8080, dataplane.InService)
	by := map[string]int{}
	for range 84 {
		by[w.get("/").by]++
	}
	if by[two] == 0 || by[two] > 8 {
		t.Errorf("the new target has %d of 84 requests, want 4 at a weight of 1 to 20", by[two])
	}
	w.plan.TargetGroups[0].SlowStart = time.Nanosecond
	w.apply()
	by = map[string]int{}
	for range 20 {
		by[w.get("/").by]++
	}
	if by[two] < 9 {
		t.Errorf("after the slow start it has %d of 20 requests", by[two])
	}
}

func TestTargetGroupFailsOpen(t *testing.T) {
	w := route(t, dataplane.Options{}, one, two)
	w.plan.Instances[0].FailingPorts = map[int]bool{8080: true}
	w.apply()
	w.awaitTarget(shopARN, one, 8080, dataplane.Failing)
	for range 10 {
		if a := w.get("/"); a.status != http.StatusOK || a.by != two {
			t.Fatalf("beside a healthy target the answer is %+v", a)
		}
	}
	w.plan.Instances[1].FailingPorts = map[int]bool{8080: true}
	w.apply()
	w.awaitTarget(shopARN, two, 8080, dataplane.Failing)
	// Both get requests, and answer them with 503 themselves.
	for range 4 {
		w.get("/")
	}
	if got := w.sum(alb, dataplane.Backend5XX); got != 4 {
		t.Errorf("the targets answered %v of 4 requests", got)
	}
	w.plan.Instances[1].FailingPorts = nil
	w.plan.TargetGroups[0].MinHealthyPercent = 60
	w.apply()
	w.awaitTarget(shopARN, two, 8080, dataplane.InService)
	statuses := map[int]int{}
	for range 4 {
		statuses[w.get("/").status]++
	}
	if statuses[http.StatusOK] != 2 || statuses[http.StatusServiceUnavailable] != 2 {
		t.Errorf("with 1 of 2 healthy and at least 60%% wanted, the statuses are %v", statuses)
	}
}

func TestNewTargetGetsNoRequestsBeforeItIsReady(t *testing.T) {
	w := route(t, dataplane.Options{})
	w.plan.TargetGroups[0].Members = []dataplane.Member{{InstanceID: one, Port: 8080, Since: time.Now(), Ready: time.Now().Add(time.Hour), Served: true}}
	w.apply()
	if a := w.get("/"); a.status != http.StatusServiceUnavailable {
		t.Errorf("got %+v", a)
	}
}

// misbehaving is a target that fails in a way that the path says.
func misbehaving(t *testing.T) (address string) {
	t.Helper()
	return echo(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		switch r.URL.Path {
		case "/silent":
			_, _ = io.Copy(io.Discard, conn) // until it is given up
		case "/nonsense":
			fmt.Fprint(conn, "nonsense\r\n\r\n")
		}
	})
}

func TestApplicationErrorsHaveTheStatusesOfAWS(t *testing.T) {
	w := route(t, dataplane.Options{Backends: map[string]string{one: misbehaving(t)}})
	if a := w.get("/"); a.status != http.StatusServiceUnavailable {
		t.Errorf("without targets it is %+v", a)
	}
	w.plan.TargetGroups[0].Check.Target = "TCP:traffic-port"
	w.plan.Routers[0].Idle = 200 * time.Millisecond
	w.setTargets(0, 8080, one)
	w.awaitTarget(shopARN, one, 8080, dataplane.InService)
	for path, want := range map[string]int{"/closed": http.StatusBadGateway, "/nonsense": http.StatusBadGateway, "/silent": http.StatusGatewayTimeout} {
		if a := w.get(path); a.status != want {
			t.Errorf("%s is %+v, want %d", path, a, want)
		}
	}
	w.plan.TargetGroups[0].Check.Interval = time.Hour // health checks do not notice
	w.apply()
	w.plane.SetAlive(one, false)
	if a := w.get("/"); a.status != http.StatusBadGateway {
		t.Errorf("a refused connection is %+v", a)
	}
	for metric, want := range map[dataplane.Metric]float64{
		dataplane.ELB5XX: 5, dataplane.ELB502: 3, dataplane.ELB503: 1, dataplane.ELB504: 1, dataplane.RequestCount: 4, dataplane.BackendConnectionErrors: 1,
	} {
		if got := w.sum(alb, metric); got != want {
			t.Errorf("%s is %v, want %v", metric.Name(alb.Namespace), got, want)
		}
	}
}

func TestFixedResponseAndRedirect(t *testing.T) {
	w := route(t, dataplane.Options{})
	*w.rules() = []dataplane.Rule{
		{Paths: []string{"/down"}, Fixed: &dataplane.FixedResponse{Status: 418, ContentType: "text/html", Body: "<p>no"}},
		{Redirect: &dataplane.Redirect{Status: 301, Protocol: "HTTPS", Host: "www.#{host}", Port: "443", Path: "/new/#{path}", Query: "#{query}&x=1"}},
	}
	w.apply()
	fixed := w.ask("", "/down")
	if fixed.status != http.StatusTeapot || fixed.header.Get("Content-Type") != "text/html" || fixed.body != "<p>no" {
		t.Errorf("the fixed response is %+v", fixed)
	}
	redirect := w.ask("example.com:8080", "/a%2Fb?c=d")
	if got, want := redirect.header.Get("Location"), "https://www.example.com:443/new/a%2Fb?c=d&x=1"; redirect.status != http.StatusMovedPermanently || got != want {
		t.Errorf("the redirect is %d to %s, want %s", redirect.status, got, want)
	}
	*w.rules() = []dataplane.Rule{{Redirect: &dataplane.Redirect{Status: 302, Protocol: "#{protocol}", Host: "#{host}", Port: "#{port}", Path: "/x", Query: "#{query}"}}}
	w.apply()
	if got, want := w.ask("", "/").header.Get("Location"), w.url+"/x"; got != want {
		t.Errorf("the redirect is to %s, want %s", got, want)
	}
}

func TestDeregisteredTargetFinishesItsRequests(t *testing.T) {
	for drain, want := range map[time.Duration]int{time.Minute: http.StatusOK, 200 * time.Millisecond: http.StatusBadGateway, 0: http.StatusBadGateway} {
		t.Run(fmt.Sprint("within ", drain), func(t *testing.T) {
			w := route(t, dataplane.Options{}, one)
			w.plan.TargetGroups[0].Drain = drain
			w.setTargets(0, 8080, one, two)
			w.setTargets(0, 8080, one) // before two is ready, so one has the request
			slow := w.begin("600ms")
			w.setTargets(0, 8080, two)
			w.awaitTarget(shopARN, two, 8080, dataplane.InService)
			for range 5 {
				if a := w.get("/"); a.by != two {
					t.Errorf("a new request is answered %+v", a)
				}
			}
			if a := <-slow; a.status != want {
				t.Errorf("the one in flight is answered %+v, want %d", a, want)
			}
		})
	}
}

func TestUnroutedGroupFinishesItsRequests(t *testing.T) {
	w := route(t, dataplane.Options{}, one)
	slow := w.begin("300ms")
	*w.rules() = []dataplane.Rule{{Fixed: &dataplane.FixedResponse{Status: 200}}}
	w.plan.TargetGroups = w.plan.TargetGroups[1:]
	w.apply()
	if a := <-slow; a.status != http.StatusOK || a.by != one {
		t.Errorf("the one in flight is answered %+v", a)
	}
}

func TestProbesReportWhyTheyFail(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusOK)
	var silent atomic.Bool
	release := make(chan struct{})
	agents := make(chan string, 1)
	address := echo(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case agents <- r.UserAgent():
		default:
		}
		if silent.Load() {
			<-release
		}
		w.WriteHeader(int(status.Load()))
	})
	t.Cleanup(func() { close(release) })
	w := route(t, dataplane.Options{Backends: map[string]string{one: address}})
	g := &w.plan.TargetGroups[0]
	g.Check.Codes, g.Check.UserAgent, g.Check.Timeout = "200-204, 301", "ELB-HealthChecker/2.0", 100*time.Millisecond
	w.setTargets(0, 8080, one)
	w.awaitTarget(shopARN, one, 8080, dataplane.InService)
	failing := func(want dataplane.Failure) {
		t.Helper()
		w.await(fmt.Sprintf("failure %+v", want), func() bool {
			health, failure := w.plane.TargetHealth(shopARN, one, 8080)
			return health == dataplane.Failing && failure == want
		})
	}
	status.Store(http.StatusAccepted + 3)
	failing(dataplane.Failure{Reason: dataplane.WrongStatus, Status: 205})
	status.Store(http.StatusMovedPermanently)
	w.awaitTarget(shopARN, one, 8080, dataplane.InService)
	silent.Store(true)
	failing(dataplane.Failure{Reason: dataplane.TimedOut})
	w.plane.SetAlive(one, false)
	failing(dataplane.Failure{Reason: dataplane.Unreachable})
	if agent := <-agents; agent != "ELB-HealthChecker/2.0" {
		t.Errorf("the probe is from %s", agent)
	}
}

func TestOnePortFailsWhileTheOtherPasses(t *testing.T) {
	w := route(t, dataplane.Options{}, one)
	w.setTargets(1, 9090, one)
	w.awaitTarget(adminARN, one, 9090, dataplane.InService)
	w.plan.Instances[0].FailingPorts = map[int]bool{9090: true}
	w.apply()
	w.awaitTarget(adminARN, one, 9090, dataplane.Failing)
	if health, _ := w.plane.TargetHealth(shopARN, one, 8080); health != dataplane.InService {
		t.Errorf("the other port is in state %d", health)
	}
}

func TestApplicationForwardsUpgrade(t *testing.T) {
	w := route(t, dataplane.Options{Backends: map[string]string{one: switching(t)}})
	w.setTargets(0, 8080, one)
	w.awaitTarget(shopARN, one, 8080, dataplane.InService)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v, %v", response, err)
	}
	response.Body.Close()
	fmt.Fprint(conn, "hello\n")
	if line, err := reader.ReadString('\n'); line != "hello\n" {
		t.Errorf("the echo is %q (%v)", line, err)
	}
}

func TestForwardedHeadersMatchApplicationLoadBalancer(t *testing.T) {
	got := make(chan http.Header, 1)
	address := echo(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x" {
			got <- r.Header
		}
	})
	w := route(t, dataplane.Options{Backends: map[string]string{one: address}})
	w.setTargets(0, 8080, one)
	w.awaitTarget(shopARN, one, 8080, dataplane.InService)
	w.ask("", "/x")
	h := <-got
	if h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Forwarded-Port") != "80" || !strings.HasPrefix(h.Get("X-Amzn-Trace-Id"), "Root=1-") {
		t.Errorf("header %v", h)
	}
}

func TestNetworkLoadBalancerRelaysConnections(t *testing.T) {
	w := route(t, dataplane.Options{}, one, two)
	w.plan.Routers = append(w.plan.Routers, dataplane.Router{
		ARN: balancerARN + "-net", Name: "nlb", Network: true, Idle: time.Minute,
		Listeners: []dataplane.RuledListener{{Listener: dataplane.Listener{Protocol: "TCP", Port: 85}, Rules: []dataplane.Rule{forwardTo(shopARN)}}},
	})
	w.apply()
	network := w.plane.Traffic()[1]
	if network.Type != "network" || len(network.Members) != 2 || network.Members[0].TargetGroup != "shop" {
		t.Fatalf("the traffic is %+v", network)
	}
	w.url = strings.Replace(network.Listeners[0].URL, "tcp:", "http:", 1)
	w.http.Transport = &http.Transport{DisableKeepAlives: true}
	by := map[string]int{}
	for range 10 {
		by[w.get("/").by]++
	}
	if by[one] != 5 || by[two] != 5 {
		t.Errorf("the connections go to %v", by)
	}
	w.setTargets(0, 8080)
	if a := w.get("/"); a.err == nil {
		t.Errorf("without targets a connection is answered %+v", a)
	}
}

func TestMetricsOfTargetGroupAndLoadBalancer(t *testing.T) {
	w := route(t, dataplane.Options{}, one)
	for range 3 {
		w.get("/")
	}
	group := alb
	group.TargetGroup = "targetgroup/shop/1"
	zone := group
	zone.Zone = "a"
	for _, scope := range []dataplane.Scope{alb, group, zone} {
		if requests, ok := w.sum(scope, dataplane.RequestCount), w.sum(scope, dataplane.Backend2XX); requests != 3 || ok != 3 {
			t.Errorf("%+v has %v requests, %v of them answered 2XX", scope, requests, ok)
		}
	}
	if of, without := w.sum(group, dataplane.HealthyHostCount), w.sum(alb, dataplane.HealthyHostCount); of != 3 || without != 0 {
		t.Errorf("the healthy hosts of the group add up to %v, those of the load balancer to %v", of, without)
	}
	if len(w.plane.Series()) != 2*3+2*5 { // each of the whole and of zone a
		t.Errorf("series %+v", w.plane.Series())
	}
	if name := dataplane.Latency.Name(alb.Namespace); name != "TargetResponseTime" {
		t.Errorf("the latency is called %s", name)
	}
}
