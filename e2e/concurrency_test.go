package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// attempt is a request for a change, and its response.
type attempt struct {
	method   string
	instance string
	response
	err error
}

// atOnce sends all attempts concurrently and returns them with their responses.
func (s *service) atOnce(t *testing.T, loadBalancer string, attempts []attempt) []attempt {
	t.Helper()
	c := s.on(t)
	begin := make(chan struct{})
	var clients sync.WaitGroup
	for i := range attempts {
		a := &attempts[i]
		clients.Go(func() {
			<-begin
			a.response, a.err = c.try(a.method, "/elb/"+loadBalancer, machineID(a.instance))
		})
	}
	close(begin)
	clients.Wait()
	for _, a := range attempts {
		if a.err != nil {
			t.Fatalf("%s %s: %v", a.method, a.instance, a.err)
		}
	}
	return attempts
}

func statuses(attempts []attempt) map[int]int {
	counts := map[int]int{}
	for _, a := range attempts {
		counts[a.status]++
	}
	return counts
}

func TestExactlyOneOfConcurrentChangesSucceeds(t *testing.T) {
	const clients = 50
	for name, emulator := range map[string][]string{
		"at once":                   nil,
		"while AWS's reads lag":     {"--lag", "500ms"},
		"while AWS takes its time":  {"--latency", "50ms"},
		"while AWS does both badly": {"--latency", "50ms", "--lag", "500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAWS(t, emulator...)
			s := startService(t, a.base)
			for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPost} {
				answers := s.atOnce(t, "default-elb", slices.Repeat([]attempt{{method: method, instance: spare}}, clients))
				if counts := statuses(answers); counts[201] != 1 || counts[409] != clients-1 {
					t.Errorf("%s: %v", method, counts)
				}
				if is, want := slices.Contains(a.members("default-elb"), spare), method == http.MethodPost; is != want {
					t.Errorf("after %s: member is %v", method, is)
				}
			}
			if calls := a.calls(); calls["RegisterInstancesWithLoadBalancer"] != 2 || calls["DeregisterInstancesFromLoadBalancer"] != 1 {
				t.Errorf("it took %v", calls)
			}
		})
	}
}

func TestConcurrentAttachesShareCalls(t *testing.T) {
	t.Parallel()
	const clients = 100
	a := startAWS(t, "--fleet", "1x1", "--latency", "50ms")
	s := startService(t, a.base)
	attempts := make([]attempt, clients)
	for i := range attempts {
		attempts[i] = attempt{method: http.MethodPost, instance: generatedSpare(i + 1)}
	}
	if counts := statuses(s.atOnce(t, "elb-0001", attempts)); counts[201] != clients {
		t.Errorf("%v", counts)
	}
	if got := len(a.members("elb-0001")); got != clients+1 {
		t.Errorf("it has %d members", got)
	}
	// One call each would be 100; the sizes of the batches depend on timing.
	if calls := a.calls(); calls["RegisterInstancesWithLoadBalancer"] > clients/5 {
		t.Errorf("it took %v", calls)
	}
}

// generatedSpare returns the n-th instance of a generated fleet that is in no load
// balancer.
func generatedSpare(n int) string { return fmt.Sprintf("i-0%016x", n) }

func TestAWSHasAcceptedChangesOnly(t *testing.T) {
	for name, emulator := range map[string][]string{
		"quick":             nil,
		"lagging":           {"--lag", "500ms", "--latency", "20ms"},
		"throttled as real": {"--throttle", "aws", "--latency", "20ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAWS(t, append([]string{"--fleet", "1x5"}, emulator...)...)
			s := startService(t, a.base)
			expected := map[string]int{} // 1: is a member
			for _, id := range a.members("elb-0001") {
				expected[id] = 1
			}
			instances := append(a.members("elb-0001"), generatedSpare(1), generatedSpare(2), generatedSpare(3))
			random := rand.New(rand.NewPCG(1, 2)) // the same in every run
			for range 3 {
				for _, done := range s.atOnce(t, "elb-0001", randomAttempts(random, instances)) {
					count(t, expected, done)
				}
			}
			members := a.members("elb-0001")
			for id, times := range expected {
				if is := slices.Contains(members, id); times != 0 && times != 1 || is != (times == 1) {
					t.Errorf("%s: attached %+d times net, member is %v", id, times, is)
				}
			}
		})
	}
}

// randomAttempts are few enough for AWS's bucket of 20 writes: each reversal needs a call
// of its own.
func randomAttempts(random *rand.Rand, instances []string) []attempt {
	attempts := make([]attempt, 20)
	for i := range attempts {
		attempts[i] = attempt{
			method:   []string{http.MethodPost, http.MethodDelete}[random.IntN(2)],
			instance: instances[random.IntN(len(instances))],
		}
	}
	return attempts
}

// count adds the effect of an accepted change. Every other response must be a conflict
// or an overload.
func count(t *testing.T, expected map[string]int, done attempt) {
	t.Helper()
	switch {
	case done.status == http.StatusCreated && done.method == http.MethodPost:
		expected[done.instance]++
	case done.status == http.StatusCreated:
		expected[done.instance]--
	case done.status != http.StatusConflict && done.status != http.StatusServiceUnavailable:
		t.Errorf("%s %s: %d %s", done.method, done.instance, done.status, strings.TrimSpace(done.body))
	}
}
