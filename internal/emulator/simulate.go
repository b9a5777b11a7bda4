package emulator

import (
	"fmt"
	"net/http"
	"time"
)

// SetHealth makes an instance pass its health checks from now on, or fail them,
// which is described in the words given, or AWS's usual ones. False: there is no
// such instance.
func (e *Emulator) SetHealth(instanceID string, healthy bool, description string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	i, ok := e.world.instances[instanceID]
	if !ok {
		return false
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
	return true
}

// SetDrainTime makes the requests in flight take so long when an instance leaves the
// load balancer from now on. False: there is no such load balancer.
func (e *Emulator) SetDrainTime(loadBalancer string, lasts time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, ok := e.world.balancers[loadBalancer]
	if !ok || b.latest().deleted {
		return false
	}
	b.revise(e.clock.Now(), e.world.lag, func(f *facts) {
		changed := *f.design
		changed.drainTime = lasts
		f.design = &changed
	})
	return true
}

type healthDocument struct {
	InstanceID  string `json:"instanceId"`
	Healthy     bool   `json:"healthy"`
	Description string `json:"description,omitempty"`
}

func (e *Emulator) postHealth(w http.ResponseWriter, r *http.Request) {
	var d healthDocument
	if err := decodeDocument(http.MaxBytesReader(w, r.Body, maxBody), &d); err != nil {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	if !e.SetHealth(d.InstanceID, d.Healthy, d.Description) {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("instanceId: there is no instance %q", d.InstanceID))
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
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	lasts, err := time.ParseDuration(d.Lasts)
	if err != nil || lasts < 0 {
		writeProblem(w, http.StatusBadRequest, fmt.Sprintf("lasts: %q is no duration, such as \"30s\"", d.Lasts))
		return
	}
	if !e.SetDrainTime(d.LoadBalancer, lasts) {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("loadBalancer: there is no load balancer %q", d.LoadBalancer))
		return
	}
	writeJSON(w, http.StatusOK, d)
}
