package emulator

import (
	"fmt"
	"net/http"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/elbv2"
)

// State is the actual state of the account, without lag.
type State struct {
	LoadBalancers []elb.LoadBalancerState  `json:"loadBalancers"` // the Classic ones, by name
	TargetGroups  []elbv2.TargetGroupState `json:"targetGroups"`  // by name
	Instances     []ec2.InstanceState      `json:"instances"`     // in the order of their creation
}

// State returns the current state.
func (e *Emulator) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.clock.Now()
	return State{e.elb.State(now), e.elbv2.State(now), e.ec2.State(now)}
}

// Members returns the ids of a load balancer's actual members, sorted; nil when it does
// not exist.
func (e *Emulator) Members(loadBalancer string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.elb.Members(loadBalancer)
}

// Targets returns the actual targets of a target group without the draining ones, sorted,
// as in i-0592fe5ccee879f04:80 or [2001:db8::7]:80; nil when it does not exist.
func (e *Emulator) Targets(targetGroup string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.elbv2.Targets(targetGroup)
}

// History returns at least the last 100,000 membership changes, oldest first.
func (e *Emulator) History() []account.MembershipChange {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.account.History()
}

// Calls returns the number of calls per action since the last ResetCalls. It includes
// failed calls, but not requests that are unsigned or for unsupported actions.
func (e *Emulator) Calls() map[string]int { return e.calls.all("") }

// CallsOf is Calls for the API with a version.
func (e *Emulator) CallsOf(version string) map[string]int { return e.calls.all(version) }

// ResetCalls sets the number of calls to zero.
func (e *Emulator) ResetCalls() { e.calls.reset() }

// AddFault activates a fault. Its error names the invalid field.
func (e *Emulator) AddFault(f Fault) error {
	if err := f.validate(e.supports); err != nil {
		return err
	}
	return e.faults.add(f)
}

// Faults returns the active faults, oldest first, with the remaining counts.
func (e *Emulator) Faults() []Fault { return e.faults.list() }

// ClearFaults ends all faults. Delayed answers stay delayed.
func (e *Emulator) ClearFaults() { e.faults.clear() }

// supports reports whether the API with a version, or any for an empty one, has an action.
func (e *Emulator) supports(action, version string) bool {
	for _, api := range e.apis {
		_, ok := api.Operations[action]
		if (ok || action == everyAction) && (version == "" || version == api.Version) {
			return true
		}
	}
	return false
}

// SetHealth makes an instance pass or fail its health checks, on all ports if port is 0. The
// description is the reason for a failure; AWS's usual one when empty. It returns an error
// if the instance does not exist, or cannot pass because it is killed or fails on all ports.
func (e *Emulator) SetHealth(instanceID string, port int, healthy bool, description string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	i, ok := e.ec2.Live(instanceID, e.clock.Now())
	if !ok {
		return errNoInstance(instanceID)
	}
	if healthy && e.plane != nil && e.plane.Killed(instanceID) {
		return conflict("%s is killed and passes no health check; %srevive makes it answer again", instanceID, controlPrefix)
	}
	switch {
	case port == 0:
		i.Failing, i.FailureReason, i.FailingPorts = !healthy, description, nil
	case i.Failing:
		return conflict("%s fails on all ports; make it pass without a port first", instanceID)
	default:
		i.SetPort(port, healthy, description)
	}
	e.applyPlan()
	return nil
}

// SetDrainTime sets how long in-flight requests to deregistered instances of a load
// balancer take. It returns an error if the load balancer does not exist, does not
// drain, drains for less, or carries traffic.
func (e *Emulator) SetDrainTime(loadBalancer string, lasts time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	timeout, ok := e.elb.Draining(loadBalancer)
	switch {
	case !ok:
		return &controlError{http.StatusNotFound, fmt.Sprintf("loadBalancer: there is no load balancer %q", loadBalancer)}
	case e.plane != nil:
		return conflict("with a data plane draining lasts as long as the requests in flight; send one that takes its time through the load balancer, such as /?sleep=30s")
	case timeout == 0:
		return conflict("connection draining of %s is off; turn it on with ModifyLoadBalancerAttributes", loadBalancer)
	case lasts > timeout:
		return conflict("lasts: connection draining of %s ends after %v", loadBalancer, timeout)
	}
	e.elb.SetDrainTime(loadBalancer, lasts, e.clock.Now())
	return nil
}

// setAlive kills or revives the server on an instance.
func (e *Emulator) setAlive(instanceID string, alive bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.plane == nil {
		return conflict("instances answer nothing without a data plane; start the emulator with --data-plane")
	}
	if _, ok := e.ec2.Live(instanceID, e.clock.Now()); !ok {
		return errNoInstance(instanceID)
	}
	e.plane.SetAlive(instanceID, alive)
	return nil
}

// controlError is the reason why a control has no effect.
type controlError struct {
	status int
	text   string
}

func (e *controlError) Error() string { return e.text }

func conflict(format string, args ...any) error {
	return &controlError{http.StatusConflict, fmt.Sprintf(format, args...)}
}

// errNoInstance is the error for an instance that does not exist or is terminated.
func errNoInstance(id string) error {
	return &controlError{http.StatusNotFound, fmt.Sprintf("instanceId: there is no instance %q", id)}
}
