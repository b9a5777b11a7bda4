package emulator

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi/internal/emulator/account"
)

func forwardTo(group string) []types.Action {
	return []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &group}}
}

// rulesOf returns the rules of a listener as priority and path.
func (a *testAccount) rulesOf(t *testing.T, listener string) (rules []string) {
	t.Helper()
	out := must[*elasticloadbalancingv2.DescribeRulesOutput](t)(a.elbv2.DescribeRules(t.Context(), &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &listener}))
	for _, r := range out.Rules {
		shown := *r.Priority
		if len(r.Conditions) > 0 {
			shown += r.Conditions[0].PathPatternConfig.Values[0]
		}
		rules = append(rules, shown)
	}
	return rules
}

func TestModifiedListenerForwardsElsewhere(t *testing.T) {
	a, listener, group := listening80(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateUnused)
	a.clock.Advance(registrationDelay)
	out := must[*elasticloadbalancingv2.ModifyListenerOutput](t)(a.elbv2.ModifyListener(t.Context(), &elasticloadbalancingv2.ModifyListenerInput{ListenerArn: &listener, Port: aws.Int32(81), DefaultActions: forwardTo(group)}))
	if got := out.Listeners[0]; *got.Port != 81 || got.Protocol != types.ProtocolEnumHttp || *got.DefaultActions[0].TargetGroupArn != group {
		t.Errorf("modified to %+v", got)
	}
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateChecking) // in use since the change
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
	described := must[*elasticloadbalancingv2.DescribeRulesOutput](t)(a.elbv2.DescribeRules(t.Context(), &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &listener}))
	if actions := described.Rules[0].Actions; *actions[0].TargetGroupArn != group {
		t.Errorf("the default rule has %+v", actions)
	}
	other := a.group(t, creatingGroup("other"))
	must[*elasticloadbalancingv2.ModifyListenerOutput](t)(a.elbv2.ModifyListener(t.Context(), &elasticloadbalancingv2.ModifyListenerInput{ListenerArn: &listener, DefaultActions: forwardTo(other)}))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateUnused)
	must[*elasticloadbalancingv2.DeleteTargetGroupOutput](t)(a.elbv2.DeleteTargetGroup(t.Context(), &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: &group}))
}

func TestInvalidModificationsOfAListenerChangeNothing(t *testing.T) {
	a, listener, group := listening80(t)
	out := must[*elasticloadbalancingv2.DescribeListenersOutput](t)(a.elbv2.DescribeListeners(t.Context(), &elasticloadbalancingv2.DescribeListenersInput{ListenerArns: []string{listener}}))
	a.listen(t, *out.Listeners[0].LoadBalancerArn, 81, group)
	for name, c := range map[string]struct {
		in   elasticloadbalancingv2.ModifyListenerInput
		code string
	}{
		"a port in use":             {elasticloadbalancingv2.ModifyListenerInput{Port: aws.Int32(81)}, "DuplicateListener"},
		"a port out of range":       {elasticloadbalancingv2.ModifyListenerInput{Port: aws.Int32(70000)}, "ValidationError"},
		"HTTPS without certificate": {elasticloadbalancingv2.ModifyListenerInput{Protocol: types.ProtocolEnumHttps}, "ValidationError"},
		"no such target group":      {elasticloadbalancingv2.ModifyListenerInput{Port: aws.Int32(90), DefaultActions: forwardTo(group + "0")}, "TargetGroupNotFound"},
		"no such listener":          {elasticloadbalancingv2.ModifyListenerInput{ListenerArn: aws.String(listener + "0")}, "ListenerNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.in.ListenerArn == nil {
				c.in.ListenerArn = &listener
			}
			_, err := a.elbv2.ModifyListener(t.Context(), &c.in)
			wantCode(t, err, c.code, "")
		})
	}
	out = must[*elasticloadbalancingv2.DescribeListenersOutput](t)(a.elbv2.DescribeListeners(t.Context(), &elasticloadbalancingv2.DescribeListenersInput{ListenerArns: []string{listener}}))
	if got := out.Listeners[0]; *got.Port != 80 || got.DefaultActions[0].Type != types.ActionTypeEnumFixedResponse {
		t.Errorf("the listener is %+v", got)
	}
}

func TestListenerOfAnotherProtocolMustServeItsGroups(t *testing.T) {
	a := demo(t)
	in := creatingV2("net")
	in.Type = types.LoadBalancerTypeEnumNetwork
	balancer := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), in)).LoadBalancers[0]
	tcp := creatingGroup("tcp")
	tcp.Protocol = types.ProtocolEnumTcp
	request := listening(*balancer.LoadBalancerArn, 90, a.group(t, tcp))
	request.Protocol = types.ProtocolEnumTcp
	listener := must[*elasticloadbalancingv2.CreateListenerOutput](t)(a.elbv2.CreateListener(t.Context(), request)).Listeners[0].ListenerArn
	_, err := a.elbv2.ModifyListener(t.Context(), &elasticloadbalancingv2.ModifyListenerInput{ListenerArn: listener, Protocol: types.ProtocolEnumUdp})
	wantCode(t, err, "IncompatibleProtocols", "")
	_, err = a.elbv2.SetSecurityGroups(t.Context(), &elasticloadbalancingv2.SetSecurityGroupsInput{LoadBalancerArn: balancer.LoadBalancerArn, SecurityGroups: []string{webGroup}})
	wantCode(t, err, "InvalidConfigurationRequest", "")
}

func TestModifiedRuleRoutesElsewhere(t *testing.T) {
	a, listener, group := listening80(t)
	other := a.group(t, creatingGroup("other"))
	rule := a.route(t, routing(listener, 10, "/shop/*", group))
	must[*elasticloadbalancingv2.ModifyRuleOutput](t)(a.elbv2.ModifyRule(t.Context(), &elasticloadbalancingv2.ModifyRuleInput{
		RuleArn: &rule, Conditions: []types.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/new/*"}}}, Actions: forwardTo(other),
	}))
	if got := fmt.Sprint(a.rulesOf(t, listener)); got != "[10/new/* default]" {
		t.Errorf("rules %s", got)
	}
	must[*elasticloadbalancingv2.DeleteTargetGroupOutput](t)(a.elbv2.DeleteTargetGroup(t.Context(), &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: &group}))
	_, err := a.elbv2.DeleteTargetGroup(t.Context(), &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: &other})
	wantCode(t, err, "ResourceInUse", "")
	must[*elasticloadbalancingv2.DeleteRuleOutput](t)(a.elbv2.DeleteRule(t.Context(), &elasticloadbalancingv2.DeleteRuleInput{RuleArn: &rule}))
	must[*elasticloadbalancingv2.DeleteTargetGroupOutput](t)(a.elbv2.DeleteTargetGroup(t.Context(), &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: &other}))
}

func TestPrioritiesOfRulesSwap(t *testing.T) {
	a, listener, group := listening80(t)
	first, second := a.route(t, routing(listener, 10, "/1", group)), a.route(t, routing(listener, 20, "/2", group))
	a.route(t, routing(listener, 30, "/3", group))
	set := func(pairs ...types.RulePriorityPair) error {
		_, err := a.elbv2.SetRulePriorities(t.Context(), &elasticloadbalancingv2.SetRulePrioritiesInput{RulePriorities: pairs})
		return err
	}
	noError(t, set(types.RulePriorityPair{RuleArn: &first, Priority: aws.Int32(20)}, types.RulePriorityPair{RuleArn: &second, Priority: aws.Int32(10)}))
	if got := fmt.Sprint(a.rulesOf(t, listener)); got != "[10/2 20/1 30/3 default]" {
		t.Errorf("rules %s", got)
	}
	wantCode(t, set(types.RulePriorityPair{RuleArn: &first, Priority: aws.Int32(30)}), "PriorityInUse", "Priority '30' is currently in use")
	wantCode(t, set(types.RulePriorityPair{RuleArn: &first, Priority: aws.Int32(40)}, types.RulePriorityPair{RuleArn: &second, Priority: aws.Int32(40)}), "PriorityInUse", "Priority '40' is currently in use")
	wantCode(t, set(types.RulePriorityPair{RuleArn: &first, Priority: aws.Int32(0)}), "ValidationError", "")
	described := must[*elasticloadbalancingv2.DescribeRulesOutput](t)(a.elbv2.DescribeRules(t.Context(), &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &listener}))
	last := described.Rules[3].RuleArn
	wantCode(t, set(types.RulePriorityPair{RuleArn: last, Priority: aws.Int32(40)}), "OperationNotPermitted", "")
	_, err := a.elbv2.ModifyRule(t.Context(), &elasticloadbalancingv2.ModifyRuleInput{RuleArn: last, Actions: forwardTo(group)})
	wantCode(t, err, "OperationNotPermitted", "")
	if got := fmt.Sprint(a.rulesOf(t, listener)); got != "[10/2 20/1 30/3 default]" {
		t.Errorf("rules %s", got)
	}
}

func TestSubnetsAndSecurityGroupsOfV2LoadBalancerChange(t *testing.T) {
	a, listener, group := listening80(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.route(t, routing(listener, 10, "/", group))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
	described := must[*elasticloadbalancingv2.DescribeLoadBalancersOutput](t)(a.elbv2.DescribeLoadBalancers(t.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"web"}}))
	arn := described.LoadBalancers[0].LoadBalancerArn
	set := must[*elasticloadbalancingv2.SetSubnetsOutput](t)(a.elbv2.SetSubnets(t.Context(), &elasticloadbalancingv2.SetSubnetsInput{LoadBalancerArn: arn, Subnets: []string{subnetC, subnetB}}))
	if *set.AvailabilityZones[0].SubnetId != subnetB || *set.AvailabilityZones[1].SubnetId != subnetC {
		t.Errorf("set to %+v", set.AvailabilityZones)
	}
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateOtherZone) // in zone a
	_, err := a.elbv2.SetSubnets(t.Context(), &elasticloadbalancingv2.SetSubnetsInput{LoadBalancerArn: arn, Subnets: []string{subnetC}})
	wantCode(t, err, "ValidationError", "At least two subnets in two different Availability Zones must be specified")
	must[*elasticloadbalancingv2.SetSecurityGroupsOutput](t)(a.elbv2.SetSecurityGroups(t.Context(), &elasticloadbalancingv2.SetSecurityGroupsInput{LoadBalancerArn: arn, SecurityGroups: []string{webGroup, account.SecurityGroupID}}))
	_, err = a.elbv2.SetSecurityGroups(t.Context(), &elasticloadbalancingv2.SetSecurityGroupsInput{LoadBalancerArn: arn, SecurityGroups: []string{"sg-1"}})
	wantCode(t, err, "InvalidSecurityGroup", "The security group 'sg-1' does not exist")
	described = must[*elasticloadbalancingv2.DescribeLoadBalancersOutput](t)(a.elbv2.DescribeLoadBalancers(t.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"web"}}))
	if got := fmt.Sprint(described.LoadBalancers[0].SecurityGroups); got != fmt.Sprint([]string{webGroup, account.SecurityGroupID}) {
		t.Errorf("security groups %s", got)
	}
}

func TestNetworkLoadBalancerWithoutSecurityGroupsGetsNoneLater(t *testing.T) {
	a := demo(t)
	in := creatingV2("net")
	in.Type = types.LoadBalancerTypeEnumNetwork
	balancer := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), in)).LoadBalancers[0]
	_, err := a.elbv2.SetSecurityGroups(t.Context(), &elasticloadbalancingv2.SetSecurityGroupsInput{LoadBalancerArn: balancer.LoadBalancerArn, SecurityGroups: []string{webGroup}})
	wantCode(t, err, "InvalidConfigurationRequest", "Security groups cannot be set for the load balancer '"+*balancer.LoadBalancerArn+"', which was created without any")
}
