package emulator

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
)

// controlRoutes are the endpoints of the controls by path and method.
var controlRoutes = map[string]map[string]func(*Emulator, http.ResponseWriter, *http.Request){
	controlPrefix + "faults": {
		http.MethodGet:    (*Emulator).getFaults,
		http.MethodPost:   (*Emulator).postFault,
		http.MethodDelete: (*Emulator).deleteFaults,
	},
	controlPrefix + "calls": {
		http.MethodGet:    (*Emulator).getCalls,
		http.MethodDelete: (*Emulator).deleteCalls,
	},
	controlPrefix + "history": {http.MethodGet: (*Emulator).getHistory},
	controlPrefix + "health":  {http.MethodPost: (*Emulator).postHealth},
	controlPrefix + "drains":  {http.MethodPost: (*Emulator).postDrain},
	controlPrefix + "traffic": {http.MethodGet: (*Emulator).getTraffic},
	controlPrefix + "kill":    {http.MethodPost: (*Emulator).postKill},
	controlPrefix + "revive":  {http.MethodPost: (*Emulator).postRevive},
	controlPrefix + "state":   {http.MethodGet: (*Emulator).getState},
}

func (e *Emulator) serveControl(w http.ResponseWriter, r *http.Request) {
	methods, ok := controlRoutes[r.URL.Path]
	if !ok {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("there is no %s; there are %s", r.URL.Path,
			strings.Join(slices.Sorted(maps.Keys(controlRoutes)), ", ")))
		return
	}
	handle, ok := methods[r.Method]
	if !ok {
		allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		w.Header().Set("Allow", allowed)
		writeProblem(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s does not take %s, but %s", r.URL.Path, r.Method, allowed))
		return
	}
	handle(e, w, r)
}

func (e *Emulator) getCalls(w http.ResponseWriter, r *http.Request) {
	version := r.URL.Query().Get("version")
	if !e.supports(everyAction, version) {
		writeProblem(w, http.StatusBadRequest, fmt.Sprintf("version: %q is not that of an emulated API", version))
		return
	}
	writeJSON(w, http.StatusOK, e.calls.all(version))
}

func (e *Emulator) deleteCalls(w http.ResponseWriter, _ *http.Request) {
	e.ResetCalls()
	writeJSON(w, http.StatusOK, map[string]int{})
}

func (e *Emulator) getState(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, e.State())
}

func (e *Emulator) getHistory(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, append([]account.MembershipChange{}, e.History()...))
}

func (e *Emulator) getTraffic(w http.ResponseWriter, _ *http.Request) {
	traffic := e.Traffic()
	if traffic == nil {
		writeProblem(w, http.StatusNotFound, "the load balancers carry no traffic; start the emulator with --data-plane")
		return
	}
	writeJSON(w, http.StatusOK, traffic)
}

func (e *Emulator) getFaults(w http.ResponseWriter, _ *http.Request) {
	documents := []faultDocument{}
	for _, fault := range e.Faults() {
		documents = append(documents, faultDocumentOf(fault))
	}
	writeJSON(w, http.StatusOK, documents)
}

func (e *Emulator) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	e.ClearFaults()
	writeJSON(w, http.StatusOK, []faultDocument{})
}

func (e *Emulator) postFault(w http.ResponseWriter, r *http.Request) {
	var d faultDocument
	if err := decodeBody(w, r, &d); err != nil {
		writeControlError(w, fmt.Errorf("that is not a fault: %w", err))
		return
	}
	fault, err := d.fault()
	if err == nil {
		err = e.AddFault(fault)
	}
	if err != nil {
		writeControlError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, faultDocumentOf(fault))
}

// faultDocument is a Fault as JSON.
type faultDocument struct {
	Action      string    `json:"action"`
	Version     string    `json:"version,omitempty"`
	Kind        FaultKind `json:"kind"`
	Probability float64   `json:"probability,omitempty"`
	Count       int       `json:"count,omitempty"`
	After       bool      `json:"after,omitempty"`
	Delay       string    `json:"delay,omitempty"` // as in "30s"
}

func faultDocumentOf(f Fault) faultDocument {
	d := faultDocument{f.Action, f.Version, f.Kind, f.Probability, f.Count, f.After, ""}
	if f.Delay > 0 {
		d.Delay = f.Delay.String()
	}
	return d
}

func (d faultDocument) fault() (Fault, error) {
	fault := Fault{Action: d.Action, Version: d.Version, Kind: d.Kind, Probability: d.Probability, Count: d.Count, After: d.After}
	if d.Delay == "" {
		return fault, nil
	}
	var err error
	if fault.Delay, err = time.ParseDuration(d.Delay); err != nil {
		return Fault{}, fmt.Errorf("delay: %q is no duration, such as \"30s\"", d.Delay)
	}
	if fault.Delay == 0 {
		return Fault{}, errors.New("delay: must be above 0; without it the client is kept waiting until it leaves")
	}
	return fault, nil
}

type healthDocument struct {
	InstanceID  string `json:"instanceId"`
	Port        int    `json:"port,omitempty"` // all without it
	Healthy     *bool  `json:"healthy"`
	Description string `json:"description,omitempty"`
}

func (e *Emulator) postHealth(w http.ResponseWriter, r *http.Request) {
	var d healthDocument
	control(w, r, &d, func() error {
		switch {
		case d.Healthy == nil:
			return errors.New("healthy: give true or false")
		case *d.Healthy && d.Description != "":
			return errors.New("description: only what fails has one")
		case d.Port < 0 || d.Port > 65535:
			return fmt.Errorf("port: %d is not between 1 and 65535", d.Port)
		}
		return e.SetHealth(d.InstanceID, d.Port, *d.Healthy, d.Description)
	})
}

type drainDocument struct {
	LoadBalancer string `json:"loadBalancer"`
	Lasts        string `json:"lasts"` // as in "30s"
}

func (e *Emulator) postDrain(w http.ResponseWriter, r *http.Request) {
	var d drainDocument
	control(w, r, &d, func() error {
		lasts, err := time.ParseDuration(d.Lasts)
		if err != nil || lasts < 0 {
			return fmt.Errorf("lasts: %q is no duration, such as \"30s\"", d.Lasts)
		}
		return e.SetDrainTime(d.LoadBalancer, lasts)
	})
}

type instanceDocument struct {
	InstanceID string `json:"instanceId"`
}

func (e *Emulator) postKill(w http.ResponseWriter, r *http.Request) {
	var d instanceDocument
	control(w, r, &d, func() error { return e.setAlive(d.InstanceID, false) })
}

func (e *Emulator) postRevive(w http.ResponseWriter, r *http.Request) {
	var d instanceDocument
	control(w, r, &d, func() error { return e.setAlive(d.InstanceID, true) })
}

// control decodes the body into document, performs the control, and answers with the
// document or the error.
func control(w http.ResponseWriter, r *http.Request, document any, perform func() error) {
	err := decodeBody(w, r, document)
	if err == nil {
		err = perform()
	}
	if err != nil {
		writeControlError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, document)
}

func writeControlError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if failure, ok := errors.AsType[*controlError](err); ok {
		status = failure.status
	}
	writeProblem(w, status, err.Error())
}
