package targetgroup_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/targetgroup"
	"lsapi/internal/emulator"
	"lsapi/internal/emulator/fleet"
)

// The demo fleet's instances.
const (
	healthy     = "i-0a11ce0000000ab01"
	failing     = "i-0a11ce0000000ab02"
	stopped     = "i-0a11ce0000000ab03"
	registering = "i-0a11ce0000000ab04"
	scaled      = "i-0a11ce0000000ab05"
	spare       = "i-0bee000000000cd01"
)

// account is an emulated account.
type account struct {
	*emulator.Emulator
	clock  *clock
	client *targetgroup.Client
	sdk    *elbv2.Client // for what the Client does not do
}

// clock is a clock that moves by Advance only, between calls.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Advance(d time.Duration) { c.now = c.now.Add(d) }

func (c *clock) Sleep(context.Context, time.Duration) error { return nil }

func emulate(t *testing.T, spec string) *account {
	t.Helper()
	parsed, err := fleet.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: time.Now()}
	e, err := emulator.New(emulator.Options{Fleet: parsed, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	c.Advance(time.Minute)
	config := awstest.Configure(t, cloud.Options{Endpoint: server.URL})
	return &account{e, c, targetgroup.New(config), elbv2.NewFromConfig(config.SDK())}
}

// create creates a group and returns its id.
func (a *account) create(t *testing.T, in *elbv2.CreateTargetGroupInput) lsapi.PoolID {
	t.Helper()
	if in.TargetType != elbtypes.TargetTypeEnumLambda {
		in.Protocol, in.Port = cmp.Or(in.Protocol, elbtypes.ProtocolEnumHttp), aws.Int32(80)
		in.VpcId = must(a.sdk.DescribeTargetGroups(t.Context(), &elbv2.DescribeTargetGroupsInput{Names: []string{"web-elb"}}))(t).TargetGroups[0].VpcId
	}
	if _, err := a.sdk.CreateTargetGroup(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	return lsapi.TG(*in.Name)
}

func (a *account) arn(t *testing.T, name string) string {
	t.Helper()
	return *must(a.sdk.DescribeTargetGroups(t.Context(), &elbv2.DescribeTargetGroupsInput{Names: []string{name}}))(t).TargetGroups[0].TargetGroupArn
}

func (a *account) register(t *testing.T, pool lsapi.PoolID, members ...string) {
	t.Helper()
	if _, err := a.client.Register(t.Context(), pool, a.arn(t, pool.Name), ids(members...), nil); err != nil {
		t.Fatal(err)
	}
}

func (a *account) deregister(t *testing.T, pool lsapi.PoolID, members ...string) {
	t.Helper()
	if _, err := a.client.Deregister(t.Context(), pool, a.arn(t, pool.Name), ids(members...), nil); err != nil {
		t.Fatal(err)
	}
}

func (a *account) members(t *testing.T, pool lsapi.PoolID) string {
	t.Helper()
	read, err := a.client.Members(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(fmt.Sprint(read.Members), "[]")
}

// must returns a function that returns a value, or fails the test for an error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func ids(texts ...string) []lsapi.MemberID {
	all := make([]lsapi.MemberID, len(texts))
	for i, text := range texts {
		if err := all[i].UnmarshalText([]byte(text)); err != nil {
			panic(err)
		}
	}
	return all
}

func TestPoolsAreListedInPagesAndDescribed(t *testing.T) {
	a := emulate(t, "tg:450x0")
	pages, pools := 0, make(map[string]lsapi.Pool)
	for page, err := range a.client.Pools(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, pool := range page {
			pools[pool.ID.Name] = pool
		}
	}
	if pages != 2 || len(pools) != 450 {
		t.Errorf("%d pools on %d pages", len(pools), pages)
	}
	// Their ARNs are remembered.
	calls := a.Calls()["DescribeTargetGroups"]
	a.members(t, lsapi.TG(fleet.GroupName(450)))
	if again := a.Calls()["DescribeTargetGroups"]; again != calls {
		t.Errorf("%d more calls of DescribeTargetGroups", again-calls)
	}
}

func TestPoolHasItsDescription(t *testing.T) {
	a := emulate(t, "demo")
	a.create(t, &elbv2.CreateTargetGroupInput{Name: aws.String("lambda"), TargetType: elbtypes.TargetTypeEnumLambda})
	found := make(map[lsapi.PoolID]lsapi.Pool)
	for page, err := range a.client.Pools(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, pool := range page {
			found[pool.ID] = pool
		}
	}
	web := found[lsapi.TG("web-elb")]
	if !web.MembersUnlisted || web.Members != nil || len(web.Description.LoadBalancers) != 1 || web.Description.VPCID == "" {
		t.Fatalf("got %+v, %+v", web, web.Description)
	}
	want := &lsapi.Description{
		ARN: a.arn(t, "web-elb"), TargetType: lsapi.TargetInstance, Port: 8080, Protocol: "HTTP",
		LoadBalancers: web.Description.LoadBalancers, VPCID: web.Description.VPCID,
		HealthCheck: lsapi.HealthCheck{Target: "HTTP:traffic-port/", Interval: 5 * time.Second, Timeout: 2 * time.Second, UnhealthyThreshold: 2, HealthyThreshold: 2, Matcher: "200"},
	}
	if !reflect.DeepEqual(web.Description, want) {
		t.Errorf("got %+v, want %+v", web.Description, want)
	}
	lambda := found[lsapi.TG("lambda")].Description
	if lambda.TargetType != lsapi.TargetLambda || lambda.Port != 0 || lambda.Protocol != "" || lambda.HealthCheck != (lsapi.HealthCheck{}) {
		t.Errorf("a group for a function is described as %+v", lambda)
	}
}

func TestHealthHasEveryTarget(t *testing.T) {
	a := emulate(t, "demo")
	web := lsapi.TG("web-elb")
	a.register(t, web, spare+":8080", spare+":9000")
	a.clock.Advance(time.Minute)
	a.deregister(t, web, spare+":9000")
	const unused = "Target.InvalidState"
	want := []lsapi.MemberHealth{
		{Member: ids(healthy + ":8080")[0], State: lsapi.InService, AWSState: "healthy"},
		{Member: ids(failing + ":8080")[0], State: lsapi.OutOfService, AWSState: "unhealthy", Reason: "Target.FailedHealthChecks", Description: "Health checks failed"},
		{Member: ids(stopped + ":8080")[0], State: lsapi.OutOfService, AWSState: "unused", Reason: unused, Description: "Target is in the stopped state"},
		{Member: ids(registering + ":8080")[0], State: lsapi.OutOfService, AWSState: "initial", Reason: "Elb.RegistrationInProgress", Description: "Target registration is in progress"},
		{Member: ids(scaled + ":8080")[0], State: lsapi.InService, AWSState: "healthy"},
		{Member: ids(spare + ":8080")[0], State: lsapi.InService, AWSState: "healthy"},
		{Member: ids(spare + ":9000")[0], State: lsapi.OutOfService, AWSState: "draining", Reason: "Target.DeregistrationInProgress", Description: "Target deregistration is in progress", Draining: true},
	}
	got, whole, err := a.client.Health(t.Context(), web)
	if err != nil || !whole || !slices.Equal(got.Health, want) || got.Incarnation == "" {
		t.Errorf("got %+v, %t, %v", got, whole, err)
	}
	if got := a.members(t, web); strings.Contains(got, ":9000") || !strings.Contains(got, spare+":8080") || len(strings.Fields(got)) != 6 {
		t.Errorf("the members are %s", got)
	}
	calls := a.Calls()["DescribeTargetHealth"]
	of, err := a.client.HealthOf(t.Context(), web, ids(spare+":9000", healthy+":1", failing+":8080"))
	if err != nil || !slices.Equal(of, []lsapi.MemberHealth{want[1], want[6]}) || a.Calls()["DescribeTargetHealth"] != calls+1 {
		t.Errorf("of three it is %+v, %v", of, err)
	}
}

func TestDeregisterWithAnotherPortDoesNothing(t *testing.T) {
	a := emulate(t, "demo")
	admin := lsapi.TG("web-admin")
	before := a.members(t, admin)
	a.deregister(t, admin, healthy+":8080")
	if got := a.members(t, admin); got != before {
		t.Errorf("the members are %s, want %s", got, before)
	}
	a.deregister(t, admin, healthy+":9090")
	if got := a.members(t, admin); got != scaled+":9090" {
		t.Errorf("the members are %s", got)
	}
}

// remake deletes a group and makes another one under its name.
func (a *account) remake(t *testing.T, pool lsapi.PoolID) {
	t.Helper()
	old := a.arn(t, pool.Name)
	must(a.sdk.DeleteTargetGroup(t.Context(), &elbv2.DeleteTargetGroupInput{TargetGroupArn: &old}))(t)
	a.create(t, &elbv2.CreateTargetGroupInput{Name: &pool.Name})
	if a.arn(t, pool.Name) == old {
		t.Fatal("it has the same ARN")
	}
}

func TestGroupMadeAgainIsResolvedByItsName(t *testing.T) {
	a := emulate(t, "demo")
	shop := a.create(t, &elbv2.CreateTargetGroupInput{Name: aws.String("shop")})
	a.register(t, shop, spare+":80")
	a.remake(t, shop)
	if got := a.members(t, shop); got != "" { // within one call
		t.Errorf("the members are %s", got)
	}
	// A change is for the group that was read, and is not made in the other, although
	// another caller has read that since.
	stale := a.arn(t, shop.Name)
	a.remake(t, shop)
	a.members(t, shop)
	if _, err := a.client.Register(t.Context(), shop, stale, ids(spare+":80"), nil); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
		t.Errorf("a change returns %v", err)
	}
	if got := a.members(t, shop); got != "" {
		t.Errorf("after it the members are %s", got)
	}
	a.register(t, shop, spare+":80")
	if got := a.members(t, shop); got != spare+":80" {
		t.Errorf("the members are %s", got)
	}
	arn := a.arn(t, "shop")
	must(a.sdk.DeleteTargetGroup(t.Context(), &elbv2.DeleteTargetGroupInput{TargetGroupArn: &arn}))(t)
	for range 2 {
		if _, err := a.client.Members(t.Context(), shop); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("a deleted group returns %v", err)
		}
	}
}

func TestListingForgetsDeletedGroups(t *testing.T) {
	a := emulate(t, "demo")
	shop := a.create(t, &elbv2.CreateTargetGroupInput{Name: aws.String("shop")})
	a.members(t, shop)
	arn := a.arn(t, "shop")
	must(a.sdk.DeleteTargetGroup(t.Context(), &elbv2.DeleteTargetGroupInput{TargetGroupArn: &arn}))(t)
	for _, err := range a.client.Pools(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	calls := a.Calls()["DescribeTargetHealth"]
	if _, err := a.client.Members(t.Context(), shop); lsapi.ErrorCode(err) != lsapi.CodeNotFound || a.Calls()["DescribeTargetHealth"] != calls {
		t.Errorf("got %v after %d reads", err, a.Calls()["DescribeTargetHealth"]-calls)
	}
}

func TestAddressOutsideTheVPCIsRegisteredForAllZones(t *testing.T) {
	a := emulate(t, "demo")
	addresses := a.create(t, &elbv2.CreateTargetGroupInput{Name: aws.String("addresses"), TargetType: elbtypes.TargetTypeEnumIp})
	a.register(t, addresses, "10.9.9.9:80")
	a.register(t, addresses, "192.168.1.7:80", "192.168.1.8:8080")
	if calls := a.Calls()["RegisterTargets"]; calls != 3 {
		t.Errorf("%d calls, want 3: the zone is needed only after a refusal", calls)
	}
	if got := a.members(t, addresses); got != "10.9.9.9:80 192.168.1.7:80 192.168.1.8:8080" {
		t.Errorf("the members are %s", got)
	}
	a.register(t, addresses, "192.168.1.7:80", "10.9.9.9:80")
	if calls := a.Calls()["RegisterTargets"]; calls != 4 {
		t.Errorf("%d calls, want 4: its zone is known", calls)
	}
	a.deregister(t, addresses, "192.168.1.7:80", "10.9.9.9:80")
	if got := a.members(t, addresses); got != "192.168.1.8:8080" {
		t.Errorf("the members are %s", got)
	}
	calls := a.Calls()["RegisterTargets"]
	for range 2 { // without a read in between
		a.register(t, addresses, "192.168.1.9:80")
	}
	if got := a.Calls()["RegisterTargets"] - calls; got != 3 {
		t.Errorf("%d calls, want 3: its zone is known after the first two", got)
	}
	refused := []lsapi.MemberID{{Address: netip.MustParseAddr("8.8.8.8"), Port: 80}}
	if _, err := a.client.Register(t.Context(), addresses, a.arn(t, addresses.Name), refused, nil); lsapi.ErrorCode(err) != lsapi.CodeInvalid {
		t.Errorf("a public address is refused with %v", err)
	}
}

func TestFunctionsAndLoadBalancersAreShownByTheirNames(t *testing.T) {
	a := emulate(t, "demo")
	function := a.create(t, &elbv2.CreateTargetGroupInput{Name: aws.String("function"), TargetType: elbtypes.TargetTypeEnumLambda})
	balancer := a.create(t, &elbv2.CreateTargetGroupInput{Name: aws.String("balancer"), TargetType: elbtypes.TargetTypeEnumAlb, Protocol: elbtypes.ProtocolEnumTcp})
	alb := *must(a.sdk.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{}))(t).LoadBalancers[0].LoadBalancerArn
	_, id, _ := strings.Cut(alb, "loadbalancer/app/web-alb/")
	for pool, test := range map[lsapi.PoolID]struct{ arn, want string }{
		function: {"arn:aws:lambda:us-east-1:123456789012:function:shop:live", "function/shop/live"},
		balancer: {alb, "loadbalancer/app/web-alb/" + id + ":80"},
	} {
		target := []elbtypes.TargetDescription{{Id: &test.arn}}
		must(a.sdk.RegisterTargets(t.Context(), &elbv2.RegisterTargetsInput{TargetGroupArn: aws.String(a.arn(t, pool.Name)), Targets: target}))(t)
		members := must(a.client.Members(t.Context(), pool))(t).Members
		if len(members) != 1 || members[0].String() != test.want {
			t.Fatalf("got %v, want %s", members, test.want)
		}
		var parsed lsapi.MemberID
		if err := parsed.UnmarshalText([]byte(test.want)); err != nil || parsed != members[0] {
			t.Errorf("it is read back as %+v, %v", parsed, err)
		}
		if _, ok := lsapi.ParseMemberID(test.want); ok {
			t.Errorf("%s can be changed", test.want)
		}
	}
}

func TestThousandTargetsAreReadAndNoMoreFit(t *testing.T) {
	a := emulate(t, "tg:1x1000")
	pool := lsapi.TG(fleet.GroupName(1))
	read := must(a.client.Members(t.Context(), pool))(t)
	if len(read.Members) != 1000 || len(read.Health) != 1000 || !slices.IsSortedFunc(read.Health, func(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) }) {
		t.Errorf("got %d members, %d with health", len(read.Members), len(read.Health))
	}
	another := []lsapi.MemberID{{Instance: read.Members[0].Instance, Port: 9999}}
	_, err := a.client.Register(t.Context(), pool, read.Incarnation, another, nil)
	if e := lsapi.AsError(err); e.Code != lsapi.CodeInvalid || e.Reason != "TooManyTargets" || e.Ambiguous {
		t.Errorf("got %+v", e)
	}
}

func TestAttributesHaveTheDeregistrationDelay(t *testing.T) {
	a := emulate(t, "demo")
	for name, want := range map[string]lsapi.Attributes{
		"web-elb":   {Draining: true, DrainingTimeout: 10 * time.Second},
		"web-admin": {},
	} {
		if got, err := a.client.Attributes(t.Context(), lsapi.TG(name)); err != nil || got != want {
			t.Errorf("%s has %+v, %v", name, got, err)
		}
	}
	if _, err := a.client.Attributes(t.Context(), lsapi.TG("none")); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
		t.Errorf("without the group: %v", err)
	}
}

func TestTagsReadsTwentyGroupsACall(t *testing.T) {
	a := emulate(t, "tg:45x0")
	var pools []lsapi.PoolID
	for i := range 45 {
		pools = append(pools, lsapi.TG(fleet.GroupName(i+1)))
	}
	for range 2 {
		tags, err := a.client.Tags(t.Context(), pools)
		if err != nil || len(tags) != 45 {
			t.Fatalf("they are %v, %v", tags, err)
		}
	}
	if calls := a.Calls(); calls["DescribeTags"] != 6 || calls["DescribeTargetGroups"] != 3 {
		t.Errorf("45 groups took %v", calls)
	}
	if _, err := a.client.Tags(t.Context(), append(pools, lsapi.TG("none"))); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
		t.Errorf("with a group that does not exist: %v", err)
	}
	demo := emulate(t, "demo")
	tags, err := demo.client.Tags(t.Context(), []lsapi.PoolID{lsapi.TG("web-admin"), lsapi.TG("web-elb")})
	if err != nil || tags[lsapi.TG("web-admin")]["Name"] != "web-admin" || tags[lsapi.TG("web-elb")]["Name"] != "web-elb" {
		t.Errorf("they are %v, %v", tags, err)
	}
}

func TestRoutesAreTheRulesOfTheGroup(t *testing.T) {
	a := emulate(t, "demo")
	web := func(name string) string {
		return fmt.Sprintf("%+v", must(a.client.Routes(t.Context(), lsapi.TG(name)))(t))
	}
	balancer := must(a.sdk.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{}))(t).LoadBalancers[0].LoadBalancerArn
	admin := []lsapi.Route{
		{LoadBalancer: *balancer, Protocol: "HTTP", Port: 80, Priority: 1, Conditions: []string{"path-pattern /admin or /admin/*"}},
		{LoadBalancer: *balancer, Protocol: "HTTP", Port: 80, Priority: 2, Conditions: []string{"host-header admin.example.com"}},
	}
	if got, want := web("web-admin"), fmt.Sprintf("%+v", admin); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := web("web-elb"), fmt.Sprintf("%+v", []lsapi.Route{{LoadBalancer: *balancer, Protocol: "HTTP", Port: 80}}); got != want {
		t.Errorf("the default is %s, want %s", got, want)
	}
	lonely := a.create(t, &elbv2.CreateTargetGroupInput{Name: aws.String("lonely")})
	if routes, err := a.client.Routes(t.Context(), lonely); err != nil || routes != nil {
		t.Errorf("a group without routes has %+v, %v", routes, err)
	}
	if _, err := a.client.Routes(t.Context(), lsapi.TG("none")); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
		t.Errorf("without the group: %v", err)
	}
}

func TestPermissionsAreTriedWithoutChange(t *testing.T) {
	a := emulate(t, "demo")
	permissions := a.client.Permissions(t.Context())
	if len(permissions) != 7 {
		t.Errorf("%d are tried", len(permissions))
	}
	for _, p := range permissions {
		if p.Err != nil {
			t.Errorf("%s: %v", p.Action, p.Err)
		}
		_, action, _ := strings.Cut(p.Action, ":")
		if err := a.AddFault(emulator.Fault{Action: action, Kind: emulator.FaultDenied, Count: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range a.client.Permissions(t.Context()) {
		if lsapi.ErrorCode(p.Err) != lsapi.CodeForbidden {
			t.Errorf("%s is denied with %v", p.Action, p.Err)
		}
	}
}

func TestProbeMakesOneCall(t *testing.T) {
	a := emulate(t, "demo")
	if err := a.client.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.AddFault(emulator.Fault{Action: "DescribeTargetGroups", Kind: emulator.FaultDenied, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if err := a.client.Probe(t.Context()); lsapi.ErrorCode(err) != lsapi.CodeForbidden || a.Calls()["DescribeTargetGroups"] != 2 {
		t.Errorf("got %v after %v", err, a.Calls())
	}
}
