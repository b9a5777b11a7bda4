package v1

import (
	"context"
	"strings"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// loadBalancersQuery is what GET /v1/load-balancers takes. Empty is not given.
type loadBalancersQuery struct {
	Name   string   `query:"name" maxLength:"64" pattern:"^[A-Za-z0-9*?-]+$" patternDescription:"letters, digits and hyphens, * for any characters, ? for one" doc:"Only load balancers whose name is this; * stands for any characters, ? for one" example:"default-*"`
	Tag    []string `query:"tag,explode" maxItems:"10" nullable:"false" doc:"Only load balancers that have this tag: KEY=VALUE such as team=web, or KEY for any value. Given several times, all must be there. While AWS's tags cannot be read, this is an error"`
	Health string   `query:"health" enum:"InService,OutOfService,Unknown" doc:"Only load balancers that have a member in this state. While one cannot be asked, this is an error"`
	Limit  int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many load balancers at most"`
	Cursor string   `query:"cursor" doc:"The nextCursor of the page before, with the same filters"`
}

func (a *API) loadBalancers(x *exchange.Exchange, q *loadBalancersQuery) error {
	filter, err := q.filter()
	if err != nil {
		return err
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	page, more, err := a.Fleet.LoadBalancers(ctx, filter)
	if err != nil {
		return err
	}
	answer := apiv1.LoadBalancersPage{LoadBalancers: converted(page, newLoadBalancer)}
	if more && len(page) > 0 {
		answer.NextCursor = newFleetCursor(filter, page[len(page)-1].Name)
	}
	return send(x, answer)
}

// filter returns the query's filter.
func (q *loadBalancersQuery) filter() (lsapi.FleetFilter, error) {
	filter := lsapi.FleetFilter{Name: q.Name, Health: lsapi.HealthState(q.Health), Limit: q.Limit}
	if len(q.Tag) > 0 {
		filter.Tags = make(map[string]string, len(q.Tag))
	}
	for _, tag := range q.Tag {
		key, value, _ := strings.Cut(tag, "=")
		if key == "" {
			return filter, invalid(apiv1.Detail{Location: "query.tag", Message: "expected KEY=VALUE, or KEY for any value"})
		}
		if _, twice := filter.Tags[key]; twice {
			return filter, invalid(apiv1.Detail{Location: "query.tag", Message: "has the same key more than once"})
		}
		filter.Tags[key] = value
	}
	if q.Cursor != "" {
		name, ok := parseFleetCursor(filter, q.Cursor)
		if !ok {
			return filter, invalid(apiv1.Detail{Location: "query.cursor", Message: "is not the nextCursor of a page with the same filters"})
		}
		filter.After = name
	}
	return filter, nil
}

// loadBalancerParameters is what GET /v1/load-balancers/{name} takes.
type loadBalancerParameters struct {
	Name string `path:"name" pattern:"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" doc:"The name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end. Any other name is 404" example:"default-elb"`
}

func (a *API) loadBalancer(x *exchange.Exchange, in *loadBalancerParameters) error {
	return sendRead(x, func(ctx context.Context) (lsapi.PoolDetail, error) { return a.Fleet.LoadBalancer(ctx, in.Name) }, newLoadBalancerDetail)
}
