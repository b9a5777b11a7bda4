package elbv2

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"lsapi/internal/emulator/wire"
)

// The fields of conditions.
const (
	fieldHost = "host-header"
	fieldPath = "path-pattern"
)

func (s *Service) createRule(c wire.Call) (any, error) {
	l, err := s.listeners.find(c.Text("ListenerArn"))
	if err != nil {
		return nil, err
	}
	b, err := s.loadBalancers.find(l.loadBalancer)
	if err != nil {
		return nil, err
	}
	if b.kind == typeNetwork {
		return nil, wire.BadRequest("UnsupportedProtocol", "A listener with the protocol %s has no rules", l.protocol)
	}
	r, err := newRule(c.Query)
	if err != nil {
		return nil, err
	}
	if r.actions, err = s.newActions(b, l, c.Query, "Actions.member"); err != nil {
		return nil, err
	}
	tags, err := newTags(c.Query)
	if err != nil {
		return nil, err
	}
	if err := s.admitRule(l, r); err != nil {
		return nil, err
	}
	if err := s.checkNewRoutes(b, r.actions, c.Time.Now); err != nil {
		return nil, err
	}
	s.addRule(l, r, c.Time.Now)
	s.setTags(r.arn, tags, c.Time.Now)
	return describeRulesResult{Rules: list(r.describe())}, nil
}

func newRule(q wire.Query) (*rule, error) {
	r := &rule{}
	var err error
	if r.priority, err = q.Number("Priority", 0); err != nil {
		return nil, err
	}
	var v wire.Validation
	v.Between(r.priority, 1, defaultPriority-1, "priority")
	values := 0
	for _, element := range q.Elements("Conditions.member") {
		condition := newCondition(&v, element)
		if slices.ContainsFunc(r.conditions, condition.hasField) {
			return nil, wire.ValidationFailed("A rule can have only one condition with the field '%s'", condition.Field)
		}
		values += len(condition.Values.Members)
		r.conditions = append(r.conditions, condition)
	}
	if len(r.conditions) == 0 {
		v.Missing("conditions")
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	if values > maxConditionValues {
		return nil, wire.ValidationFailed("A rule can have at most %d condition values, not %d", maxConditionValues, values)
	}
	return r, nil
}

// newCondition reads a condition, whose values can be in the configuration of its field.
func newCondition(v *wire.Validation, q wire.Query) condition {
	c := condition{Field: q.Text("Field")}
	oneOf(v, c.Field, "conditions.field", fieldHost, fieldPath)
	config := "PathPatternConfig"
	if c.Field == fieldHost {
		config = "HostHeaderConfig"
	}
	values := slices.Concat(q.List("Values.member"), q.List(config+".Values.member"))
	if len(values) == 0 {
		v.Missing("conditions.values")
	}
	for _, value := range values {
		if value == "" || len(value) > 128 {
			v.Fail(value, "conditions.values", "Member must have length between 1 and 128")
		}
	}
	c.Values = list(values...)
	if c.Field == fieldHost {
		c.HostHeaderConfig = &conditionValues{c.Values}
	} else {
		c.PathPatternConfig = &conditionValues{c.Values}
	}
	return c
}

func (c condition) hasField(other condition) bool { return c.Field == other.Field }

// admitRule checks that the load balancer has room and the priority is free for a rule.
func (s *Service) admitRule(l *listener, r *rule) error {
	count := 0
	for other := range s.rulesOf(l.loadBalancer) {
		if other.listener == l.arn && other.priority == r.priority {
			return wire.BadRequest("PriorityInUse", "Priority '%d' is currently in use", r.priority)
		}
		if !other.isDefault() {
			count++
		}
	}
	if count >= maxRules {
		return wire.BadRequest("TooManyRules", "The maximum number of rules has been reached on load balancer '%s'", l.loadBalancer)
	}
	return nil
}

// addRule adds a rule to a listener.
func (s *Service) addRule(l *listener, r *rule, now time.Time) {
	r.listener, r.loadBalancer, r.createdAt = l.arn, l.loadBalancer, now
	r.arn = s.rules.prefix + l.path + "/" + s.newID(l.path)
	s.rules.set(r.arn, r, now)
	s.routing.add(r)
}

// describeRules returns rules by ARN, else a page of a listener's, by priority with the
// default rule last.
func (s *Service) describeRules(c wire.Call) (any, error) {
	arns, of := c.List("RuleArns.member"), c.Text("ListenerArn")
	if (len(arns) == 0) == (of == "") {
		return nil, wire.ValidationFailed("You must specify either rule ARNs or a listener ARN")
	}
	var found []shown[rule]
	var next string
	var err error
	if len(arns) > 0 {
		found, err = s.rules.readAll(arns, c.Time)
	} else if _, err = s.listeners.read(of, c.Time); err == nil {
		all := s.rules.listing(c.Time, func(r shown[rule]) bool { return r.state.listener == of })
		slices.SortFunc(all, func(a, b shown[rule]) int { return cmp.Compare(a.state.priority, b.state.priority) })
		found, next, err = page(c.Query, all, (*rule).key)
	}
	if err != nil {
		return nil, err
	}
	result := describeRulesResult{NextMarker: next}
	for _, r := range found {
		result.Rules.Members = append(result.Rules.Members, r.state.describe())
	}
	return result, nil
}

func (r *rule) describe() ruleDescription {
	d := ruleDescription{
		RuleARN:    r.arn,
		Priority:   strconv.Itoa(r.priority),
		Conditions: wire.List[condition]{Members: r.conditions},
		Actions:    wire.List[action]{Members: r.actions},
		IsDefault:  r.isDefault(),
	}
	if d.IsDefault {
		d.Priority = "default"
	}
	return d
}

func (s *Service) deleteRule(c wire.Call) (any, error) {
	r, err := s.rules.find(c.Text("RuleArn"))
	if err != nil {
		return nil, err
	}
	if r.isDefault() {
		return nil, wire.BadRequest("OperationNotPermitted", "Default rule '%s' cannot be deleted", r.arn)
	}
	s.removeRule(r.arn, c.Time.Now)
	return struct{}{}, nil
}

func (s *Service) removeRule(arn string, now time.Time) {
	s.rules.remove(arn, now)
	s.tags.remove(arn, now)
}
