package emulator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi/internal/emulator/account"
)

// creatingV2 returns a request for a plain Application Load Balancer.
func creatingV2(name string) *elasticloadbalancingv2.CreateLoadBalancerInput {
	return &elasticloadbalancingv2.CreateLoadBalancerInput{
		Name: &name, Subnets: []string{account.SubnetOf("us-east-1a"), account.SubnetOf("us-east-1b")},
	}
}

// creatingGroup returns a request for a plain target group of instances.
func creatingGroup(name string) *elasticloadbalancingv2.CreateTargetGroupInput {
	return &elasticloadbalancingv2.CreateTargetGroupInput{
		Name: &name, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String(account.VPCID),
	}
}

// balancer creates an Application Load Balancer and returns its ARN.
func (a *testAccount) balancer(t *testing.T, name string) string {
	t.Helper()
	out := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), creatingV2(name)))
	return *out.LoadBalancers[0].LoadBalancerArn
}

// group creates a target group and returns its ARN.
func (a *testAccount) group(t *testing.T, in *elasticloadbalancingv2.CreateTargetGroupInput) string {
	t.Helper()
	out := must[*elasticloadbalancingv2.CreateTargetGroupOutput](t)(a.elbv2.CreateTargetGroup(t.Context(), in))
	return *out.TargetGroups[0].TargetGroupArn
}

// listening returns a request for a listener that forwards to a target group.
func listening(balancer string, port int32, group string) *elasticloadbalancingv2.CreateListenerInput {
	return &elasticloadbalancingv2.CreateListenerInput{
		LoadBalancerArn: &balancer, Port: &port, Protocol: types.ProtocolEnumHttp,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &group}},
	}
}

// listen creates a listener and returns its ARN.
func (a *testAccount) listen(t *testing.T, balancer string, port int32, group string) string {
	t.Helper()
	out := must[*elasticloadbalancingv2.CreateListenerOutput](t)(a.elbv2.CreateListener(t.Context(), listening(balancer, port, group)))
	return *out.Listeners[0].ListenerArn
}

// groupNames returns the names of the target groups that a describe shows.
func groupNames(out *elasticloadbalancingv2.DescribeTargetGroupsOutput) []string {
	var names []string
	for _, g := range out.TargetGroups {
		names = append(names, *g.TargetGroupName)
	}
	return names
}

func TestVersionSelectsLoadBalancerAPI(t *testing.T) {
	a := start(t, Options{})
	must[*elb.CreateLoadBalancerOutput](t)(a.elb.CreateLoadBalancer(t.Context(), creating("web")))
	a.balancer(t, "web")
	classic := must[*elb.DescribeLoadBalancersOutput](t)(a.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{}))
	modern := must[*elasticloadbalancingv2.DescribeLoadBalancersOutput](t)(a.elbv2.DescribeLoadBalancers(t.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{}))
	if len(classic.LoadBalancerDescriptions) != 1 || len(modern.LoadBalancers) != 1 {
		t.Errorf("%d Classic and %d other load balancers, want one of each", len(classic.LoadBalancerDescriptions), len(modern.LoadBalancers))
	}
}

func TestV2LoadBalancerBecomesActive(t *testing.T) {
	a := start(t, Options{})
	out := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), creatingV2("web")))
	created := out.LoadBalancers[0]
	got := fmt.Sprint(strings.HasPrefix(*created.LoadBalancerArn, "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/"),
		" ", created.State.Code, " ", created.Type, " ", created.Scheme, " ", *created.VpcId == account.VPCID, " ", created.SecurityGroups,
		" ", *created.AvailabilityZones[1].ZoneName, " ", *created.AvailabilityZones[1].SubnetId, " ", created.CreatedTime.Equal(a.clock.Now()))
	if want := "true provisioning application internet-facing true [" + account.SecurityGroupID + "] us-east-1b subnet-0000000000000000b true"; got != want {
		t.Errorf("created %s, want %s", got, want)
	}
	waiter := elasticloadbalancingv2.NewLoadBalancerAvailableWaiter(a.elbv2, func(o *elasticloadbalancingv2.LoadBalancerAvailableWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, time.Millisecond
		retryable := o.Retryable
		o.Retryable = func(ctx context.Context, in *elasticloadbalancingv2.DescribeLoadBalancersInput, out *elasticloadbalancingv2.DescribeLoadBalancersOutput, err error) (bool, error) {
			a.clock.Advance(500 * time.Millisecond)
			return retryable(ctx, in, out, err)
		}
	})
	if err := waiter.Wait(t.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"web"}}, time.Minute); err != nil {
		t.Error(err)
	}
	if calls := a.Calls()["DescribeLoadBalancers"]; calls != 3 {
		t.Errorf("%d calls until the load balancer was active, want 3: after 0, 500 and 1,000 ms", calls)
	}
}

func TestNetworkLoadBalancerHasOneZone(t *testing.T) {
	a := start(t, Options{})
	in := creatingV2("net")
	in.Type, in.Subnets, in.Scheme = types.LoadBalancerTypeEnumNetwork, in.Subnets[:1], types.LoadBalancerSchemeEnumInternal
	out := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), in))
	if b := out.LoadBalancers[0]; len(b.AvailabilityZones) != 1 || !strings.Contains(*b.LoadBalancerArn, "/net/net/") || b.Type != types.LoadBalancerTypeEnumNetwork {
		t.Errorf("created %+v", b)
	}
}

func TestCreateV2LoadBalancerIsIdempotentForSameSettings(t *testing.T) {
	a := start(t, Options{})
	if first, second := a.balancer(t, "same"), a.balancer(t, "same"); first != second {
		t.Error("the second request created another load balancer")
	}
	other := creatingV2("same")
	other.Scheme = types.LoadBalancerSchemeEnumInternal
	_, err := a.elbv2.CreateLoadBalancer(t.Context(), other)
	wantCode(t, err, "DuplicateLoadBalancerName", "A load balancer with the same name 'same' exists, but with different settings")
}

func TestCreateV2LoadBalancerRejectsInvalidRequests(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*elasticloadbalancingv2.CreateLoadBalancerInput)
		code, message string
	}{
		"a long name": {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) {
			in.Name = aws.String(strings.Repeat("x", 33))
		},
			"ValidationError", "The load balancer name '" + strings.Repeat("x", 33) + "' cannot be longer than '32' characters"},
		"a bad name":        {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Name = aws.String("x_y") }, "ValidationError", ""},
		"a hyphen at last":  {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Name = aws.String("x-") }, "ValidationError", ""},
		"a reserved prefix": {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Name = aws.String("internal-x") }, "ValidationError", ""},
		"another type":      {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Type = "gateway" }, "ValidationError", ""},
		"no subnet":         {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Subnets = nil }, "ValidationError", ""},
		"one subnet": {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Subnets = in.Subnets[:1] },
			"ValidationError", "At least two subnets in two different Availability Zones must be specified"},
		"the same zone twice": {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Subnets[1] = in.Subnets[0] },
			"InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone"},
		"an unknown subnet": {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) { in.Subnets[0] = "subnet-1" }, "SubnetNotFound", ""},
		"a tag twice": {func(in *elasticloadbalancingv2.CreateLoadBalancerInput) {
			in.Tags = []types.Tag{{Key: aws.String("a")}, {Key: aws.String("a")}}
		}, "DuplicateTagKeys", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := creatingV2("new")
			c.change(in)
			_, err := start(t, Options{}).elbv2.CreateLoadBalancer(t.Context(), in)
			wantCode(t, err, c.code, c.message)
		})
	}
}

func TestDescribeV2LoadBalancersFindsByNameAndARN(t *testing.T) {
	a := start(t, Options{})
	arn := a.balancer(t, "web")
	a.balancer(t, "api")
	describe := func(in elasticloadbalancingv2.DescribeLoadBalancersInput) (names []string, err error) {
		out, err := a.elbv2.DescribeLoadBalancers(t.Context(), &in)
		if err != nil {
			return nil, err
		}
		for _, b := range out.LoadBalancers {
			names = append(names, *b.LoadBalancerName)
		}
		return names, nil
	}
	if got := must[[]string](t)(describe(elasticloadbalancingv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{arn}})); !slices.Equal(got, []string{"web"}) {
		t.Errorf("by ARN: %v", got)
	}
	if got := must[[]string](t)(describe(elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"web", "api"}})); !slices.Equal(got, []string{"web", "api"}) {
		t.Errorf("by name: %v", got)
	}
	_, err := describe(elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"web", "nope"}})
	wantCode(t, err, "LoadBalancerNotFound", "Load balancers '[nope]' not found")
	_, err = describe(elasticloadbalancingv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{arn + "0"}})
	wantCode(t, err, "LoadBalancerNotFound", "One or more load balancers not found")
	_, err = describe(elasticloadbalancingv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{"web"}})
	wantCode(t, err, "ValidationError", "'web' is not a valid load balancer ARN")
}

func TestDeleteV2LoadBalancerDeletesItsListeners(t *testing.T) {
	a := start(t, Options{})
	balancer, group := a.balancer(t, "web"), a.group(t, creatingGroup("shop"))
	listener := a.listen(t, balancer, 80, group)
	for range 2 {
		must[*elasticloadbalancingv2.DeleteLoadBalancerOutput](t)(a.elbv2.DeleteLoadBalancer(t.Context(), &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: &balancer}))
	}
	_, err := a.elbv2.DescribeListeners(t.Context(), &elasticloadbalancingv2.DescribeListenersInput{ListenerArns: []string{listener}})
	wantCode(t, err, "ListenerNotFound", "One or more listeners not found")
	must[*elasticloadbalancingv2.DeleteTargetGroupOutput](t)(a.elbv2.DeleteTargetGroup(t.Context(), &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: &group}))
	if again := a.balancer(t, "web"); again == balancer {
		t.Error("the new load balancer has the ARN of the deleted one")
	}
}

func TestCreateTargetGroupAppliesDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*elasticloadbalancingv2.CreateTargetGroupInput)
		want   string
	}{
		"HTTP": {func(*elasticloadbalancingv2.CreateTargetGroupInput) {}, "instance HTTP HTTP1 80 true HTTP traffic-port / 200 30 5 5 2 ipv4"},
		"TCP": {func(in *elasticloadbalancingv2.CreateTargetGroupInput) {
			in.Protocol, in.TargetType = types.ProtocolEnumTcp, types.TargetTypeEnumIp
		}, "ip TCP  80 true TCP traffic-port   30 10 5 2 ipv4"},
		"TCP, checked by HTTP": {func(in *elasticloadbalancingv2.CreateTargetGroupInput) {
			in.Protocol, in.HealthCheckProtocol, in.HealthCheckPath = types.ProtocolEnumTcp, types.ProtocolEnumHttp, aws.String("/ping")
		}, "instance TCP  80 true HTTP traffic-port /ping 200 30 10 5 2 ipv4"},
		"Lambda": {func(in *elasticloadbalancingv2.CreateTargetGroupInput) {
			in.TargetType, in.Protocol, in.Port, in.VpcId = types.TargetTypeEnumLambda, "", nil, nil
		}, "lambda   0 false   / 200 35 30 5 2 ipv4"},
	} {
		t.Run(name, func(t *testing.T) {
			in := creatingGroup("shop")
			c.change(in)
			out := must[*elasticloadbalancingv2.CreateTargetGroupOutput](t)(start(t, Options{}).elbv2.CreateTargetGroup(t.Context(), in))
			g := out.TargetGroups[0]
			if g.Matcher == nil {
				g.Matcher = &types.Matcher{}
			}
			got := strings.Join([]string{
				string(g.TargetType), string(g.Protocol), aws.ToString(g.ProtocolVersion), fmt.Sprint(aws.ToInt32(g.Port)),
				fmt.Sprint(*g.HealthCheckEnabled), string(g.HealthCheckProtocol), aws.ToString(g.HealthCheckPort), aws.ToString(g.HealthCheckPath), aws.ToString(g.Matcher.HttpCode),
				fmt.Sprint(*g.HealthCheckIntervalSeconds, *g.HealthCheckTimeoutSeconds, *g.HealthyThresholdCount, *g.UnhealthyThresholdCount), string(g.IpAddressType),
			}, " ")
			if got != c.want {
				t.Errorf("created %q, want %q", got, c.want)
			}
		})
	}
}

func TestCreateTargetGroupIsIdempotentForSameSettings(t *testing.T) {
	a := start(t, Options{})
	if first, second := a.group(t, creatingGroup("same")), a.group(t, creatingGroup("same")); first != second {
		t.Error("the second request created another target group")
	}
	other := creatingGroup("same")
	other.Port = aws.Int32(81)
	_, err := a.elbv2.CreateTargetGroup(t.Context(), other)
	wantCode(t, err, "DuplicateTargetGroupName", "A target group with the same name 'same' exists, but with different settings")
}

func TestCreateTargetGroupRejectsInvalidRequests(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*elasticloadbalancingv2.CreateTargetGroupInput)
		message string
	}{
		"a long name": {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.Name = aws.String(strings.Repeat("x", 33)) },
			"Target group name '" + strings.Repeat("x", 33) + "' cannot be longer than '32' characters"},
		"no protocol":         {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.Protocol = "" }, ""},
		"a strange protocol":  {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.Protocol = "GENEVE" }, ""},
		"no port":             {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.Port = nil }, ""},
		"a port out of range": {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.Port = aws.Int32(65536) }, ""},
		"no VPC":              {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.VpcId = nil }, ""},
		"an unknown VPC":      {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.VpcId = aws.String("vpc-1") }, ""},
		"a short interval":    {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.HealthCheckIntervalSeconds = aws.Int32(4) }, ""},
		"a long timeout":      {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.HealthCheckTimeoutSeconds = aws.Int32(30) }, ""},
		"a check by TCP": {func(in *elasticloadbalancingv2.CreateTargetGroupInput) {
			in.HealthCheckProtocol = types.ProtocolEnumTcp
		}, ""},
		"no health check": {func(in *elasticloadbalancingv2.CreateTargetGroupInput) { in.HealthCheckEnabled = aws.Bool(false) },
			"Health check enabled must be true for target groups with target type 'instance'"},
	} {
		t.Run(name, func(t *testing.T) {
			in := creatingGroup("shop")
			c.change(in)
			_, err := start(t, Options{}).elbv2.CreateTargetGroup(t.Context(), in)
			wantCode(t, err, "ValidationError", c.message)
		})
	}
}

func TestDescribeTargetGroupsFindsByNameARNAndLoadBalancer(t *testing.T) {
	a := start(t, Options{})
	balancer, shop := a.balancer(t, "web"), a.group(t, creatingGroup("shop"))
	a.group(t, creatingGroup("api"))
	a.listen(t, balancer, 80, shop)
	for name, in := range map[string]elasticloadbalancingv2.DescribeTargetGroupsInput{
		"name":          {Names: []string{"shop"}},
		"ARN":           {TargetGroupArns: []string{shop}},
		"load balancer": {LoadBalancerArn: &balancer},
	} {
		out := must[*elasticloadbalancingv2.DescribeTargetGroupsOutput](t)(a.elbv2.DescribeTargetGroups(t.Context(), &in))
		if got := groupNames(out); !slices.Equal(got, []string{"shop"}) || !slices.Equal(out.TargetGroups[0].LoadBalancerArns, []string{balancer}) {
			t.Errorf("by %s: %v", name, got)
		}
	}
	for name, c := range map[string]struct {
		in            elasticloadbalancingv2.DescribeTargetGroupsInput
		code, message string
	}{
		"unknown name":          {elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{"shop", "nope"}}, "TargetGroupNotFound", "One or more target groups not found"},
		"unknown ARN":           {elasticloadbalancingv2.DescribeTargetGroupsInput{TargetGroupArns: []string{shop + "0"}}, "TargetGroupNotFound", "One or more target groups not found"},
		"ARN of something else": {elasticloadbalancingv2.DescribeTargetGroupsInput{TargetGroupArns: []string{balancer}}, "ValidationError", "'" + balancer + "' is not a valid target group ARN"},
		"unknown load balancer": {elasticloadbalancingv2.DescribeTargetGroupsInput{LoadBalancerArn: aws.String(balancer + "0")}, "LoadBalancerNotFound", ""},
		"two criteria":          {elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{"shop"}, LoadBalancerArn: &balancer}, "ValidationError", ""},
		"large page":            {elasticloadbalancingv2.DescribeTargetGroupsInput{PageSize: aws.Int32(401)}, "ValidationError", ""},
		"foreign marker":        {elasticloadbalancingv2.DescribeTargetGroupsInput{Marker: aws.String("bogus")}, "ValidationError", "Invalid marker: bogus"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.elbv2.DescribeTargetGroups(t.Context(), &c.in)
			wantCode(t, err, c.code, c.message)
		})
	}
}

func TestTargetGroupPagesContainAllTargetGroups(t *testing.T) {
	a := start(t, Options{})
	var want, got []string
	for n := range 401 {
		name := fmt.Sprintf("group-%03d", n)
		a.group(t, creatingGroup(name))
		want = append(want, name)
	}
	var sizes []int
	pages := elasticloadbalancingv2.NewDescribeTargetGroupsPaginator(a.elbv2, &elasticloadbalancingv2.DescribeTargetGroupsInput{})
	for pages.HasMorePages() {
		page := must[*elasticloadbalancingv2.DescribeTargetGroupsOutput](t)(pages.NextPage(t.Context()))
		got = append(got, groupNames(page)...)
		sizes = append(sizes, len(page.TargetGroups))
	}
	if !slices.Equal(got, want) || !slices.Equal(sizes, []int{400, 1}) {
		t.Errorf("pages of %v with %d names, want 400 and 1 with all of 401", sizes, len(got))
	}
}

func TestModifyTargetGroupChangesHealthCheck(t *testing.T) {
	a := start(t, Options{})
	group := a.group(t, creatingGroup("shop"))
	out := must[*elasticloadbalancingv2.ModifyTargetGroupOutput](t)(a.elbv2.ModifyTargetGroup(t.Context(), &elasticloadbalancingv2.ModifyTargetGroupInput{
		TargetGroupArn: &group, HealthCheckPath: aws.String("/ping"), HealthCheckPort: aws.String("8081"), Matcher: &types.Matcher{HttpCode: aws.String("200-299")},
	}))
	g := out.TargetGroups[0]
	if *g.HealthCheckPath != "/ping" || *g.HealthCheckPort != "8081" || *g.Matcher.HttpCode != "200-299" || *g.HealthCheckIntervalSeconds != 30 {
		t.Errorf("modified to %+v", g)
	}
	_, err := a.elbv2.ModifyTargetGroup(t.Context(), &elasticloadbalancingv2.ModifyTargetGroupInput{TargetGroupArn: &group, HealthCheckPort: aws.String("web")})
	wantCode(t, err, "ValidationError", "")
	_, err = a.elbv2.ModifyTargetGroup(t.Context(), &elasticloadbalancingv2.ModifyTargetGroupInput{TargetGroupArn: aws.String(group + "0")})
	wantCode(t, err, "TargetGroupNotFound", "")
}

func TestDeleteTargetGroupFailsWhileInUse(t *testing.T) {
	a := start(t, Options{})
	group := a.group(t, creatingGroup("shop"))
	listener := a.listen(t, a.balancer(t, "web"), 80, group)
	in := &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: &group}
	_, err := a.elbv2.DeleteTargetGroup(t.Context(), in)
	wantCode(t, err, "ResourceInUse", "Target group '"+group+"' is currently in use by a listener or a rule")
	must[*elasticloadbalancingv2.DeleteListenerOutput](t)(a.elbv2.DeleteListener(t.Context(), &elasticloadbalancingv2.DeleteListenerInput{ListenerArn: &listener}))
	for range 2 {
		must[*elasticloadbalancingv2.DeleteTargetGroupOutput](t)(a.elbv2.DeleteTargetGroup(t.Context(), in))
	}
	_, err = a.elbv2.DescribeTargetHealth(t.Context(), &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &group})
	wantCode(t, err, "TargetGroupNotFound", "One or more target groups not found")
}

func TestTargetGroupAttributes(t *testing.T) {
	a := start(t, Options{})
	group := a.group(t, creatingGroup("shop"))
	modify := func(key, value string) error {
		_, err := a.elbv2.ModifyTargetGroupAttributes(t.Context(), &elasticloadbalancingv2.ModifyTargetGroupAttributesInput{
			TargetGroupArn: &group, Attributes: []types.TargetGroupAttribute{{Key: &key, Value: &value}},
		})
		return err
	}
	for _, change := range [][2]string{{"deregistration_delay.timeout_seconds", "20"}, {"slow_start.duration_seconds", "30"}, {"load_balancing.algorithm.type", "least_outstanding_requests"}} {
		if err := modify(change[0], change[1]); err != nil {
			t.Fatal(err)
		}
	}
	out := must[*elasticloadbalancingv2.DescribeTargetGroupAttributesOutput](t)(a.elbv2.DescribeTargetGroupAttributes(t.Context(), &elasticloadbalancingv2.DescribeTargetGroupAttributesInput{TargetGroupArn: &group}))
	got := map[string]string{}
	for _, attribute := range out.Attributes {
		got[*attribute.Key] = *attribute.Value
	}
	for key, want := range map[string]string{
		"deregistration_delay.timeout_seconds": "20", "slow_start.duration_seconds": "30", "load_balancing.algorithm.type": "least_outstanding_requests",
		"stickiness.enabled": "false", "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	wantCode(t, modify("deregistration_delay.timeout_seconds", "3601"), "ValidationError", "'deregistration_delay.timeout_seconds' must be between '0' and '3600' inclusive")
	wantCode(t, modify("slow_start.duration_seconds", "29"), "ValidationError", "'slow_start.duration_seconds' must be '0', or between '30' and '900' inclusive")
	wantCode(t, modify("preserve_client_ip.enabled", "true"), "ValidationError", "Target group attribute key 'preserve_client_ip.enabled' is not recognized")
}

func TestCreateListenerRejectsInvalidRequests(t *testing.T) {
	a := start(t, Options{})
	balancer, shop := a.balancer(t, "web"), a.group(t, creatingGroup("shop"))
	a.listen(t, balancer, 80, shop)
	tcp := creatingGroup("tcp")
	tcp.Protocol = types.ProtocolEnumTcp
	other := a.group(t, creatingGroup("other"))
	a.listen(t, a.balancer(t, "web-2"), 80, other)
	for name, c := range map[string]struct {
		in            *elasticloadbalancingv2.CreateListenerInput
		code, message string
	}{
		"a port in use":                {listening(balancer, 80, shop), "DuplicateListener", "A listener already exists on this port for this load balancer '" + balancer + "'"},
		"an unknown load balancer":     {listening(balancer+"0", 81, shop), "LoadBalancerNotFound", ""},
		"an unknown target group":      {listening(balancer, 81, shop+"0"), "TargetGroupNotFound", ""},
		"a group for the network":      {listening(balancer, 81, a.group(t, tcp)), "IncompatibleProtocols", ""},
		"a group of another balancer":  {listening(balancer, 81, other), "TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: '" + other + "'"},
		"HTTPS without a certificate":  {withProtocol(listening(balancer, 81, shop), types.ProtocolEnumHttps), "ValidationError", "A certificate must be specified for HTTPS listeners"},
		"a protocol for the transport": {withProtocol(listening(balancer, 81, shop), types.ProtocolEnumTcp), "ValidationError", "Protocol 'TCP' must be one of 'HTTP, HTTPS'"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.elbv2.CreateListener(t.Context(), c.in)
			wantCode(t, err, c.code, c.message)
		})
	}
}

func withProtocol(in *elasticloadbalancingv2.CreateListenerInput, protocol types.ProtocolEnum) *elasticloadbalancingv2.CreateListenerInput {
	in.Protocol = protocol
	return in
}

func TestListenerPagesContainAllListeners(t *testing.T) {
	a := start(t, Options{})
	balancer, group := a.balancer(t, "web"), a.group(t, creatingGroup("shop"))
	for port := range int32(5) {
		a.listen(t, balancer, 80+port, group)
	}
	var ports []int32
	pages := elasticloadbalancingv2.NewDescribeListenersPaginator(a.elbv2, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &balancer, PageSize: aws.Int32(2)})
	for pages.HasMorePages() {
		page := must[*elasticloadbalancingv2.DescribeListenersOutput](t)(pages.NextPage(t.Context()))
		for _, l := range page.Listeners {
			if a := l.DefaultActions[0]; *a.TargetGroupArn != group || *a.ForwardConfig.TargetGroups[0].Weight != 1 {
				t.Errorf("listener %d forwards by %+v", *l.Port, a)
			}
			ports = append(ports, *l.Port)
		}
	}
	slices.Sort(ports)
	if !slices.Equal(ports, []int32{80, 81, 82, 83, 84}) {
		t.Errorf("ports %v, want 80 to 84", ports)
	}
}
