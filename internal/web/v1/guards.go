package v1

import (
	"context"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// getGuard answers with what the guards of a pool allow now.
func (a *API) getGuard(x *exchange.Exchange, in *PoolPath) error {
	return sendRead(x, func(ctx context.Context) (lsapi.PoolGuard, error) {
		return a.Fleet.Guard(ctx, in.id(), x.RequiresFresh())
	}, newPoolGuard)
}

func newPoolGuard(g *lsapi.PoolGuard) apiv1.PoolGuard {
	return apiv1.PoolGuard{
		Pool: g.Pool.Path(), Unknown: string(g.Unknown), Frozen: g.Frozen,
		Rules: converted(g.Rules, func(r *lsapi.GuardRule) apiv1.GuardRule {
			return apiv1.GuardRule{Kind: r.Kind, Rule: r.Text, Number: r.Number, Source: r.Source}
		}),
		InService: g.InService, Out: g.Out, Headroom: g.Headroom,
		Members: converted(g.Members, newGuardedMember),
		AsOf:    instant(g.AsOf), HealthAsOf: instant(g.HealthAsOf),
	}
}

func newGuardedMember(m *lsapi.GuardedMember) apiv1.GuardedMember {
	return apiv1.GuardedMember{Member: m.Member.String(), Zone: m.Zone, Standing: string(m.Standing)}
}
