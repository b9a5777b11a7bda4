package emulator

import (
	"net/http"
	"strings"
	"time"

	"lsapi/internal/emulator/dataplane"
)

const descriptionRecovering = "Instance has not passed the configured HealthyThreshold number of health checks consecutively."

// Carry makes the load balancers carry traffic from now on, and their members' health
// what probes find, until Close.
func (e *Emulator) Carry(o dataplane.Options) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.world.plane = dataplane.New(o)
	e.applyPlan()
}

// Close ends the traffic, if there is any.
func (e *Emulator) Close() error {
	e.mu.Lock()
	plane := e.world.plane
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

// Traffic returns what the load balancers carry; nil when they carry nothing.
func (e *Emulator) Traffic() []dataplane.Traffic {
	e.mu.Lock()
	plane := e.world.plane
	e.mu.Unlock()
	if plane == nil {
		return nil
	}
	return plane.Traffic()
}

// applyPlan has the data plane, if there is one, carry out what there is now, and again
// when an instance passes into another state by itself. The caller holds mu.
func (e *Emulator) applyPlan() {
	if e.world.plane == nil || e.closed {
		return
	}
	if e.replan != nil {
		e.replan.Stop()
	}
	now := e.clock.Now()
	e.world.plane.Apply(e.world.plan(now))
	if next := e.world.nextPassage(now); !next.IsZero() {
		e.replan = time.AfterFunc(next.Sub(now), func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.applyPlan()
		})
	}
}

// changes reports whether an action may change something.
func changes(action string) bool {
	for _, reads := range []string{"Describe", "Get", "List"} {
		if strings.HasPrefix(action, reads) {
			return false
		}
	}
	return true
}

// plan is what a data plane is to carry out.
func (w *world) plan(now time.Time) dataplane.Plan {
	var p dataplane.Plan
	for _, i := range w.order {
		current, ok := i.stateAt(now)
		p.Instances = append(p.Instances, dataplane.Instance{
			ID: i.id, Number: i.number, Running: ok && current.state == running, Failing: i.failing != "",
		})
	}
	for _, name := range w.names {
		if r := w.balancers[name].latest(); !r.deleted {
			p.LoadBalancers = append(p.LoadBalancers, w.planOf(r, now))
		}
	}
	return p
}

func (w *world) planOf(r *revision, now time.Time) dataplane.LoadBalancer {
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	lb := dataplane.LoadBalancer{
		Name:  r.name,
		Zones: r.zones,
		Idle:  seconds(r.attributes.ConnectionSettings.IdleTimeout),
		Check: dataplane.HealthCheck{
			Target: r.healthCheck.Target, Interval: seconds(r.healthCheck.Interval), Timeout: seconds(r.healthCheck.Timeout),
			Unhealthy: r.healthCheck.UnhealthyThreshold, Healthy: r.healthCheck.HealthyThreshold,
		},
	}
	if r.attributes.ConnectionDraining.Enabled {
		lb.Drain = seconds(r.attributes.ConnectionDraining.Timeout)
	}
	for _, l := range r.listeners {
		lb.Listeners = append(lb.Listeners, dataplane.Listener{Protocol: l.Protocol, Port: l.LoadBalancerPort, InstancePort: l.InstancePort})
	}
	for _, m := range r.members {
		i, ok := w.instances[m.id]
		if !ok {
			continue // terminated long ago, and still listed
		}
		current, _ := i.stateAt(now)
		since := laterOf(m.since, current.at)
		lb.Members = append(lb.Members, dataplane.Member{
			InstanceID: m.id, Zone: i.zone, Since: since, Ready: since.Add(i.registrationDelay), Served: r.serves(i.zone),
		})
	}
	return lb
}

// nextPassage returns when an instance next passes into another state; zero when none
// does.
func (w *world) nextPassage(now time.Time) (next time.Time) {
	for _, i := range w.order {
		for _, t := range i.life {
			if t.at.After(now) && (next.IsZero() || t.at.Before(next)) {
				next = t.at
			}
		}
	}
	return next
}

// probed returns what probes have found out about a member.
func (w *world) probed(loadBalancer string, i *instance) health {
	switch w.plane.Health(loadBalancer, i.id) {
	case dataplane.InService:
		return inService(i.id, "N/A")
	case dataplane.Failing:
		if i.failing != "" {
			return outOfService(i.id, i.failing)
		}
		return outOfService(i.id, descriptionFailing)
	case dataplane.Recovering:
		return outOfService(i.id, descriptionRecovering)
	case dataplane.Registering:
	}
	return registering(i.id)
}

// isDraining reports whether requests to an instance that has departed are still
// finishing at a moment: as a data plane knows it, else as long as that takes here.
func (w *world) isDraining(loadBalancer, id string, d departure, t time.Time) bool {
	if w.plane != nil {
		return !t.Before(d.at) && w.plane.InFlight(loadBalancer, id) > 0
	}
	return d.draining(t)
}

func (e *Emulator) getTraffic(w http.ResponseWriter, _ *http.Request) {
	traffic := e.Traffic()
	if traffic == nil {
		writeProblem(w, http.StatusNotFound, "the load balancers carry no traffic; start the emulator with --data-plane")
		return
	}
	writeJSON(w, http.StatusOK, traffic)
}

type instanceDocument struct {
	InstanceID string `json:"instanceId"`
}

// setAlive returns the endpoint that makes an instance die, or answer again.
func (e *Emulator) setAlive(alive bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var d instanceDocument
		if err := decodeDocument(http.MaxBytesReader(w, r.Body, maxBody), &d); err != nil {
			writeProblem(w, http.StatusBadRequest, err.Error())
			return
		}
		if err := e.setInstanceAlive(d.InstanceID, alive); err != nil {
			writeControlError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, d)
	}
}

func (e *Emulator) setInstanceAlive(id string, alive bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.world.plane == nil {
		return &controlError{http.StatusConflict, "instances answer nothing without a data plane; start the emulator with --data-plane"}
	}
	if _, err := e.existing(id); err != nil {
		return err
	}
	e.world.plane.SetAlive(id, alive)
	return nil
}
