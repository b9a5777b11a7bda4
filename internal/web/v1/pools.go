package v1

import (
	"context"
	"strings"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// poolsQuery is what GET /v1/pools takes. Empty is not given.
type poolsQuery struct {
	Kind     string   `query:"kind" enum:"elb,tg" doc:"Only pools of this kind: elb for Classic load balancers, tg for target groups"`
	Name     string   `query:"name" maxLength:"64" pattern:"^[A-Za-z0-9*?-]+$" patternDescription:"letters, digits and hyphens, * for any characters, ? for one" doc:"Only pools with this name; * stands for any characters, ? for one" example:"default-*"`
	Tag      []string `query:"tag,explode" maxItems:"10" nullable:"false" doc:"Only pools with this tag: KEY=VALUE such as team=web, or KEY for any value. Given several times, all must match. While AWS's tags cannot be read, this is an error"`
	Health   string   `query:"health" enum:"InService,OutOfService,Unknown" doc:"Only pools that have a member in this state. While the health of a Classic load balancer cannot be read, this is an error; a target group that was not read yet does not match"`
	Instance string   `query:"instance" pattern:"^i-([0-9a-f]{8}|[0-9a-f]{17})$" patternDescription:"i- and 8 or 17 lower-case hexadecimal digits" doc:"Only pools that this instance is a member of, such as i-5203422c. A target group that was not read yet does not match; GET /v1/instances/{instance} says whether there are any"`
	VPC      string   `query:"vpc" pattern:"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$" patternDescription:"vpc- and 8 or 17 lower-case hexadecimal digits" doc:"Only pools of this VPC, such as vpc-0a1b2c3d4e5f60718"`
	Limit    int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The greatest number of pools"`
	Cursor   string   `query:"cursor" doc:"The nextCursor of the page before, with the same filters"`
}

func (a *API) listPools(x *exchange.Exchange, q *poolsQuery) error {
	filter, err := q.filter()
	if err != nil {
		return err
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	page, err := a.Fleet.Pools(ctx, filter)
	if err != nil {
		return err
	}
	answer := apiv1.PoolsPage{Pools: converted(page.Pools, newPool), Complete: len(page.Outdated) == 0, Outdated: converted(page.Outdated, newOutdatedKind)}
	if page.More && len(page.Pools) > 0 {
		answer.NextCursor = newFleetCursor(filter, page.Pools[len(page.Pools)-1].ID)
	}
	return send(x, answer)
}

// filter returns the query's filter.
func (q *poolsQuery) filter() (lsapi.FleetFilter, error) {
	filter := lsapi.FleetFilter{
		Kind: lsapi.Kind(q.Kind), Name: q.Name, Health: lsapi.HealthState(q.Health), Instance: q.Instance, VPC: q.VPC, Limit: q.Limit,
	}
	if len(q.Tag) > 0 {
		filter.Tags = make(map[string]string, len(q.Tag))
	}
	for _, tag := range q.Tag {
		key, value, hasValue := strings.Cut(tag, "=")
		if key == "" || hasValue && value == "" { // an empty variable of a script must not match all
			return filter, invalid(apiv1.Detail{Location: "query.tag", Message: "expected KEY=VALUE, or KEY for any value"})
		}
		if _, twice := filter.Tags[key]; twice {
			return filter, invalid(apiv1.Detail{Location: "query.tag", Message: "has the same key more than once"})
		}
		filter.Tags[key] = value
	}
	if q.Cursor != "" {
		pool, ok := parseFleetCursor(filter, q.Cursor)
		if !ok {
			return filter, invalid(apiv1.Detail{Location: "query.cursor", Message: "is not the nextCursor of a page with the same filters"})
		}
		filter.After = pool
	}
	return filter, nil
}

// PoolPath is the part of a path that identifies a pool. It is exported for huma, which
// skips other embedded structs.
type PoolPath struct {
	Kind string `path:"kind" enum:"elb,tg" doc:"The kind of the pool: elb for Classic load balancers, tg for target groups. Any other kind is 404" example:"elb"`
	Name string `path:"name" pattern:"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" doc:"The name of the pool: 1 to 32 letters, digits and hyphens, no hyphen at either end. Any other name is 404" example:"default-elb"`
}

func (p *PoolPath) id() lsapi.PoolID {
	return lsapi.PoolID{Scope: lsapi.DefaultScope, Kind: lsapi.Kind(p.Kind), Name: p.Name}
}

// checkPool answers 404 for impossible pools, without a call to AWS.
func checkPool(x *exchange.Exchange) error {
	if !lsapi.Kind(x.Request.PathValue("kind")).IsKnown() {
		return lsapi.Errorf(lsapi.CodeNotFound, "there is no such kind of pool; there are elb, for Classic load balancers, and tg, for target groups")
	}
	if !lsapi.ValidPoolName(x.Request.PathValue("name")) {
		return lsapi.Errorf(lsapi.CodeNotFound,
			"there is no such pool; a name is 1 to 32 letters, digits and hyphens, with no hyphen at either end")
	}
	return nil
}

// getPool answers with a pool.
func (a *API) getPool(x *exchange.Exchange, in *PoolPath) error {
	return sendRead(x, func(ctx context.Context) (lsapi.PoolDetail, error) {
		return a.Fleet.Pool(ctx, in.id(), x.RequiresFresh())
	}, newPoolDetail)
}
