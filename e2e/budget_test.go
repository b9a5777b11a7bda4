package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load sends fresh reads and changes for each load balancer of a generated fleet, so that
// the service calls AWS as often as it can, until the returned function is called. It
// ignores the responses.
func (s *service) load(t *testing.T, balancers int) (stop func()) {
	t.Helper()
	stopped := make(chan struct{})
	var done sync.WaitGroup
	again := func(method, path, body string, headers ...string) {
		done.Go(func() {
			for {
				select {
				case <-stopped:
					return
				default:
					if _, err := s.on(t).try(method, path, body, headers...); err != nil {
						t.Errorf("%s %s: %v", method, path, err)
						return
					}
				}
			}
		})
	}
	for n := range balancers {
		again(http.MethodGet, generatedList(n+1), "", "Cache-Control: no-cache")
		again(http.MethodPost, generatedList(n+1), machineID(generatedSpare(n+1)))
		again(http.MethodDelete, generatedList(n+1), machineID(generatedSpare(n+1)))
	}
	return func() { close(stopped); done.Wait() }
}

// generatedList returns the path of the n-th load balancer of a generated fleet.
func generatedList(n int) string { return "/elb/" + generatedName(n) }

func generatedName(n int) string { return fmt.Sprintf("elb-%04d", n) }

// readFor lets readers read lists for a while, each on a connection of its own, and
// returns the number of lists. Every read must succeed.
func (s *service) readFor(t *testing.T, window time.Duration, readers int, paths ...string) int {
	t.Helper()
	var lists atomic.Int64
	var done sync.WaitGroup
	end := time.Now().Add(window)
	for n := range readers {
		done.Go(func() {
			connection := &http.Transport{}
			defer connection.CloseIdleConnections()
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for i := n; time.Now().Before(end); i++ {
				if answer, err := s.on(t).tryOn(connection, paths[i%len(paths)]); err != nil || answer.status != http.StatusOK {
					t.Errorf("a list is %d %s %v", answer.status, answer.body, err)
					return
				}
				lists.Add(1)
				<-pace.C
			}
		})
	}
	done.Wait()
	return int(lists.Load())
}

// tryOn gets a path over a keep-alive connection.
func (c client) tryOn(connection *http.Transport, path string) (response, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+path, http.NoBody)
	if err != nil {
		return response{}, err
	}
	request.Header.Set("Authorization", c.authorization)
	answer, err := connection.RoundTrip(request)
	if err != nil {
		return response{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return response{answer.StatusCode, answer.Header, string(text)}, err
}

func TestCallsStayWithinBudget(t *testing.T) {
	t.Parallel()
	buckets := map[string]struct {
		burst, rate float64
		actions     []string
	}{
		"ELB_READ":     {5, 4, []string{"DescribeLoadBalancers"}},
		"ELB_WRITE":    {2, 1, []string{"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer"}},
		"EC2_FILTERED": {2, 2, []string{"DescribeInstances"}},
	}
	a := startAWS(t, "--fleet", "6x1")
	began := time.Now() // before the buckets exist
	// The requests outlast a round's waits for these small buckets. Otherwise all callers of
	// a round may leave before it sends anything.
	s := startService(t, a.base, with("REQUEST_TIMEOUT=10s", "BUDGET_ELB_READ=5+4", "BUDGET_ELB_WRITE=2+1", "BUDGET_EC2_FILTERED=2+2"))
	stop := s.load(t, 6)
	defer stop()
	exceeded := map[string]bool{}
	eventually(t, "every bucket has been used up and refilled for a while", func() bool {
		calls := a.calls()
		seconds := time.Since(began).Seconds() // after the count
		for name, bucket := range buckets {
			total := 0.0
			for _, action := range bucket.actions {
				total += float64(calls[action])
			}
			if total > bucket.burst+bucket.rate*seconds {
				t.Fatalf("%s: %v calls in %vs", name, total, seconds)
			}
			exceeded[name] = total >= bucket.burst+2
		}
		return exceeded["ELB_READ"] && exceeded["ELB_WRITE"] && exceeded["EC2_FILTERED"]
	})
}

func TestChangeOvertakesReadersInBudgetQueue(t *testing.T) {
	t.Parallel()
	// One reader may already have had its token when the change arrived. A busy machine
	// that delays the change serves more readers, but not in every attempt.
	const attempts, most = 5, 3
	for range attempts {
		overtook := overtakenBy(t)
		if overtook <= most {
			return
		}
		t.Logf("%d readers were served before the change", overtook)
	}
	t.Errorf("%d times more than %d readers were served before the change", attempts, most)
}

// overtakenBy returns the number of waiting readers that are served before a change that
// is sent after them.
func overtakenBy(t *testing.T) int64 {
	t.Helper()
	const readers = 16
	a := startAWS(t, "--fleet", "20x1")
	s := startService(t, a.base, with("BUDGET_ELB_READ=1+3"))
	var answered atomic.Int64
	var waiting sync.WaitGroup
	for n := range readers {
		waiting.Go(func() {
			if answer, err := s.try(http.MethodGet, generatedList(n+1), "", "Cache-Control: no-cache"); err != nil || answer.status != http.StatusOK {
				t.Errorf("a reader got %d %s %v", answer.status, answer.body, err)
			}
			answered.Add(1)
		})
	}
	eventually(t, "most of them wait", func() bool {
		return s.metric(t, "lsapi_budget_waiting", `category="elb-read"`) > readers/2
	})
	before := answered.Load()
	if answer := s.attach(generatedName(readers+1), generatedSpare(1)); answer.status != http.StatusCreated {
		t.Errorf("%d %s", answer.status, answer.body)
	}
	overtook := answered.Load() - before
	waiting.Wait()
	return overtook
}

// A call waits for ten seconds at most, and never beyond its request's deadline.
func TestBudgetWaitEndsAtDeadline(t *testing.T) {
	for name, test := range map[string]struct {
		settings   []string
		operations []string
		status     int
		within     time.Duration
	}{
		"when the call's time is up":    {nil, []string{"list", "attach"}, http.StatusServiceUnavailable, callTimeout + testTimeout},
		"when the request's time is up": {[]string{"REQUEST_TIMEOUT=1s"}, []string{"list"}, http.StatusGatewayTimeout, callTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAWS(t)
			s := startService(t, a.base, with(append(test.settings, "BUDGET_ELB_READ=1+0.001")...))
			s.client.on(t).get(defaultList) // takes the only token
			var waiting sync.WaitGroup
			for _, operation := range operations {
				if !slices.Contains(test.operations, operation.name) {
					continue
				}
				waiting.Go(func() {
					began := time.Now()
					answer, err := s.client.on(t).try(operation.method, defaultList, operation.body, "Cache-Control: no-cache")
					if took := time.Since(began); err != nil || answer.status != test.status || took > test.within {
						t.Errorf("%s is %d after %v: %s %v", operation.name, answer.status, took, answer.body, err)
					}
					if advice := answer.header.Get("Retry-After"); (advice != "") != (test.status == http.StatusServiceUnavailable) {
						t.Errorf("%s has Retry-After %q", operation.name, advice)
					}
				})
			}
			waiting.Wait()
			if members := a.members("default-elb"); !slices.Equal(members, []string{member}) {
				t.Errorf("the members are %v", members)
			}
		})
	}
}

func TestThrottlingByAWSFailsNoRead(t *testing.T) {
	// More than AWS allows, so that AWS throttles.
	generous := with("MAX_STALENESS=300ms", "BUDGET_ELB_READ=1000+1000", "BUDGET_ELB_WRITE=1000+1000", "BUDGET_EC2_FILTERED=1000+1000")
	for name, throttle := range map[string]func(*testing.T, aws){
		"by its buckets":       func(*testing.T, aws) {},
		"of half of all calls": func(t *testing.T, a aws) { a.fault(t, `{"action":"*","kind":"throttle","probability":0.5}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const balancers = 5
			a := startAWS(t, "--fleet", strconv.Itoa(balancers)+"x3", "--throttle", "aws")
			s := startService(t, a.base, generous)
			paths := make([]string, balancers)
			for n := range paths {
				paths[n] = generatedList(n + 1)
				if answer := s.on(t).get(paths[n]); answer.status != http.StatusOK {
					t.Fatalf("%d %s", answer.status, answer.body)
				}
			}
			throttle(t, a)
			stop := s.load(t, balancers)
			s.readFor(t, 3*time.Second, 20, paths...)
			stop()
			if s.metric(t, "lsapi_aws_throttles_total") < 10 {
				t.Error("AWS hardly throttled")
			}
		})
	}
}

func TestInvalidBoundsStopTheStart(t *testing.T) {
	taken := listen(t) // the start must fail before it listens
	for flags, message := range map[string]string{
		"--max-staleness=0":         "--max-staleness (MAX_STALENESS): not a positive duration",
		"--max-staleness=-2s":       "--max-staleness (MAX_STALENESS): not a positive duration",
		"--max-staleness=soon":      "--max-staleness (MAX_STALENESS): not a positive duration",
		"--max-stale-on-error=0s":   "--max-stale-on-error (MAX_STALE_ON_ERROR): not a positive duration",
		"--max-stale-on-error=1s":   "--max-stale-on-error (MAX_STALE_ON_ERROR): shorter than --max-staleness",
		"--idle-after=-1s":          "--idle-after (IDLE_AFTER): not a positive duration",
		"--idle-after=1999ms":       "--idle-after (IDLE_AFTER): shorter than --max-staleness",
		"--budget-elb-read=0+10":    "--budget-elb-read (BUDGET_ELB_READ): not a size",
		"--budget-elb-write=20+0":   "--budget-elb-write (BUDGET_ELB_WRITE): not a size",
		"--budget-ec2-filtered=0":   "--budget-ec2-filtered (BUDGET_EC2_FILTERED): not a size",
		"--budget-ec2-plain=-1+-1":  "--budget-ec2-plain (BUDGET_EC2_PLAIN): not a size",
		"--budget-ec2-plain=50+Inf": "--budget-ec2-plain (BUDGET_EC2_PLAIN): not a size",
		"--metrics-public=perhaps":  "--metrics-public (METRICS_PUBLIC): neither",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, []string{"serve", "--listen", taken, flags}, with(serviceEnvironment("http://127.0.0.1:1")...))
			if status != 2 || stdout != "" || !strings.HasPrefix(stderr, "lsapi: ") || !strings.Contains(stderr, message) || strings.Contains(stderr, taken) {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
}
