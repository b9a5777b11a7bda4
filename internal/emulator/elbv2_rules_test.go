package emulator

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// routing returns a request for a rule that forwards a path to a target group.
func routing(listener string, priority int32, path, group string) *elasticloadbalancingv2.CreateRuleInput {
	return &elasticloadbalancingv2.CreateRuleInput{
		ListenerArn: &listener, Priority: &priority,
		Conditions: []types.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{path}}},
		Actions:    []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &group}},
	}
}

// route creates a rule and returns its ARN.
func (a *testAccount) route(t *testing.T, in *elasticloadbalancingv2.CreateRuleInput) string {
	t.Helper()
	out := must[*elasticloadbalancingv2.CreateRuleOutput](t)(a.elbv2.CreateRule(t.Context(), in))
	return *out.Rules[0].RuleArn
}

// listening80 returns an account with a listener whose default action is a fixed response,
// the listener's ARN and that of a target group without routes.
func listening80(t *testing.T) (a *testAccount, listener, group string) {
	t.Helper()
	a = demo(t)
	balancer := a.balancer(t, "web")
	out := must[*elasticloadbalancingv2.CreateListenerOutput](t)(a.elbv2.CreateListener(t.Context(), &elasticloadbalancingv2.CreateListenerInput{
		LoadBalancerArn: &balancer, Port: aws.Int32(80), Protocol: types.ProtocolEnumHttp,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("404")}}},
	}))
	return a, *out.Listeners[0].ListenerArn, a.group(t, creatingGroup("shop"))
}

func TestRulePutsTargetGroupInUse(t *testing.T) {
	a, listener, group := listening80(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateUnused)
	rule := a.route(t, routing(listener, 10, "/shop/*", group))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
	_, err := a.elbv2.DeleteTargetGroup(t.Context(), &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: &group})
	wantCode(t, err, "ResourceInUse", "")
	must[*elasticloadbalancingv2.DeleteRuleOutput](t)(a.elbv2.DeleteRule(t.Context(), &elasticloadbalancingv2.DeleteRuleInput{RuleArn: &rule}))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateUnused)
	_, err = a.elbv2.DeleteRule(t.Context(), &elasticloadbalancingv2.DeleteRuleInput{RuleArn: &rule})
	wantCode(t, err, "RuleNotFound", "")
}

func TestRulesAreDescribedByPriorityWithTheDefaultLast(t *testing.T) {
	a, listener, group := listening80(t)
	for _, priority := range []int32{300, 2, 50000, 10} {
		a.route(t, routing(listener, priority, fmt.Sprintf("/%d", priority), group))
	}
	var got []string
	pages := elasticloadbalancingv2.NewDescribeRulesPaginator(a.elbv2, &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &listener, PageSize: aws.Int32(2)})
	for pages.HasMorePages() {
		page := must[*elasticloadbalancingv2.DescribeRulesOutput](t)(pages.NextPage(t.Context()))
		for _, r := range page.Rules {
			path := ""
			if len(r.Conditions) > 0 {
				path = r.Conditions[0].PathPatternConfig.Values[0]
			}
			got = append(got, fmt.Sprint(*r.Priority, path, *r.IsDefault))
		}
	}
	if want := []string{"2/2false", "10/10false", "300/300false", "50000/50000false", "defaulttrue"}; !slices.Equal(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
}

func TestRuleForwardsByWeights(t *testing.T) {
	a, listener, group := listening80(t)
	other := a.group(t, creatingGroup("other"))
	in := routing(listener, 10, "/", "")
	in.Conditions = []types.RuleCondition{{Field: aws.String("host-header"), HostHeaderConfig: &types.HostHeaderConditionConfig{Values: []string{"shop.example"}}}}
	in.Actions = []types.Action{{Type: types.ActionTypeEnumForward, ForwardConfig: &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{
		{TargetGroupArn: &group, Weight: aws.Int32(90)}, {TargetGroupArn: &other, Weight: aws.Int32(0)},
	}}}}
	rule := a.route(t, in)
	out := must[*elasticloadbalancingv2.DescribeRulesOutput](t)(a.elbv2.DescribeRules(t.Context(), &elasticloadbalancingv2.DescribeRulesInput{RuleArns: []string{rule}}))
	r := out.Rules[0]
	groups := r.Actions[0].ForwardConfig.TargetGroups
	if len(groups) != 2 || *groups[0].Weight != 90 || *groups[1].Weight != 0 || r.Actions[0].TargetGroupArn != nil || !slices.Equal(r.Conditions[0].Values, []string{"shop.example"}) {
		t.Errorf("rule %+v with groups %+v", r, groups)
	}
	routed := must[*elasticloadbalancingv2.DescribeTargetGroupsOutput](t)(a.elbv2.DescribeTargetGroups(t.Context(), &elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{"other"}}))
	if got := routed.TargetGroups[0].LoadBalancerArns; len(got) != 1 {
		t.Errorf("the group with weight 0 has the load balancers %v, want one", got)
	}
}

func TestCreateRuleRejectsInvalidRequests(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*elasticloadbalancingv2.CreateRuleInput)
		code, message string
	}{
		"a priority in use":    {func(in *elasticloadbalancingv2.CreateRuleInput) { in.Priority = aws.Int32(1) }, "PriorityInUse", "Priority '1' is currently in use"},
		"no listener":          {func(in *elasticloadbalancingv2.CreateRuleInput) { *in.ListenerArn += "0" }, "ListenerNotFound", ""},
		"no target group":      {func(in *elasticloadbalancingv2.CreateRuleInput) { *in.Actions[0].TargetGroupArn += "0" }, "TargetGroupNotFound", ""},
		"priority 0":           {func(in *elasticloadbalancingv2.CreateRuleInput) { in.Priority = aws.Int32(0) }, "ValidationError", ""},
		"a priority too large": {func(in *elasticloadbalancingv2.CreateRuleInput) { in.Priority = aws.Int32(50001) }, "ValidationError", ""},
		"no condition":         {func(in *elasticloadbalancingv2.CreateRuleInput) { in.Conditions = []types.RuleCondition{} }, "ValidationError", ""},
		"no value":             {func(in *elasticloadbalancingv2.CreateRuleInput) { in.Conditions[0].Values = nil }, "ValidationError", ""},
		"six values": {func(in *elasticloadbalancingv2.CreateRuleInput) {
			in.Conditions[0].Values = []string{"1", "2", "3", "4", "5", "6"}
		}, "ValidationError", ""},
		"a field twice": {func(in *elasticloadbalancingv2.CreateRuleInput) {
			in.Conditions = append(in.Conditions, in.Conditions[0])
		}, "ValidationError", ""},
		"a field that is not emulated": {func(in *elasticloadbalancingv2.CreateRuleInput) { in.Conditions[0].Field = aws.String("source-ip") }, "ValidationError",
			"1 validation error detected: Value 'source-ip' at 'conditions.field' failed to satisfy constraint: Member must satisfy enum value set: [host-header, path-pattern]"},
		"a weight too large": {func(in *elasticloadbalancingv2.CreateRuleInput) {
			in.Actions[0].ForwardConfig = &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{{TargetGroupArn: in.Actions[0].TargetGroupArn, Weight: aws.Int32(1000)}}}
		}, "ValidationError", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, listener, group := listening80(t)
			a.route(t, routing(listener, 1, "/first", group))
			in := routing(listener, 2, "/", group)
			c.change(in)
			_, err := a.elbv2.CreateRule(t.Context(), in)
			wantCode(t, err, c.code, c.message)
		})
	}
}

func TestDefaultRuleGoesWithItsListener(t *testing.T) {
	a, listener, _ := listening80(t)
	out := must[*elasticloadbalancingv2.DescribeRulesOutput](t)(a.elbv2.DescribeRules(t.Context(), &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &listener}))
	rule := *out.Rules[0].RuleArn
	_, err := a.elbv2.DeleteRule(t.Context(), &elasticloadbalancingv2.DeleteRuleInput{RuleArn: &rule})
	wantCode(t, err, "OperationNotPermitted", "Default rule '"+rule+"' cannot be deleted")
	must[*elasticloadbalancingv2.DeleteListenerOutput](t)(a.elbv2.DeleteListener(t.Context(), &elasticloadbalancingv2.DeleteListenerInput{ListenerArn: &listener}))
	_, err = a.elbv2.DescribeRules(t.Context(), &elasticloadbalancingv2.DescribeRulesInput{RuleArns: []string{rule}})
	wantCode(t, err, "RuleNotFound", "")
}

// tagsOf returns the tags that DescribeTags shows for a resource.
func (a *testAccount) tagsOf(t *testing.T, arn string) string {
	t.Helper()
	out := must[*elasticloadbalancingv2.DescribeTagsOutput](t)(a.elbv2.DescribeTags(t.Context(), &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: []string{arn}}))
	var tags []string
	for _, tag := range out.TagDescriptions[0].Tags {
		tags = append(tags, *tag.Key+"="+*tag.Value)
	}
	return fmt.Sprint(tags)
}

func TestTagsOfEveryResource(t *testing.T) {
	a, listener, group := listening80(t)
	in := routing(listener, 1, "/first", group)
	in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
	arns := []string{a.route(t, in), listener, group, a.balancer(t, "web")}
	if got := a.tagsOf(t, arns[0]); got != "[team=web]" {
		t.Errorf("created with the tags %s", got)
	}
	must[*elasticloadbalancingv2.AddTagsOutput](t)(a.elbv2.AddTags(t.Context(), &elasticloadbalancingv2.AddTagsInput{
		ResourceArns: arns, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}, {Key: aws.String("env"), Value: aws.String("test")}},
	}))
	must[*elasticloadbalancingv2.RemoveTagsOutput](t)(a.elbv2.RemoveTags(t.Context(), &elasticloadbalancingv2.RemoveTagsInput{ResourceArns: arns[:1], TagKeys: []string{"env"}}))
	for n, want := range []string{"[team=shop]", "[env=test team=shop]", "[env=test team=shop]", "[env=test team=shop]"} {
		if got := a.tagsOf(t, arns[n]); got != want {
			t.Errorf("%s has the tags %s, want %s", arns[n], got, want)
		}
	}
}

func TestTagCallsRejectInvalidRequests(t *testing.T) {
	a := demo(t)
	group := a.group(t, creatingGroup("shop"))
	add := func(tags []types.Tag, arns ...string) error {
		_, err := a.elbv2.AddTags(t.Context(), &elasticloadbalancingv2.AddTagsInput{ResourceArns: arns, Tags: tags})
		return err
	}
	env := []types.Tag{{Key: aws.String("env"), Value: aws.String("test")}}
	wantCode(t, add(env, group, group+"0"), "TargetGroupNotFound", "")
	wantCode(t, add(env, "web"), "ValidationError", "")
	wantCode(t, add(slices.Concat(env, env), group), "DuplicateTagKeys", "")
	var many []types.Tag
	for n := range 51 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint(n)), Value: aws.String("")})
	}
	wantCode(t, add(many, group), "TooManyTags", "")
	if got := a.tagsOf(t, group); got != "[]" {
		t.Errorf("tags %s after calls that failed", got)
	}
	var arns []string
	for n := range 21 {
		arns = append(arns, fmt.Sprintf("%s%d", group, n))
	}
	_, err := a.elbv2.DescribeTags(t.Context(), &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: arns})
	wantCode(t, err, "ValidationError", "")
}

func TestV2AccountLimitsAreThoseOfTheEmulator(t *testing.T) {
	out := must[*elasticloadbalancingv2.DescribeAccountLimitsOutput](t)(start(t, Options{}).elbv2.DescribeAccountLimits(t.Context(), &elasticloadbalancingv2.DescribeAccountLimitsInput{}))
	limits := map[string]string{}
	for _, l := range out.Limits {
		limits[*l.Name] = *l.Max
	}
	if limits["target-groups"] != "3000" || limits["targets-per-application-load-balancer"] != "1000" || limits["rules-per-application-load-balancer"] != "100" {
		t.Errorf("limits %v", limits)
	}
}
