package emulator

import (
	"time"

	"lsapi/internal/emulator/dataplane"
)

// Carry makes the load balancers carry traffic until Close. The health of members is
// then that of the data plane's probes.
func (e *Emulator) Carry(o dataplane.Options) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.plane = dataplane.New(o)
	e.elb.Plane, e.elbv2.Plane, e.cloudwatch.Plane = e.plane, e.plane, e.plane
	e.applyPlan()
}

// Close ends the traffic.
func (e *Emulator) Close() error {
	e.mu.Lock()
	plane := e.plane
	e.closed = true
	if e.replan != nil {
		e.replan.Stop()
	}
	e.mu.Unlock()
	if plane == nil {
		return nil
	}
	return plane.Close()
}

// Traffic returns the traffic of each load balancer; nil without a data plane.
func (e *Emulator) Traffic() []dataplane.Traffic {
	e.mu.Lock()
	plane := e.plane
	e.mu.Unlock()
	if plane == nil {
		return nil
	}
	return plane.Traffic()
}

// applyPlan applies the current state to the data plane, and again at the next
// transition of an instance. The caller holds mu.
func (e *Emulator) applyPlan() {
	if e.plane == nil || e.closed {
		return
	}
	if e.replan != nil {
		e.replan.Stop()
	}
	now := e.clock.Now()
	plan := dataplane.Plan{Instances: e.ec2.Plan(now), LoadBalancers: e.elb.Plan(now)}
	e.elbv2.AddToPlan(&plan, now)
	e.plane.Apply(plan)
	if next := e.ec2.NextTransition(now); !next.IsZero() {
		e.replan = time.AfterFunc(next.Sub(now), func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.applyPlan()
		})
	}
}
