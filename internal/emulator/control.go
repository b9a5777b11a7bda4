package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const controlPrefix = "/_emulator/"

// controlRoutes are the endpoints that drive the emulator, by path and method.
func (e *Emulator) controlRoutes() map[string]map[string]http.HandlerFunc {
	return map[string]map[string]http.HandlerFunc{
		controlPrefix + "faults": {
			http.MethodGet:    e.getFaults,
			http.MethodPost:   e.postFault,
			http.MethodDelete: e.deleteFaults,
		},
		controlPrefix + "calls": {
			http.MethodGet:    e.getCalls,
			http.MethodDelete: e.deleteCalls,
		},
		controlPrefix + "history": {
			http.MethodGet: e.getHistory,
		},
		controlPrefix + "health": {
			http.MethodPost: e.postHealth,
		},
		controlPrefix + "drains": {
			http.MethodPost: e.postDrain,
		},
		controlPrefix + "traffic": {
			http.MethodGet: e.getTraffic,
		},
		controlPrefix + "kill": {
			http.MethodPost: e.setAlive(false),
		},
		controlPrefix + "revive": {
			http.MethodPost: e.setAlive(true),
		},
		controlPrefix + "state": {
			http.MethodGet: e.getState,
		},
	}
}

func (e *Emulator) serveControl(w http.ResponseWriter, r *http.Request) {
	methods, ok := e.control[r.URL.Path]
	if !ok {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("there is no %s; there are %s", r.URL.Path,
			strings.Join(slices.Sorted(maps.Keys(e.control)), ", ")))
		return
	}
	handle, ok := methods[r.Method]
	if !ok {
		allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		w.Header().Set("Allow", allowed)
		writeProblem(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s does not take %s, but %s", r.URL.Path, r.Method, allowed))
		return
	}
	handle(w, r)
}

func (e *Emulator) getCalls(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, e.Calls())
}

func (e *Emulator) deleteCalls(w http.ResponseWriter, _ *http.Request) {
	e.ResetCalls()
	writeJSON(w, http.StatusOK, map[string]int{})
}

func (e *Emulator) getState(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, e.State())
}

func (e *Emulator) getFaults(w http.ResponseWriter, _ *http.Request) {
	shown := []faultDocument{}
	for _, fault := range e.Faults() {
		shown = append(shown, document(fault))
	}
	writeJSON(w, http.StatusOK, shown)
}

func (e *Emulator) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	e.ClearFaults()
	writeJSON(w, http.StatusOK, []faultDocument{})
}

func (e *Emulator) postFault(w http.ResponseWriter, r *http.Request) {
	fault, err := readFault(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = e.AddFault(fault)
	}
	if err != nil {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusCreated, document(fault))
}

// faultDocument is a Fault as JSON.
type faultDocument struct {
	Action      string    `json:"action"`
	Kind        FaultKind `json:"kind"`
	Probability float64   `json:"probability,omitempty"`
	Count       int       `json:"count,omitempty"`
	After       bool      `json:"after,omitempty"`
	Delay       string    `json:"delay,omitempty"` // as in "30s"
}

func document(f Fault) faultDocument {
	d := faultDocument{f.Action, f.Kind, f.Probability, f.Count, f.After, ""}
	if f.Delay > 0 {
		d.Delay = f.Delay.String()
	}
	return d
}

func readFault(body io.Reader) (Fault, error) {
	var d faultDocument
	if err := decodeDocument(body, &d); err != nil {
		return Fault{}, fmt.Errorf("that is not a fault: %w", err)
	}
	fault := Fault{Action: d.Action, Kind: d.Kind, Probability: d.Probability, Count: d.Count, After: d.After}
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

func writeProblem(w http.ResponseWriter, status int, problem string) {
	writeJSON(w, status, map[string]string{"error": problem})
}

// writeJSON sends a JSON document. What is sent can always be encoded, so an
// error means that the client has left: the connection is cut.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		cut(w)
	}
}

// decodeDocument reads one JSON object of known fields, and nothing after it.
func decodeDocument(body io.Reader, into any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("the body is not as it should be: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("the body goes on after its end")
	}
	return nil
}
