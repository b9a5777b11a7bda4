package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"lsapi/bench/internal/process"
)

// emulated is an emulated AWS in a process of its own.
type emulated struct {
	*process.Process
	url string
}

// startEmulator starts lsapi emulator.
func (b *bench) startEmulator(ctx context.Context, args ...string) (*emulated, error) {
	address, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	url := "http://" + address
	p, err := process.Start(ctx, process.Command{
		Path:   b.binary,
		Args:   append([]string{"emulator", "--listen", address}, args...),
		Output: b.file("emulator.log"),
		Ready:  url + "/_emulator/calls",
	})
	if err != nil {
		return nil, err
	}
	return &emulated{p, url}, nil
}

// elbv2 is the API version of target groups.
const elbv2 = "2015-12-01"

// calls returns the number of calls by action since resetCalls.
func (e *emulated) calls(ctx context.Context) (map[string]int, error) { return e.callsOf(ctx, "") }

// callsOf does the same for a version of an API; all for an empty one.
func (e *emulated) callsOf(ctx context.Context, version string) (map[string]int, error) {
	calls := make(map[string]int)
	return calls, e.control(ctx, http.MethodGet, "calls?version="+version, "", &calls)
}

// callsIn returns the number of all calls during a run.
func (e *emulated) callsIn(ctx context.Context, run func() error) (sum int, err error) {
	if err := e.resetCalls(ctx); err != nil {
		return 0, err
	}
	if err := run(); err != nil {
		return 0, err
	}
	calls, err := e.calls(ctx)
	for _, n := range calls {
		sum += n
	}
	return sum, err
}

func (e *emulated) resetCalls(ctx context.Context) error {
	return e.control(ctx, http.MethodDelete, "calls", "", nil)
}

// refuseHalf makes every call fail with probability one half.
func (e *emulated) refuseHalf(ctx context.Context) error {
	return e.control(ctx, http.MethodPost, "faults", `{"action":"*","kind":"throttle","probability":0.5}`, nil)
}

func (e *emulated) clearFaults(ctx context.Context) error {
	return e.control(ctx, http.MethodDelete, "faults", "", nil)
}

// members returns the members of a load balancer in AWS.
func (e *emulated) members(ctx context.Context, loadBalancer string) (map[string]bool, error) {
	states, err := e.states(ctx, loadBalancer)
	members := make(map[string]bool)
	for instance := range states {
		members[instance] = true
	}
	return members, err
}

// states returns the health of the members of a load balancer, by instance.
func (e *emulated) states(ctx context.Context, loadBalancer string) (map[string]string, error) {
	var state struct {
		LoadBalancers []struct {
			Name    string
			Members []struct{ InstanceID, State string }
		}
	}
	if err := e.control(ctx, http.MethodGet, "state", "", &state); err != nil {
		return nil, err
	}
	states := make(map[string]string)
	for _, lb := range state.LoadBalancers {
		for _, m := range lb.Members {
			if lb.Name == loadBalancer {
				states[m.InstanceID] = m.State
			}
		}
	}
	return states, nil
}

// control sends a request to the emulator's control API.
func (e *emulated) control(ctx context.Context, method, endpoint, body string, result any) error {
	request, err := http.NewRequestWithContext(ctx, method, e.url+"/_emulator/"+endpoint, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s", method, endpoint, response.Status)
	}
	if result == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(result)
}

// path returns the path of the n-th load balancer of a generated fleet, from 1.
func path(n int) string { return "/elb/" + balancer(n) }

// paths returns the first n of them.
func paths(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = path(i + 1)
	}
	return all
}

// groupPath returns the path of the n-th target group of a generated fleet, from 1.
func groupPath(n int) string { return "/v1/pools/tg/" + group(n) }

// instancePath returns the path of a target's instance.
func instancePath(n, nth int) string { return "/v1/instances/" + target(n, nth) }

// balancer, group, memberOf, target and spare return names in a generated fleet: of the n-th
// load balancer or target group, of the nth instance in it, and of the n-th instance that is in
// no pool.
func balancer(n int) string      { return fmt.Sprintf("elb-%04d", n) }
func group(n int) string         { return fmt.Sprintf("tg-%04d", n) }
func memberOf(n, nth int) string { return fmt.Sprintf("i-0%08x%08x", n, nth) }
func target(n, nth int) string   { return fmt.Sprintf("i-1%08x%08x", (n+1)/2, nth) }
func spare(n int) string         { return fmt.Sprintf("i-0%08x%08x", 0, n) }
