package app

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/membership"
	"lsapi/internal/telemetry"
)

// replicas are the processes that share the record: they divide the budget, and
// what they apply is shown here too.
type replicas struct {
	budget *budget.Budget
	log    *slog.Logger
	live   atomic.Int64

	once    sync.Once
	met     chan struct{} // closed when members is set, or never will be
	members *membership.Service
}

func newReplicas(allowance *budget.Budget, metrics *telemetry.Metrics, log *slog.Logger) *replicas {
	r := &replicas{budget: allowance, log: log, met: make(chan struct{})}
	r.live.Store(1)
	metrics.Gauge("lsapi_replicas", "Processes that share the record of changes, this one included.",
		func() float64 { return float64(r.live.Load()) })
	return r
}

// count is told how many they are.
func (r *replicas) count(live int) {
	r.live.Store(int64(live))
	r.budget.Divide(live)
}

// learn is told what others have applied, and waits until there is somebody to
// tell.
func (r *replicas) learn(loadBalancer string, changes []lsapi.AppliedChange) {
	<-r.met
	if r.members == nil {
		return
	}
	if err := r.members.Learn(loadBalancer, changes); err != nil {
		r.log.Warn("lists may miss what another replica has changed, until AWS shows it",
			"load_balancer", loadBalancer, "error", err)
	}
}

// meet names whoever is to be told; nil is nobody. Only the first call counts.
func (r *replicas) meet(members *membership.Service) {
	r.once.Do(func() {
		r.members = members
		close(r.met)
	})
}
