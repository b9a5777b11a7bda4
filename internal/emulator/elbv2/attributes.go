package elbv2

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/emulator/wire"
)

const attributeDelay = "deregistration_delay.timeout_seconds"

// attributeRule is an attribute of target groups.
type attributeRule struct {
	key     string
	initial string
	applies func(*groupCreation) bool
	// check returns the constraint that a value violates, empty for a valid one.
	check func(value string) (constraint string)
}

// attributeRules are the attributes of target groups, as in the API reference
// (TargetGroupAttribute), in the order of answers.
var attributeRules = []attributeRule{
	{"stickiness.enabled", "false", hasPort, either("true", "false")},
	{attributeDelay, "300", hasPort, between(0, 3600)},
	{"lambda.multi_value_headers.enabled", "false", isLambda, either("true", "false")},
	{"load_balancing.algorithm.type", "round_robin", isHTTP, either("round_robin", "least_outstanding_requests", "weighted_random")},
	{"load_balancing.algorithm.anomaly_mitigation", "off", isHTTP, either("on", "off")},
	{"load_balancing.cross_zone.enabled", "use_load_balancer_configuration", hasPort, either("true", "false", "use_load_balancer_configuration")},
	{"slow_start.duration_seconds", "0", isHTTP, zeroOr(30, 900)},
	{"stickiness.type", "lb_cookie", isHTTP, either("lb_cookie", "app_cookie")},
	{"stickiness.type", "source_ip", isNetwork, either("source_ip")},
	{"stickiness.lb_cookie.duration_seconds", "86400", isHTTP, between(1, 604800)},
	{"stickiness.app_cookie.duration_seconds", "86400", isHTTP, between(1, 604800)},
	{"stickiness.app_cookie.cookie_name", "", isHTTP, anyValue},
	{"deregistration_delay.connection_termination.enabled", "false", isNetwork, either("true", "false")},
	{"preserve_client_ip.enabled", "true", isNetwork, either("true", "false")},
	{"proxy_protocol_v2.enabled", "false", isNetwork, either("true", "false")},
	{"target_group_health.dns_failover.minimum_healthy_targets.count", "1", hasPort, offOr(1, MaxTargets)},
	{"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", hasPort, offOr(1, 100)},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", hasPort, between(1, MaxTargets)},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", hasPort, offOr(1, 100)},
}

func isLambda(g *groupCreation) bool  { return g.targetType == targetLambda }
func hasPort(g *groupCreation) bool   { return !isLambda(g) }
func isHTTP(g *groupCreation) bool    { return hasPort(g) && g.forHTTP() }
func isNetwork(g *groupCreation) bool { return !g.forHTTP() }

func anyValue(string) string { return "" }

func either(allowed ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(allowed, value) {
			return ""
		}
		return fmt.Sprintf("must be one of [%s]", strings.Join(allowed, ", "))
	}
}

func between(least, most int) func(string) string {
	return func(value string) string {
		if n, err := strconv.Atoi(value); err == nil && least <= n && n <= most {
			return ""
		}
		return fmt.Sprintf("must be between '%d' and '%d' inclusive", least, most)
	}
}

func zeroOr(least, most int) func(string) string { return except("0", between(least, most)) }
func offOr(least, most int) func(string) string  { return except("off", between(least, most)) }

// except allows one value more than check.
func except(allowed string, check func(string) string) func(string) string {
	return func(value string) string {
		constraint := check(value)
		if value == allowed || constraint == "" {
			return ""
		}
		return fmt.Sprintf("must be '%s', or %s", allowed, strings.TrimPrefix(constraint, "must be "))
	}
}

// attributeRule returns the rule of an attribute that the group has.
func (g *groupCreation) attributeRule(key string) (attributeRule, bool) {
	at := slices.IndexFunc(attributeRules, func(r attributeRule) bool { return r.key == key && r.applies(g) })
	if at < 0 {
		return attributeRule{}, false
	}
	return attributeRules[at], true
}

func (g *groupCreation) validateAttribute(key, value string) error {
	rule, ok := g.attributeRule(key)
	if !ok {
		return wire.ValidationFailed("Target group attribute key '%s' is not recognized", key)
	}
	if constraint := rule.check(value); constraint != "" {
		return wire.ValidationFailed("'%s' %s", key, constraint)
	}
	return nil
}

// allAttributes returns the attributes with their values, in the order of answers.
func (g *targetGroup) allAttributes() []attribute {
	var all []attribute
	for _, rule := range attributeRules {
		if rule.applies(g.groupCreation) {
			all = append(all, attribute{rule.key, g.attributeOr(rule.key, rule.initial)})
		}
	}
	return all
}

func (g *targetGroup) attributeOr(key, initial string) string {
	if value, ok := g.attributes[key]; ok {
		return value
	}
	return initial
}

// deregistrationDelay returns how long a target that is deregistered now drains.
func (g *targetGroup) deregistrationDelay() time.Duration {
	rule, ok := g.attributeRule(attributeDelay)
	if !ok {
		return 0 // Lambda functions do not drain
	}
	seconds, _ := strconv.Atoi(g.attributeOr(rule.key, rule.initial)) // valid since modifyAttributes
	return time.Duration(seconds) * time.Second
}
