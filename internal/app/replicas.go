package app

import (
	"log/slog"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/overlay"
	"lsapi/internal/telemetry"
)

// replicas handles what the record reports of the other processes that share it. They
// divide the budget, and their changes appear in this process's lists.
type replicas struct {
	budget *budget.Budget
	recent *overlay.Overlay
	log    *slog.Logger
	live   atomic.Int64
}

func newReplicas(allowance *budget.Budget, recent *overlay.Overlay, metrics *telemetry.Metrics, log *slog.Logger) *replicas {
	r := &replicas{budget: allowance, recent: recent, log: log}
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

// count returns the number of live replicas, at least 1.
func (r *replicas) count() int64 { return max(1, r.live.Load()) }

// apply shows the changes of other replicas.
func (r *replicas) apply(pool lsapi.PoolID, changes []lsapi.AppliedChange) {
	if err := r.recent.Learn(pool, changes); err != nil {
		r.log.Warn("lists may lack a change of another replica until the next refresh",
			"pool", pool, "error", err)
	}
}
