package web_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// fleets is a v1.Fleet in memory. It fails when its record does.
type fleets struct {
	record *records

	mu      sync.Mutex
	filters []lsapi.FleetFilter // of all calls
	fresh   int                 // number of fresh reads
	version atomic.Uint64
	// outdated are the kinds that are not listed.
	outdated []lsapi.KindListing
	asked    atomic.Int64 // calls of Instance
	// await, when it is set, is what waiting is.
	await func(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error)
	// reports, when it is set, is what a wait that is reported is.
	reports func(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition, report func(lsapi.MemberDetail)) (lsapi.MemberDetail, error)
}

// shownNames are the listed load balancers.
var shownNames = []lsapi.PoolID{lsapi.ELB("default-elb"), lsapi.ELB("empty-elb"), lsapi.ELB("old-elb"), lsapi.TG("cold"), lsapi.TG("shop")}

func (f *fleets) Pools(ctx context.Context, filter lsapi.FleetFilter) (page lsapi.PoolsPage, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filters = append(f.filters, filter)
	if err := f.record.failure(ctx); err != nil {
		return page, err
	}
	if filter.Limit < 1 {
		return page, lsapi.Errorf(lsapi.CodeInternal, "there is no page of %d", filter.Limit)
	}
	page.Outdated = f.outdated
	for _, pool := range shownNames {
		if pool.Compare(filter.After) <= 0 || filter.Name != "" && filter.Name != pool.Name {
			continue
		}
		if len(page.Pools) == filter.Limit {
			page.More = true
			return page, nil
		}
		page.Pools = append(page.Pools, shown(pool).PoolSummary)
	}
	return page, nil
}

func (f *fleets) Pool(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.PoolDetail, error) {
	f.noteFresh(fresh)
	if err := f.record.failure(ctx); err != nil {
		return lsapi.PoolDetail{}, err
	}
	if !slices.Contains(shownNames, pool) {
		return lsapi.PoolDetail{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer %s", pool.Name)
	}
	return shown(pool), nil
}

// Guard returns a guard of default-elb that allows something, and one of other pools that
// lacks the health.
func (f *fleets) Guard(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.PoolGuard, error) {
	detail, err := f.Pool(ctx, pool, fresh)
	if err != nil {
		return lsapi.PoolGuard{}, err
	}
	two, room := 2, 0
	rules := []lsapi.GuardRule{
		{Kind: "minInService", Text: "minInService 50%", Number: &two, Source: "policy.yaml:4"},
		{Kind: "freeze", Text: "freeze from 2026-12-24T00:00:00Z", Source: "tag lsapi:freeze"},
	}
	if pool.Name != "default-elb" {
		rules[0].Number = nil
		return lsapi.PoolGuard{Pool: pool, Rules: rules, Unknown: lsapi.GuardHealth, Headroom: &room, AsOf: detail.AsOf}, nil
	}
	return lsapi.PoolGuard{
		Pool: pool, Rules: rules, Frozen: true, InService: 1, Out: 2, Headroom: &room, AsOf: detail.AsOf, HealthAsOf: detail.AsOf,
		Members: []lsapi.GuardedMember{
			{Member: lsapi.InstanceMember(running), Zone: "us-east-1a", Standing: lsapi.StandingInService},
			{Member: lsapi.InstanceMember(spare), Standing: lsapi.StandingDetached},
		},
	}, nil
}

// noteFresh counts the fresh reads.
func (f *fleets) noteFresh(fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fresh {
		f.fresh++
	}
}

// Members returns the attached members in the reverse of their order as text.
func (f *fleets) Members(ctx context.Context, pool lsapi.PoolID, fresh bool) (members []lsapi.Member, asOf time.Time, err error) {
	b, err := f.Pool(ctx, pool, fresh)
	for _, m := range b.Members {
		if m.Member {
			members = append(members, lsapi.Member{ID: m.ID, Instance: m.Instance})
		}
	}
	slices.SortFunc(members, func(a, b lsapi.Member) int { return b.ID.Compare(a.ID) })
	return members, time.Now().Add(-1500 * time.Millisecond), err
}

// Version grows with the changes of a test.
func (f *fleets) Version() uint64 { return f.version.Load() }

// Instance knows the instances of default-elb, and spare without memberships.
func (f *fleets) Instance(ctx context.Context, instanceID string, fresh bool) (lsapi.InstanceDetail, error) {
	f.asked.Add(1)
	b, err := f.Pool(ctx, lsapi.ELB("default-elb"), fresh)
	if err != nil {
		return lsapi.InstanceDetail{}, err
	}
	if instanceID == "i-00000000" {
		return lsapi.InstanceDetail{}, lsapi.Errorf(lsapi.CodeNotFound, "EC2 has no such instance")
	}
	detail := lsapi.InstanceDetail{Instance: instance(lsapi.InstanceMember(instanceID)), Whole: !fresh}
	if fresh {
		detail.Unread = []lsapi.PoolID{lsapi.ELB("old-elb")}
	}
	for _, m := range b.Members {
		if m.ID.Instance == instanceID {
			detail.Instance = m.Instance
			detail.Memberships = []lsapi.InstanceMembership{{Pool: lsapi.ELB("default-elb"), MemberDetail: m, AsOf: b.AsOf, HealthAsOf: b.HealthAsOf}}
		}
	}
	return detail, nil
}

func (f *fleets) Member(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, fresh bool) (lsapi.MemberDetail, error) {
	b, err := f.Pool(ctx, pool, fresh)
	for _, m := range b.Members {
		if m.ID == member {
			return m, nil
		}
	}
	if err == nil {
		err = lsapi.Errorf(lsapi.CodeNotFound, "it is no member")
	}
	return lsapi.MemberDetail{}, err
}

func (f *fleets) Await(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error) {
	if f.await != nil {
		return f.await(ctx, pool, member, condition)
	}
	return f.Member(ctx, pool, member, false)
}

// AwaitReporting reports nothing, unless reports is set.
func (f *fleets) AwaitReporting(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition, report func(lsapi.MemberDetail)) (lsapi.MemberDetail, error) {
	if f.reports != nil {
		return f.reports(ctx, pool, member, condition, report)
	}
	return f.Await(ctx, pool, member, condition)
}

// shown is a load balancer of that name. That of default-elb has everything,
// empty-elb nothing that it need not have, and old-elb a record that is away.
func shown(pool lsapi.PoolID) lsapi.PoolDetail {
	asOf := epoch.Add(time.Hour)
	b := lsapi.PoolDetail{PoolSummary: lsapi.PoolSummary{ID: pool, AsOf: asOf}}
	if pool.Kind == lsapi.KindTG {
		return shownGroup(pool)
	}
	if pool == lsapi.ELB("empty-elb") {
		return b
	}
	away := strings.HasPrefix(pool.Name, "old")
	failing := &lsapi.MemberHealth{Member: lsapi.InstanceMember(gone), State: lsapi.OutOfService, Reason: "Instance", Description: "Instance has failed <checks>."}
	drained := &lsapi.MemberHealth{Member: lsapi.InstanceMember(spare), State: lsapi.InService, Reason: "N/A", Description: "Instance deregistration currently in progress.", Draining: true}
	serving := &lsapi.MemberHealth{Member: lsapi.InstanceMember(running), State: lsapi.InService, Reason: "N/A", Description: "N/A"}
	b.Description = &lsapi.Description{
		DNSName: pool.Name + ".example.com", Scheme: "internal", VPCID: "vpc-0a1b2c3d4e5f60718", Zones: []string{"us-east-1a", "us-east-1b"}, CreatedAt: epoch.Add(-time.Hour),
		Listeners: []lsapi.Listener{
			{Protocol: "HTTP", Port: 80, InstanceProtocol: "HTTP", InstancePort: 8000},
			{Protocol: "SSL", Port: 443, InstanceProtocol: "TCP", InstancePort: 8443, Certificate: "arn:aws:iam::1:server-certificate/x"},
		},
		HealthCheck: lsapi.HealthCheck{Target: "HTTP:8000/?a&b", Interval: 30 * time.Second, Timeout: 5 * time.Second, UnhealthyThreshold: 2, HealthyThreshold: 10},
	}
	b.MemberCount = 2
	b.Members = []lsapi.MemberDetail{
		{ID: lsapi.InstanceMember(running), Instance: instance(lsapi.InstanceMember(running)), Member: true, Health: serving},
		{ID: lsapi.InstanceMember(gone), Instance: instance(lsapi.InstanceMember(gone)), Member: true, Health: failing},
	}
	described := &b.Members[0].Instance
	described.Zone, described.PrivateAddress, described.Name = "us-east-1a", "10.0.1.17", "web-1"
	if away {
		b.Members[0].History.Unavailable, b.Members[1].History.Unavailable = true, true
		b.Members[0].Health, b.Members[1].Health = nil, nil
		return b
	}
	b.Tags = map[string]string{"team": "web", "stage": ""}
	b.Health, b.HealthAsOf = &lsapi.HealthCounts{InService: 1, OutOfService: 1, Draining: 1}, asOf.Add(-time.Second)
	b.Attributes = &lsapi.Attributes{Draining: true, DrainingTimeout: 5 * time.Minute, CrossZone: true, IdleTimeout: time.Minute}
	b.Members = append(b.Members, lsapi.MemberDetail{ID: lsapi.InstanceMember(spare), Instance: instance(lsapi.InstanceMember(spare)), Health: drained})
	changes := story().changes
	b.Members[0].History = lsapi.MemberHistory{Member: true, Since: epoch, LastChange: &changes[3], Health: serving, HealthSince: epoch.Add(time.Minute)}
	other := *failing
	other.Description = "Instance is in stopped state."
	b.Members[1].History = lsapi.MemberHistory{Member: true, LastChange: &changes[0], Health: &other, HealthSince: epoch}
	return b
}

// shownGroup is a target group of that name: cold has not been read yet, and nobody is in
// service in shop.
func shownGroup(pool lsapi.PoolID) lsapi.PoolDetail {
	const shopALB, internalNLB = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/shop/50dc6c495c0c9188", "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/net/internal/60dc6c495c0c9188"
	b := lsapi.PoolDetail{PoolSummary: lsapi.PoolSummary{ID: pool, Description: &lsapi.Description{
		ARN: "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/" + pool.Name + "/70dc6c495c0c9188", TargetType: lsapi.TargetInstance, Port: 8080, Protocol: "HTTP", VPCID: "vpc-0a1b2c3d4e5f60718",
		LoadBalancers: []string{shopALB, internalNLB},
		HealthCheck:   lsapi.HealthCheck{Target: "HTTP:traffic-port/healthcheck", Interval: 15 * time.Second, Timeout: 5 * time.Second, UnhealthyThreshold: 2, HealthyThreshold: 5, Matcher: "200-299"},
	}}}
	if pool.Name == "cold" {
		return b
	}
	failing := &lsapi.MemberHealth{State: lsapi.OutOfService, AWSState: "unhealthy", Reason: "Target.Timeout", Description: "Request timed out"}
	draining := &lsapi.MemberHealth{State: lsapi.OutOfService, AWSState: "draining", Reason: "Target.DeregistrationInProgress", Description: "Target deregistration is in progress", Draining: true}
	weight := 1
	b.AsOf, b.HealthAsOf, b.MemberCount, b.Health = epoch.Add(time.Hour), epoch.Add(time.Hour), 2, &lsapi.HealthCounts{OutOfService: 2, Draining: 1}
	b.Attributes = &lsapi.Attributes{Draining: true, DrainingTimeout: 5 * time.Minute}
	b.Routes = []lsapi.Route{
		{LoadBalancer: internalNLB, Protocol: "TCP", Port: 8080},
		{LoadBalancer: shopALB, Protocol: "HTTPS", Port: 443, Priority: 10, Conditions: []string{"path-pattern /api/*"}, Weight: &weight},
	}
	b.Members = []lsapi.MemberDetail{
		{ID: lsapi.MemberID{Instance: scaled, Port: 8080}, Instance: instance(lsapi.InstanceMember(scaled)), Member: true, Health: failing},
		{ID: lsapi.MemberID{Address: netip.MustParseAddr("2001:db8::7"), Port: 8081}, Member: true, Health: failing},
		{ID: lsapi.MemberID{Instance: running, Port: 9090}, Instance: instance(lsapi.InstanceMember(running)), Health: draining},
	}
	return b
}
