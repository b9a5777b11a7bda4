package e2e

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"lsapi/internal/record/postgrestest"
)

// cluster is several replicas of the service on one PostgreSQL and one emulated AWS. Each
// replica connects to both through proxies of its own.
type cluster struct {
	aws      aws
	store    string // not through a proxy
	replicas []*replica
}

// replica is one of them. It can be restarted.
type replica struct {
	t        *testing.T
	database *toxiproxy.Proxy
	cloud    *toxiproxy.Proxy
	settings []setting
	endpoint string
	clock    string // the file with its clock's offset
	logs     string // the folder of its logs, if not the test's own

	mu      sync.Mutex
	service *service
}

// startCluster starts n replicas, with flags for the emulator and settings for the
// replicas.
func startCluster(t *testing.T, n int, emulator []string, settings ...setting) *cluster {
	t.Helper()
	c := &cluster{aws: startAWS(t, emulator...), store: postgrestest.URL(t)}
	for range n {
		c.replicas = append(c.replicas, c.start(t, settings...))
	}
	return c
}

func (c *cluster) start(t *testing.T, settings ...setting) *replica {
	t.Helper()
	database, err := url.Parse(c.store)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := url.Parse(c.aws.base)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{t: t, cloud: startProxy(t, "aws", endpoint.Host)}
	if database.Host != "" { // otherwise the record is a file
		r.database = startProxy(t, "database", database.Host)
		database.Host = r.database.Listen
	}
	r.endpoint = "http://" + r.cloud.Listen
	r.settings = slices.Concat(settings, []setting{with("STORE_URL=" + database.String())})
	r.startProcess()
	return r
}

func (r *replica) startProcess() {
	r.service = startService(r.t, r.endpoint, r.settings...)
	r.service.logs = r.logs
}

// startProxy starts a TCP proxy, which stops with the test.
func startProxy(t *testing.T, name, upstream string) *toxiproxy.Proxy {
	t.Helper()
	if _, _, err := net.SplitHostPort(upstream); err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}

// client returns a client of the running replica, for any goroutine.
func (r *replica) client() client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.service.client
}

// restart kills the replica, as a power failure does, and restarts it after a while.
func (r *replica) restart(after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.service.cmd.Process.Kill(); err != nil {
		r.t.Error(err)
	}
	r.service.wait()
	time.Sleep(after)
	r.startProcess()
}

// pause stops the process for a while.
func (r *replica) pause(lasts time.Duration) {
	r.mu.Lock()
	process := r.service.cmd.Process
	r.mu.Unlock()
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		r.t.Error(err)
	}
	time.Sleep(lasts)
	if err := process.Signal(syscall.SIGCONT); err != nil {
		r.t.Error(err)
	}
}

// pauseWhile stops the process during a function.
func (r *replica) pauseWhile(t *testing.T, something func()) {
	t.Helper()
	process := r.service.cmd.Process
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := process.Signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}()
	something()
}

// cut disables one of the replica's proxies for a while.
func cut(t *testing.T, way *toxiproxy.Proxy, lasts time.Duration) {
	way.Stop()
	time.Sleep(lasts)
	if err := way.Start(); err != nil {
		t.Error(err)
	}
}

func TestReplicasShowEachOthersChanges(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, []string{"--lag", "2s"})
	one, other := c.replicas[0].client(), c.replicas[1].client()
	other.get("/elb/default-elb") // loads the list into memory
	if answer := one.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Fatalf("it is %d: %s", answer.status, answer.body)
	}
	if fresh := other.send(http.MethodGet, "/elb/default-elb", "", "Cache-Control: no-cache"); !slices.Contains(fresh.ids(t), spare) {
		t.Errorf("AWS's reads lag, and a fresh list through the other replica is %s", fresh.body)
	}
	eventually(t, "the list in the other's memory shows it", func() bool { return slices.Contains(other.get("/elb/default-elb").ids(t), spare) })
	if again := other.attach("default-elb", spare); again.status != http.StatusConflict {
		t.Errorf("the same attach through the other is %d: %s", again.status, again.body)
	}
	if answer := other.detach("default-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("its detach through the other is %d: %s", answer.status, answer.body)
	}
	if fresh := one.send(http.MethodGet, "/elb/default-elb", "", "Cache-Control: no-cache"); slices.Contains(fresh.ids(t), spare) {
		t.Errorf("a fresh list through the first replica is %s", fresh.body)
	}
	verify(t, c.store)
}

func TestDatabaseOutageRejectsChangesAndServesReads(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	s := c.replicas[0].client()
	if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Fatalf("it is %d: %s", answer.status, answer.body)
	}
	if list := s.get("/elb/default-elb"); list.status != http.StatusOK { // loads the list into memory
		t.Fatalf("a list is %d: %s", list.status, list.body)
	}
	c.replicas[0].database.Stop()
	began := time.Now()
	refused := s.detach("default-elb", spare)
	if refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") == "" || !strings.Contains(refused.body, "nothing was changed") {
		t.Errorf("after %v a change is %d: %s", time.Since(began), refused.status, refused.body)
	}
	if list := s.get("/elb/default-elb"); list.status != http.StatusOK || !slices.Contains(list.ids(t), spare) {
		t.Errorf("a list is %d: %s", list.status, list.body)
	}
	if up := s.get("/healthcheck"); up.status != http.StatusOK {
		t.Errorf("the health check is %d", up.status)
	}
	if ready := s.get("/readyz"); ready.status != http.StatusServiceUnavailable || !strings.Contains(ready.body, "record") {
		t.Errorf("readiness is %d: %s", ready.status, ready.body)
	}
	if err := c.replicas[0].database.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready again", func() bool { return s.get("/readyz").status == http.StatusOK })
	if answer := s.detach("default-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("with the database back, a change is %d: %s", answer.status, answer.body)
	}
	verify(t, c.store)
}

// A replica that is paused after its read of AWS continues with stale data. By then
// another replica has the lease.
func TestPausedReplicaMakesNoChangeAfterItsLease(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, []string{"--latency", "1s"}, fencing(t)...)
	paused, other := c.replicas[0], c.replicas[1].client()
	if answer := paused.client().attach("default-elb", otherSpare); answer.status != http.StatusCreated {
		t.Fatalf("it is %d: %s", answer.status, answer.body)
	}
	c.aws.resetCalls()
	answered := make(chan response, 1)
	go func() {
		answer, err := paused.client().try(http.MethodPost, "/elb/default-elb", machineID(spare))
		if err != nil {
			t.Error(err)
		}
		answered <- answer
	}()
	eventually(t, "its lane looks", func() bool { return c.aws.calls()["DescribeInstances"] > 0 })
	paused.pauseWhile(t, func() {
		if answer := other.attach("default-elb", spare); answer.status != http.StatusCreated {
			t.Errorf("through the other it is %d: %s", answer.status, answer.body)
		}
	})
	answer := <-answered
	t.Logf("it answers %d: %s", answer.status, answer.body)
	if both := answer.status == http.StatusCreated; both != *unfenced {
		t.Errorf("both have attached it: %v", both)
	}
}
