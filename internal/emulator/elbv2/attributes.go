package elbv2

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/emulator/wire"
)

const attributeDelay = "deregistration_delay.timeout_seconds"

// attributeRule is an attribute of resources.
type attributeRule[T any] struct {
	key     string
	initial string
	applies func(*T) bool
	// check returns the constraint that a value violates, empty for a valid one.
	check func(value string) (constraint string)
}

// groupAttributes are the attributes of target groups, as in the API reference
// (TargetGroupAttribute), in the order of answers.
var groupAttributes = attributeRules[groupCreation]{"Target group", []attributeRule[groupCreation]{
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
}}

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

// attributeRules are the attributes of all resources of one type.
type attributeRules[T any] struct {
	subject string // of messages
	rules   []attributeRule[T]
}

// find returns the rule of an attribute that the resource has.
func (r attributeRules[T]) find(owner *T, key string) (attributeRule[T], bool) {
	at := slices.IndexFunc(r.rules, func(rule attributeRule[T]) bool { return rule.key == key && rule.applies(owner) })
	if at < 0 {
		return attributeRule[T]{}, false
	}
	return r.rules[at], true
}

// with returns the attributes with the changes of a request. Neither map has attributes that
// were never changed.
func (r attributeRules[T]) with(owner *T, present map[string]string, q wire.Query) (map[string]string, error) {
	changes := q.Elements("Attributes.member")
	if len(changes) == 0 {
		var v wire.Validation
		v.Missing("attributes")
		return nil, v.Err()
	}
	next := map[string]string{}
	maps.Copy(next, present)
	for _, change := range changes {
		key, value := change.Text("Key"), change.Text("Value")
		if err := r.validate(owner, key, value); err != nil {
			return nil, err
		}
		next[key] = value
	}
	return next, nil
}

func (r attributeRules[T]) validate(owner *T, key, value string) error {
	rule, ok := r.find(owner, key)
	if !ok {
		return wire.ValidationFailed("%s attribute key '%s' is not recognized", r.subject, key)
	}
	if constraint := rule.check(value); constraint != "" {
		return wire.ValidationFailed("'%s' %s", key, constraint)
	}
	return nil
}

// describe returns the attributes that the resource has, in the order of answers.
func (r attributeRules[T]) describe(owner *T, changed map[string]string) attributesResult {
	var result attributesResult
	for _, rule := range r.rules {
		if rule.applies(owner) {
			result.Attributes.Members = append(result.Attributes.Members, attribute{rule.key, rule.value(changed)})
		}
	}
	return result
}

// value returns the value, which is the initial one if it was never changed.
func (r attributeRule[T]) value(changed map[string]string) string {
	if value, ok := changed[r.key]; ok {
		return value
	}
	return r.initial
}

// valueOf returns the value of an attribute, "" for one that the resource does not have.
func (r attributeRules[T]) valueOf(owner *T, key string, changed map[string]string) string {
	rule, ok := r.find(owner, key)
	if !ok {
		return ""
	}
	return rule.value(changed)
}

// attribute returns the value of an attribute, "" for one that the group does not have.
func (g *targetGroup) attribute(key string) string {
	return groupAttributes.valueOf(g.groupCreation, key, g.attributes)
}

// deregistrationDelay returns how long a target that is deregistered now drains. Lambda
// functions do not drain.
func (g *targetGroup) deregistrationDelay() time.Duration {
	return seconds(number(g.attribute(attributeDelay)))
}
