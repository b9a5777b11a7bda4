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
	actions, err := s.newActions(b, l, c.Query, "Actions.member")
	if err != nil {
		return nil, err
	}
	r.setActions(actions, c.Time.Now)
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
	if r.conditions, err = newConditions(&v, q); err != nil {
		return nil, err
	}
	return r, v.Err()
}

// newConditions returns the conditions of a rule, at least one.
func newConditions(v *wire.Validation, q wire.Query) (conditions []condition, err error) {
	values := 0
	for _, element := range q.Elements("Conditions.member") {
		condition := newCondition(v, element)
		if slices.ContainsFunc(conditions, condition.hasField) {
			return nil, wire.ValidationFailed("A rule can have only one condition with the field '%s'", condition.Field)
		}
		values += len(condition.Values.Members)
		conditions = append(conditions, condition)
	}
	if len(conditions) == 0 {
		v.Missing("conditions")
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	if values > maxConditionValues {
		return nil, wire.ValidationFailed("A rule can have at most %d condition values, not %d", maxConditionValues, values)
	}
	return conditions, nil
}

// modifyRule replaces the conditions or the actions of a rule, or both.
func (s *Service) modifyRule(c wire.Call) (any, error) {
	r, err := s.rules.find(c.Text("RuleArn"))
	if err != nil {
		return nil, err
	}
	if r.isDefault() {
		return nil, wire.BadRequest("OperationNotPermitted", "Default rule '%s' cannot be modified", r.arn)
	}
	next := *r
	if len(c.Elements("Conditions.member")) > 0 {
		var v wire.Validation
		if next.conditions, err = newConditions(&v, c.Query); err != nil {
			return nil, err
		}
	}
	if len(c.Elements("Actions.member")) > 0 {
		b, err := s.loadBalancers.find(r.loadBalancer)
		if err != nil {
			return nil, err
		}
		l, err := s.listeners.find(r.listener)
		if err != nil {
			return nil, err
		}
		if err := s.replaceActions(&next, b, l, c, "Actions.member"); err != nil {
			return nil, err
		}
	}
	s.setRule(&next, c.Time.Now)
	return describeRulesResult{Rules: list(next.describe())}, nil
}

// replaceActions sets the actions of a call.
func (s *Service) replaceActions(r *rule, b *loadBalancer, l *listener, c wire.Call, prefix string) error {
	actions, err := s.newActions(b, l, c.Query, prefix)
	if err != nil {
		return err
	}
	if err := s.checkNewRoutes(b, actions, c.Time.Now); err != nil {
		return err
	}
	r.setActions(actions, c.Time.Now)
	return nil
}

// setRule changes a rule.
func (s *Service) setRule(r *rule, now time.Time) {
	s.rules.set(r.arn, r, now)
	s.routing.add(r)
}

// setRulePriorities sets the priorities of all rules of a call or of none. Rules can swap
// theirs.
func (s *Service) setRulePriorities(c wire.Call) (any, error) {
	elements := c.Elements("RulePriorities.member")
	var v wire.Validation
	if len(elements) == 0 {
		v.Missing("rulePriorities")
	}
	var changed []*rule
	for _, element := range elements {
		priority, err := element.Number("Priority", 0)
		if err != nil {
			return nil, err
		}
		v.Between(priority, 1, defaultPriority-1, "rulePriorities.priority")
		r, err := s.rules.find(element.Text("RuleArn"))
		if err != nil {
			return nil, err
		}
		if r.isDefault() {
			return nil, wire.BadRequest("OperationNotPermitted", "The priority of the default rule '%s' cannot be changed", r.arn)
		}
		next := *r
		next.priority = priority
		changed = append(changed, &next)
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	if err := s.checkPriorities(changed); err != nil {
		return nil, err
	}
	result := describeRulesResult{}
	for _, r := range changed {
		s.setRule(r, c.Time.Now)
		result.Rules.Members = append(result.Rules.Members, r.describe())
	}
	return result, nil
}

// checkPriorities checks that no two rules of a listener have a priority after a change.
func (s *Service) checkPriorities(changed []*rule) error {
	for n, r := range changed {
		others := slices.Clone(changed[:n])
		for present := range s.rulesOf(r.loadBalancer) {
			if !slices.ContainsFunc(changed, func(c *rule) bool { return c.arn == present.arn }) {
				others = append(others, present)
			}
		}
		if slices.ContainsFunc(others, func(o *rule) bool { return o.listener == r.listener && o.priority == r.priority }) {
			return wire.BadRequest("PriorityInUse", "Priority '%d' is currently in use", r.priority)
		}
	}
	return nil
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
	r.listener, r.loadBalancer = l.arn, l.loadBalancer
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
