package emulator

import (
	"net/http"
	"slices"
	"time"
)

// maxHistory bounds the memory that the history takes.
const maxHistory = 200_000

// MembershipChange is one instance that joined or left a load balancer. A call that
// changes nothing leaves none.
type MembershipChange struct {
	At           time.Time `json:"at"`
	Action       string    `json:"action"` // attach or detach
	LoadBalancer string    `json:"loadBalancer"`
	InstanceID   string    `json:"instanceId"`
}

// record adds the change of some instances to the history, and drops its older half
// when it is full.
func (w *world) record(action, loadBalancer string, ids []string, now time.Time) {
	if len(w.history) >= maxHistory {
		w.history = slices.Clone(w.history[maxHistory/2:])
	}
	for _, id := range ids {
		w.history = append(w.history, MembershipChange{now.UTC(), action, loadBalancer, id})
	}
}

// History returns the membership changes in the order in which they happened: the
// last 100,000 at least.
func (e *Emulator) History() []MembershipChange {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.world.history)
}

func (e *Emulator) getHistory(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, append([]MembershipChange{}, e.History()...))
}
