package snapshot

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"lsapi"
)

// nothing is the Overlay, Observer and Metrics of a Snapshot without them.
type nothing struct{}

func (nothing) Over(_ lsapi.PoolID, ids []lsapi.MemberID, _ time.Time) []lsapi.MemberID { return ids }
func (nothing) CatchUp(context.Context, lsapi.PoolID) error                             { return nil }
func (nothing) CatchUpAll(context.Context) error                                        { return nil }
func (nothing) Observe(lsapi.PoolID, lsapi.PoolRead, time.Time)                         {}
func (nothing) ObserveGone(lsapi.PoolID, time.Time)                                     {}
func (nothing) Refresh(lsapi.Code, time.Duration)                                       {}

// NewWithFakes returns a Snapshot, with fakes for what the options lack.
func NewWithFakes(o Options) *Snapshot {
	if o.Overlay == nil {
		o.Overlay = nothing{}
	}
	if o.Observer == nil {
		o.Observer = nothing{}
	}
	if o.Metrics == nil {
		o.Metrics = nothing{}
	}
	if o.Kinds == nil {
		o.Kinds = []lsapi.Kind{lsapi.KindELB}
	}
	if o.Denied == nil {
		o.Denied = func(error) bool { return false }
	}
	if o.PollRate == nil {
		o.PollRate = func() (own, all float64) { return 5, 5 }
	}
	o.SweepEvery = cmp.Or(o.SweepEvery, 5*time.Minute)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return New(o)
}
