package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lsapi/internal/docpages"
)

var update = flag.Bool("update", false, "write the recorded calls of Terraform anew")

// terraformExample is the folder of the example, and recordedCalls what Terraform calls there,
// which a test of the emulator repeats where Terraform is not installed.
var (
	terraformExample = filepath.Join("..", "terraform", "examples", "emulator")
	recordedCalls    = filepath.Join("..", "internal", "emulator", "testdata", "terraform.calls")
)

// changedExample replaces settings of the example, all that can change in place.
const changedExample = `
resource "aws_elb" "shop" {
  subnets                     = ["subnet-0000000000000000b", "subnet-0000000000000000c"]
  security_groups             = ["sg-0a1b2c3d4e5f60719"]
  cross_zone_load_balancing   = false
  connection_draining         = false
  connection_draining_timeout = 30
  idle_timeout                = 120
  desync_mitigation_mode      = "strictest"

  listener {
    lb_protocol       = "TCP"
    lb_port           = 83
    instance_protocol = "TCP"
    instance_port     = 8081
  }

  listener {
    lb_protocol       = "HTTP"
    lb_port           = 84
    instance_protocol = "HTTP"
    instance_port     = 8080
  }

  health_check {
    target              = "TCP:8080"
    interval            = 10
    timeout             = 3
    healthy_threshold   = 3
    unhealthy_threshold = 4
  }

  access_logs {
    bucket   = "logs"
    interval = 5
  }

  tags = {
    stage = "test"
  }
}

resource "aws_lb_target_group" "shop" {
  deregistration_delay = 10

  health_check {
    path                = "/healthcheck"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 3
    unhealthy_threshold = 3
  }

  tags = {
    stage = "test"
  }
}
`

// addedPolicies are policies for the changed example.
const addedPolicies = `
resource "aws_lb_cookie_stickiness_policy" "hour" {
  name                     = "hour"
  load_balancer            = aws_elb.shop.name
  lb_port                  = 84
  cookie_expiration_period = 3600
}

resource "aws_proxy_protocol_policy" "proxy" {
  load_balancer  = aws_elb.shop.name
  instance_ports = ["8081"]
}
`

// callRecorder passes calls on to the emulator and records them with the status of their
// answers: "200 Action=…&…".
type callRecorder struct {
	forward http.Handler

	mu    sync.Mutex
	calls []string
}

func newCallRecorder(t *testing.T, emulator string) *callRecorder {
	t.Helper()
	to, err := url.Parse(emulator)
	if err != nil {
		t.Fatal(err)
	}
	return &callRecorder{forward: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}}
}

// ServeHTTP implements http.Handler.
func (c *callRecorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answered := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
	c.forward.ServeHTTP(answered, r)
	c.add(fmt.Sprintf("%d %s", answered.status, body))
}

// add records a line, unless it repeats the one before.
func (c *callRecorder) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.calls) == 0 || c.calls[len(c.calls)-1] != line {
		c.calls = append(c.calls, line)
	}
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// poolNames returns the names of the Classic load balancers and the target groups of the
// emulator.
func poolNames(t *testing.T, emulator string) []string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, emulator+"/_emulator/state", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var state struct {
		LoadBalancers, TargetGroups []struct{ Name string }
	}
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pool := range slices.Concat(state.LoadBalancers, state.TargetGroups) {
		names = append(names, pool.Name)
	}
	return names
}

// The lines of the example's README run as printed, on a demo. Before the last, which
// destroys all, the settings of the example change.
func TestTerraformExampleRunsBesideTheAPI(t *testing.T) {
	t.Parallel()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("SKIPPED: no terraform is installed")
	}
	lines := exampleLines(t)
	s := newShell(t)
	emulator := "http://" + s.moved.Replace("127.0.0.1:4566")
	recorder := newCallRecorder(t, emulator)
	between := httptest.NewServer(recorder)
	t.Cleanup(between.Close)
	if err := os.CopyFS(s.folder, os.DirFS(terraformExample)); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "TF_VAR_endpoint="+between.URL, "TF_IN_AUTOMATION=1", "TF_CLI_CONFIG_FILE="+os.Getenv("TF_CLI_CONFIG_FILE"))
	before := poolNames(t, emulator)

	initialize := exec.CommandContext(t.Context(), terraform, "init")
	initialize.Dir, initialize.Env = s.folder, s.environ
	text, err := initialize.CombinedOutput()
	if err != nil && strings.Contains(string(text), "Failed to query available provider packages") {
		t.Skip("SKIPPED: terraform cannot get the AWS provider, from the registry or a mirror of TF_CLI_CONFIG_FILE")
	}
	if err != nil {
		t.Fatalf("init: %v\n%s", err, text)
	}
	step := func(line string) {
		t.Helper()
		recorder.add("# " + line)
		s.run(t, line)
	}
	for _, line := range lines[:len(lines)-1] {
		step(line)
	}
	for name, text := range map[string]string{"change_override.tf": changedExample, "policies.tf": addedPolicies} {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	step("terraform apply -auto-approve")
	step("terraform plan -detailed-exitcode")
	step(lines[len(lines)-1])
	if after := poolNames(t, emulator); !slices.Equal(after, before) {
		t.Errorf("after destroy there are %v, before the apply there were %v", after, before)
	}
	recorder.compare(t)
}

// exampleLines returns the lines of the example's README that this test is to run, the last
// of which destroys all.
func exampleLines(t *testing.T) (lines []string) {
	t.Helper()
	pages, err := docpages.Read(terraformExample)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range pages[0].Blocks {
		if block.Marker == "run by "+t.Name() {
			lines = append(lines, strings.Split(strings.TrimSpace(block.Text), "\n")...)
		}
	}
	if len(lines) < 10 || lines[len(lines)-1] != "terraform destroy -auto-approve" {
		t.Fatalf("the README has the lines\n%s", strings.Join(lines, "\n"))
	}
	return lines
}

// compare fails the test if Terraform has called an action that is not recorded, or not
// called one that is.
func (c *callRecorder) compare(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if *update {
		if err := os.WriteFile(recordedCalls, []byte(strings.Join(c.calls, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	recorded, err := os.ReadFile(recordedCalls)
	if err != nil {
		t.Fatal(err)
	}
	want, got := actionsOf(strings.Split(string(recorded), "\n")), actionsOf(c.calls)
	if !slices.Equal(got, want) {
		t.Errorf("Terraform calls\n%s\nrecorded are\n%s\nrecord them again with: go test ./e2e -run TestTerraformExample -update", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// actionsOf returns the actions of recorded calls with their statuses, sorted.
func actionsOf(calls []string) (actions []string) {
	for _, call := range calls {
		status, body, _ := strings.Cut(call, " ")
		if values, err := url.ParseQuery(body); err == nil && values.Has("Action") {
			actions = append(actions, status+"/"+values.Get("Action"))
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}
