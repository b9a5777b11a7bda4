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

// replicas handles what the record reports of the other processes that share it. They
// divide the budget, and their changes appear in this process's lists.
type replicas struct {
	budget *budget.Budget
	log    *slog.Logger
	live   atomic.Int64

	once    sync.Once
	ready   chan struct{} // closed when members is final
	members *membership.Service
}

func newReplicas(allowance *budget.Budget, metrics *telemetry.Metrics, log *slog.Logger) *replicas {
	r := &replicas{budget: allowance, log: log, ready: make(chan struct{})}
	r.live.Store(1)
	metrics.Gauge("lsapi_replicas", "Replicas that share the record of changes, including this one.",
		func() float64 { return float64(r.live.Load()) })
	return r
}

// setCount sets the number of live replicas.
func (r *replicas) setCount(live int) {
	r.live.Store(int64(live))
	r.budget.Divide(live)
}

// apply passes the changes of other replicas on to members. It blocks until
// setMembers.
func (r *replicas) apply(loadBalancer string, changes []lsapi.AppliedChange) {
	<-r.ready
	if r.members == nil {
		return
	}
	if err := r.members.Learn(loadBalancer, changes); err != nil {
		r.log.Warn("lists may lack a change of another replica until the next refresh",
			"load_balancer", loadBalancer, "error", err)
	}
}

// setMembers sets the receiver of changes; nil discards them. Only the first call
// counts.
func (r *replicas) setMembers(members *membership.Service) {
	r.once.Do(func() {
		r.members = members
		close(r.ready)
	})
}
