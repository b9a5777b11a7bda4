package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// errNoInstance is that EC2 has no such instance, or has terminated it.
func errNoInstance(id string) error {
	return &controlError{http.StatusNotFound, fmt.Sprintf("instanceId: there is no instance %q", id)}
}

// controlError is why a control has no effect.
type controlError struct {
	status int
	text   string
}

func (e *controlError) Error() string { return e.text }

// existing returns an instance that is not terminated. The caller holds mu.
func (e *Emulator) existing(id string) (*instance, error) {
	i, ok := e.world.instances[id]
	if !ok {
		return nil, errNoInstance(id)
	}
	if current, ok := i.stateAt(e.clock.Now()); ok && (current.state == terminated || current.state == shuttingDown) {
		return nil, errNoInstance(id)
	}
	return i, nil
}

// SetHealth makes an instance pass its health checks from now on, or fail them, with the
// description given, or AWS's usual one. Its error is why that has no effect: there is no
// such instance, or it is killed and cannot pass.
func (e *Emulator) SetHealth(instanceID string, healthy bool, description string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	i, err := e.existing(instanceID)
	if err != nil {
		return err
	}
	if healthy && e.world.plane != nil && e.world.plane.Killed(instanceID) {
		return &controlError{http.StatusConflict, instanceID + " is killed and passes no health check; " + controlPrefix + "revive makes it answer again"}
	}
	switch {
	case healthy:
		i.failing = ""
	case description == "":
		i.failing = descriptionFailing
	default:
		i.failing = description
	}
	e.applyPlan()
	return nil
}

// SetDrainTime makes requests in flight take so long when an instance leaves the load
// balancer from now on. Its error is why that has no effect: there is no such load
// balancer, it drains no connections or not for so long, or it carries real requests.
func (e *Emulator) SetDrainTime(loadBalancer string, lasts time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, ok := e.world.balancers[loadBalancer]
	if !ok || b.latest().deleted {
		return &controlError{http.StatusNotFound, fmt.Sprintf("loadBalancer: there is no load balancer %q", loadBalancer)}
	}
	draining := b.latest().attributes.ConnectionDraining
	switch timeout := time.Duration(draining.Timeout) * time.Second; {
	case e.world.plane != nil:
		return &controlError{http.StatusConflict, "with a data plane draining lasts as long as the requests in flight; send one that takes its time through the load balancer, such as /?sleep=30s"}
	case !draining.Enabled:
		return &controlError{http.StatusConflict, fmt.Sprintf("connection draining of %s is off; turn it on with ModifyLoadBalancerAttributes", loadBalancer)}
	case lasts > timeout:
		return &controlError{http.StatusConflict, fmt.Sprintf("lasts: connection draining of %s ends after %v", loadBalancer, timeout)}
	}
	b.revise(e.clock.Now(), e.world.lag, func(f *facts) {
		changed := *f.design
		changed.drainTime = lasts
		f.design = &changed
	})
	return nil
}

// writeControlError reports why a control had no effect.
func writeControlError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if failure, ok := errors.AsType[*controlError](err); ok {
		status = failure.status
	}
	writeProblem(w, status, err.Error())
}

type healthDocument struct {
	InstanceID  string `json:"instanceId"`
	Healthy     *bool  `json:"healthy"`
	Description string `json:"description,omitempty"`
}

func (e *Emulator) postHealth(w http.ResponseWriter, r *http.Request) {
	var d healthDocument
	err := decodeDocument(http.MaxBytesReader(w, r.Body, maxBody), &d)
	switch {
	case err != nil:
	case d.Healthy == nil:
		err = errors.New("healthy: give true or false")
	case *d.Healthy && d.Description != "":
		err = errors.New("description: only what fails has one")
	default:
		err = e.SetHealth(d.InstanceID, *d.Healthy, d.Description)
	}
	if err != nil {
		writeControlError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, d)
}

type drainDocument struct {
	LoadBalancer string `json:"loadBalancer"`
	Lasts        string `json:"lasts"` // as in "30s"
}

func (e *Emulator) postDrain(w http.ResponseWriter, r *http.Request) {
	var d drainDocument
	if err := decodeDocument(http.MaxBytesReader(w, r.Body, maxBody), &d); err != nil {
		writeControlError(w, err)
		return
	}
	lasts, err := time.ParseDuration(d.Lasts)
	if err != nil || lasts < 0 {
		writeProblem(w, http.StatusBadRequest, fmt.Sprintf("lasts: %q is no duration, such as \"30s\"", d.Lasts))
		return
	}
	if err := e.SetDrainTime(d.LoadBalancer, lasts); err != nil {
		writeControlError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, d)
}
