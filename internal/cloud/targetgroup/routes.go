package targetgroup

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi"
	"lsapi/internal/cloud"
)

// routesPage is the greatest PageSize of DescribeListeners and DescribeRules.
const routesPage = 400

// Routes returns the routes to a group, sorted by load balancer, port and priority. It takes
// one call for the group, and one for each of its load balancers and for each of their
// listeners. What is deleted meanwhile has no routes.
//
// CodeNotFound: there is no such group. Other errors: see cloud.Coded.
func (c *Client) Routes(ctx context.Context, pool lsapi.PoolID) ([]lsapi.Route, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	found, err := c.describe(ctx, []string{pool.Name})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errNotFound(pool)
	}
	group := found[0].Description
	var routes []lsapi.Route
	for _, balancer := range group.LoadBalancers {
		more, err := c.routesFrom(ctx, balancer, group.ARN)
		if err != nil {
			return nil, err
		}
		routes = append(routes, more...)
	}
	return routes, nil
}

// routesFrom returns the routes from a load balancer to a group.
func (c *Client) routesFrom(ctx context.Context, balancer, group string) ([]lsapi.Route, error) {
	listeners, err := allPages(ctx, func(marker *string) ([]elbtypes.Listener, *string, error) {
		out, err := c.describeListeners(ctx, &elbv2.DescribeListenersInput{LoadBalancerArn: &balancer, Marker: marker, PageSize: aws.Int32(routesPage)})
		if err != nil {
			return nil, nil, err
		}
		return out.Listeners, out.NextMarker, nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(listeners, func(a, b elbtypes.Listener) int { return cmp.Compare(aws.ToInt32(a.Port), aws.ToInt32(b.Port)) })
	var routes []lsapi.Route
	for _, l := range listeners {
		rules, err := c.rulesOf(ctx, l)
		if err != nil {
			return nil, err
		}
		for _, rule := range rules {
			weight, forwards := weightOf(rule.Actions, group)
			if !forwards {
				continue
			}
			routes = append(routes, lsapi.Route{
				LoadBalancer: balancer,
				Protocol:     string(l.Protocol),
				Port:         int(aws.ToInt32(l.Port)),
				Priority:     priorityOf(rule),
				Conditions:   conditionsOf(rule),
				Weight:       weight,
			})
		}
	}
	return routes, nil
}

// rulesOf returns the rules of a listener by priority, with its default actions as the first.
func (c *Client) rulesOf(ctx context.Context, l elbtypes.Listener) ([]elbtypes.Rule, error) {
	rules, err := allPages(ctx, func(marker *string) ([]elbtypes.Rule, *string, error) {
		out, err := c.describeRules(ctx, &elbv2.DescribeRulesInput{ListenerArn: l.ListenerArn, Marker: marker, PageSize: aws.Int32(routesPage)})
		if err != nil {
			return nil, nil, err
		}
		return out.Rules, out.NextMarker, nil
	})
	if err != nil {
		return nil, err
	}
	rules = slices.DeleteFunc(rules, func(r elbtypes.Rule) bool { return aws.ToBool(r.IsDefault) })
	rules = append(rules, elbtypes.Rule{Actions: l.DefaultActions})
	slices.SortFunc(rules, func(a, b elbtypes.Rule) int { return cmp.Compare(priorityOf(a), priorityOf(b)) })
	return rules, nil
}

// allPages returns the items of all pages, and nothing if AWS no longer has what they
// belong to.
func allPages[T any](ctx context.Context, fetch func(marker *string) ([]T, *string, error)) ([]T, error) {
	var all []T
	for marker := (*string)(nil); ; {
		page, next, err := fetch(marker)
		if err != nil {
			return nil, unlessGone(ctx, err)
		}
		all = append(all, page...)
		if aws.ToString(next) == "" {
			return all, nil
		}
		marker = next
	}
}

// unlessGone returns the error of a call, or nil if AWS does not have the resource.
func unlessGone(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if coded := cloud.Coded(ctx, err); coded.Code != lsapi.CodeNotFound {
		return coded
	}
	return nil
}

// priorityOf returns the priority of a rule, 0 for the default.
func priorityOf(rule elbtypes.Rule) int {
	n, _ := strconv.Atoi(aws.ToString(rule.Priority)) // AWS's are numbers
	return n
}

// weightOf reports whether actions forward to a group, and returns its weight; nil if it is
// the only group.
func weightOf(actions []elbtypes.Action, group string) (weight *int, ok bool) {
	for _, action := range actions {
		if action.ForwardConfig == nil {
			if aws.ToString(action.TargetGroupArn) == group {
				return nil, true
			}
			continue
		}
		groups := action.ForwardConfig.TargetGroups
		at := slices.IndexFunc(groups, func(g elbtypes.TargetGroupTuple) bool { return aws.ToString(g.TargetGroupArn) == group })
		switch {
		case at < 0:
		case len(groups) == 1:
			return nil, true
		default:
			return aws.Int(int(aws.ToInt32(groups[at].Weight))), true
		}
	}
	return nil, false
}

// conditionsOf returns the conditions of a rule, such as "path-pattern /a or /b",
// "http-header X-Canary yes" and "host-header expression ^api[0-9]+".
func conditionsOf(rule elbtypes.Rule) []string {
	var all []string
	for _, c := range rule.Conditions {
		words := []string{aws.ToString(c.Field)}
		values, expressions := c.Values, c.RegexValues
		switch {
		case c.HostHeaderConfig != nil:
			values, expressions = c.HostHeaderConfig.Values, c.HostHeaderConfig.RegexValues
		case c.PathPatternConfig != nil:
			values, expressions = c.PathPatternConfig.Values, c.PathPatternConfig.RegexValues
		case c.HttpHeaderConfig != nil:
			words = append(words, aws.ToString(c.HttpHeaderConfig.HttpHeaderName))
			values, expressions = c.HttpHeaderConfig.Values, c.HttpHeaderConfig.RegexValues
		case c.HttpRequestMethodConfig != nil:
			values = c.HttpRequestMethodConfig.Values
		case c.SourceIpConfig != nil:
			values = c.SourceIpConfig.Values
		case c.QueryStringConfig != nil:
			values = pairs(c.QueryStringConfig.Values)
		}
		if len(values) == 0 {
			words, values = append(words, "expression"), expressions
		}
		all = append(all, strings.Join(append(words, strings.Join(values, " or ")), " "))
	}
	return all
}

// pairs returns the parameters of a query as KEY=VALUE, or VALUE for any key.
func pairs(all []elbtypes.QueryStringKeyValuePair) []string {
	texts := make([]string, len(all))
	for i, pair := range all {
		texts[i] = aws.ToString(pair.Value)
		if pair.Key != nil {
			texts[i] = *pair.Key + "=" + texts[i]
		}
	}
	return texts
}
