package aws

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// group is a machine of an Auto Scaling group: with the metadata of EC2, and a service with the
// members of its load balancer.
type group struct {
	*machine

	mu      sync.Mutex
	state   string // the target of the lifecycle, empty for none yet
	away    int    // requests that the metadata fails
	polls   int    // requests for the target
	refusal int    // the status of the next detaches, 0 for success
	members map[string]bool
}

const (
	instance = "i-0123456789abcdef0"
	complete = "aws autoscaling complete-lifecycle-action --region eu-central-1 --auto-scaling-group-name lsapi --lifecycle-hook-name "
)

func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{machine: newMachine(t), members: map[string]bool{instance: true}}
	metadata := httptest.NewServer(http.HandlerFunc(g.metadata))
	service := httptest.NewServer(http.HandlerFunc(g.service))
	t.Cleanup(metadata.Close)
	t.Cleanup(service.Close)
	g.install("member.sh")
	g.write("etc/lsapi-boot/instance", "region=eu-central-1\nsettings_parameter=/lsapi/settings/lsapi\ngroup=lsapi\n")
	_, port, _ := strings.Cut(strings.TrimPrefix(service.URL, "http://"), ":")
	g.write("etc/lsapi-boot/settings", "elb_name=default-elb\nport="+port+"\ndraining_timeout=90\n")
	g.write("root/.env", "API_TOKEN=ZGVtbzpkZW1v\n")
	g.write("run/.keep", "")
	g.environment = append(g.environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT="+metadata.URL, "LSAPI_PAUSE=0.05", "LSAPI_LIMIT=3")
	return g
}

func (g *group) metadata(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.away > 0:
		g.away--
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/latest/api/token" && r.Method == http.MethodPut:
		fmt.Fprint(w, "session")
	case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "session":
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/latest/meta-data/instance-id":
		fmt.Fprint(w, instance)
	case r.URL.Path == "/latest/meta-data/autoscaling/target-lifecycle-state" && g.state != "":
		g.polls++
		fmt.Fprint(w, g.state)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (g *group) service(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/healthcheck" {
		if !g.serves.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	if r.Method == http.MethodGet {
		var ids []string
		for id := range g.members {
			ids = append(ids, fmt.Sprintf(`{"instanceId":%q}`, id))
		}
		fmt.Fprintf(w, `{"message":[%s]}`, strings.Join(ids, ","))
		return
	}
	if g.refusal != 0 {
		w.WriteHeader(g.refusal)
		return
	}
	body := make([]byte, 1000)
	n, _ := r.Body.Read(body) // it is short
	id := strings.Split(string(body[:n]), `"`)[3]
	delete(g.members, id)
	g.note(fmt.Sprintf("detached %s %s", id, r.URL.RawQuery))
	w.WriteHeader(http.StatusCreated)
}

// note adds a line to the calls.
func (g *group) note(line string) {
	file, err := os.OpenFile(filepath.Join(g.fakes, "calls"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		g.t.Error(err)
		return
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, line); err != nil {
		g.t.Error(err)
	}
}

func (g *group) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

// fake writes a file of the fakes.
func (g *group) fake(name, text string) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.fakes, name), []byte(text+"\n"), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// attached makes lsapi-attach.service active.
func (g *group) attached() { g.fake("active", "") }

// lifecycle starts lifecycle.sh, which ends with the test at the latest.
func (g *group) lifecycle() (ended <-chan error) {
	g.t.Helper()
	command := g.command("lifecycle.sh")
	if err := command.Start(); err != nil {
		g.t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- command.Wait(); close(result) }()
	g.t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		for range result {         // until it has ended
		}
	})
	return result
}

// all returns the calls so far.
func (g *group) all() string {
	text, _ := os.ReadFile(filepath.Join(g.fakes, "calls")) // it may not exist yet
	return string(text)
}

// await waits until the calls have a text for the nth time.
func (g *group) await(text string, n int) {
	g.t.Helper()
	soon(g.t, fmt.Sprintf("%q (%d) in the calls", text, n), func() bool { return strings.Count(g.all(), text) >= n })
}

func TestLaunchCompletesAfterTheAttach(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.set(func() { g.away = 3 })
	ended := g.lifecycle()
	soon(t, "the metadata", func() bool { return g.left() == 0 })
	g.set(func() { g.state = "InService" })
	g.await("systemctl is-active", 3)
	if strings.Contains(g.all(), complete) {
		t.Fatalf("the launch is complete before the instance is attached:\n%s", g.all())
	}
	g.fail("aws")
	g.attached()
	g.await(complete+"launching --instance-id "+instance+" --lifecycle-action-result CONTINUE", 2) // the first one failed
	g.launched()
	if len(ended) > 0 {
		t.Errorf("it ended: %v", <-ended)
	}
	calls := strings.Count(g.all(), complete)
	g.set(func() { g.state = "Terminated" })
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := strings.Count(g.all(), complete); got != calls+1 {
		t.Errorf("there are %d completions after %d:\n%s", got, calls, g.all())
	}
}

func TestTerminationDetachesBeforeItCompletes(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.write("etc/lsapi-boot/launched", "")
	g.set(func() { g.state, g.refusal = "Terminated", http.StatusServiceUnavailable })
	ended := g.lifecycle()
	g.await("systemctl stop lsapi-attach.service lsapi-boot.service", 2)
	if strings.Contains(g.all(), complete) {
		t.Fatalf("the termination is complete while the instance is attached:\n%s", g.all())
	}
	g.set(func() { g.refusal = 0 })
	if err := <-ended; err != nil {
		t.Error(err)
	}
	detached := strings.Index(g.all(), "detached "+instance+" wait=true&timeout=150s")
	completed := strings.Index(g.all(), complete+"terminating --instance-id "+instance+" --lifecycle-action-result CONTINUE")
	if detached < 0 || completed < detached {
		t.Errorf("the calls are\n%s", g.all())
	}
}

func TestRebootCompletesNoLaunch(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.write("etc/lsapi-boot/launched", "")
	g.set(func() { g.state = "InService" })
	g.attached()
	g.lifecycle()
	soon(t, "three polls", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.polls >= 3
	})
	if strings.Contains(g.all(), complete) {
		t.Errorf("the calls are\n%s", g.all())
	}
}

func TestExpiredLifecycleActionIsNotRepeated(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.fake("lifecycle-error", "An error occurred (ValidationError) when calling the CompleteLifecycleAction operation: No active Lifecycle Action found with instance ID "+instance)
	g.set(func() { g.state = "InService" })
	g.attached()
	g.lifecycle()
	g.await(complete+"launching", 1)
	g.launched()
}

func TestInstanceReportsItselfUnhealthyWhenItDoesNotServe(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	check := func(serves bool, reports int) {
		t.Helper()
		g.serves.Store(serves)
		if status, said := g.run("health.sh"); status != 0 {
			t.Errorf("status %d: %s", status, said)
		}
		if got := strings.Count(g.all(), "aws autoscaling set-instance-health --region eu-central-1 --instance-id "+instance+" --health-status Unhealthy"); got != reports {
			t.Errorf("there are %d reports, want %d:\n%s", got, reports, g.all())
		}
	}
	for range 5 {
		check(false, 0) // its launch is not complete: that has a limit of its own
	}
	g.write("etc/lsapi-boot/launched", "")
	check(false, 0)
	check(false, 0)
	check(true, 0)
	check(false, 0)
	check(false, 0)
	check(false, 1)
}

func TestTerminatedInstancesAreDetachedByOthers(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.write("etc/lsapi-boot/launched", "")
	g.fake("terminated", "i-0dead000000000001\ni-0dead000000000002")
	g.set(func() { g.members["i-0dead000000000001"], g.members["i-0other00000000001"] = true, true })
	if status, said := g.run("health.sh"); status != 0 {
		t.Errorf("status %d: %s", status, said)
	}
	if g.members["i-0dead000000000001"] || !g.members[instance] || !g.members["i-0other00000000001"] {
		t.Errorf("the members are %v", g.members)
	}
	if got := strings.Count(g.all(), "detached "); got != 1 {
		t.Errorf("the calls are\n%s", g.all())
	}
	if !strings.Contains(g.all(), "Name=tag:aws:autoscaling:groupName,Values=lsapi") {
		t.Errorf("the calls are\n%s", g.all())
	}
}

// left returns how many requests the metadata still fails.
func (g *group) left() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.away
}

// launched waits until the script has noted that the launch is complete.
func (g *group) launched() {
	g.t.Helper()
	soon(g.t, "the end of the launch", func() bool {
		_, err := os.Stat(filepath.Join(g.root, "etc", "lsapi-boot", "launched"))
		return err == nil
	})
}

func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
