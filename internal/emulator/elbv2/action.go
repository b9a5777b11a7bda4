package elbv2

import (
	"cmp"
	"slices"
	"time"

	"lsapi/internal/emulator/wire"
)

// newActions returns the actions of a listener or rule, of which there is one: forward,
// fixed-response or redirect.
func (s *Service) newActions(b *loadBalancer, l *listener, q wire.Query, prefix string) ([]action, error) {
	elements := q.Elements(prefix)
	if len(elements) != 1 {
		return nil, wire.ValidationFailed("Exactly one action must be specified, not %d", len(elements))
	}
	a := action{Type: elements[0].Text("Type")}
	var v wire.Validation
	if b.kind == typeNetwork {
		oneOf(&v, a.Type, "actions.type", "forward")
	} else {
		oneOf(&v, a.Type, "actions.type", "forward", "fixed-response", "redirect")
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	var err error
	if a.Order, err = elements[0].Number("Order", 0); err != nil {
		return nil, err
	}
	switch a.Type {
	case "forward":
		err = s.setForward(&a, b, l, elements[0])
	case "fixed-response":
		err = a.setFixedResponse(elements[0])
	default:
		err = a.setRedirect(elements[0])
	}
	return []action{a}, err
}

// setForward sets the target groups of an action and checks that the listener can forward
// to them.
func (s *Service) setForward(a *action, b *loadBalancer, l *listener, q wire.Query) error {
	groups, err := forwardedGroups(q)
	if err != nil {
		return err
	}
	limit := maxGroupsInApplication
	if b.kind == typeNetwork {
		limit = maxGroupsInNetwork
	}
	if len(groups) == 0 || len(groups) > limit {
		return wire.ValidationFailed("A forward action must specify between 1 and %d target groups, not %d", limit, len(groups))
	}
	var incompatible []string
	for _, forwarded := range groups {
		g, err := s.targetGroups.find(forwarded.TargetGroupARN)
		if err != nil {
			return err
		}
		if !g.serves(b, l) {
			incompatible = append(incompatible, g.arn)
		}
	}
	if len(incompatible) > 0 {
		return errIncompatible(incompatible)
	}
	a.ForwardConfig = &forwardConfig{TargetGroups: wire.List[weightedGroup]{Members: groups}}
	if len(groups) == 1 {
		a.TargetGroupARN = groups[0].TargetGroupARN
	}
	a.ForwardConfig.TargetGroupStickinessConfig.Enabled, err = q.Bool("ForwardConfig.TargetGroupStickinessConfig.Enabled", false)
	return err
}

func errIncompatible(groups []string) error {
	return wire.BadRequest("IncompatibleProtocols", "The listener and the following target groups have incompatible protocols: %s", quoted(groups))
}

// forwardedGroups returns the target groups of a forward action with their weights.
func forwardedGroups(q wire.Query) ([]weightedGroup, error) {
	var v wire.Validation
	var groups []weightedGroup
	for _, element := range q.Elements("ForwardConfig.TargetGroups.member") {
		weight, err := element.Number("Weight", 1)
		if err != nil {
			return nil, err
		}
		v.Between(weight, 0, 999, "forwardConfig.targetGroups.weight")
		arn := element.Text("TargetGroupArn")
		if slices.ContainsFunc(groups, func(g weightedGroup) bool { return g.TargetGroupARN == arn }) {
			return nil, wire.ValidationFailed("The target group '%s' is specified more than once", arn)
		}
		groups = append(groups, weightedGroup{arn, weight})
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	if one := q.Text("TargetGroupArn"); one != "" && len(groups) == 0 {
		groups = []weightedGroup{{one, 1}}
	} else if one != "" && (len(groups) != 1 || groups[0].TargetGroupARN != one) {
		return nil, wire.ValidationFailed("TargetGroupArn and ForwardConfig specify different target groups")
	}
	return groups, nil
}

// serves reports whether a listener can forward to the group.
func (g *groupCreation) serves(b *loadBalancer, l *listener) bool {
	if b.kind == typeApplication {
		return g.forHTTP()
	}
	switch l.protocol {
	case "TLS":
		return g.protocol == "TLS" || g.protocol == "TCP"
	case "TCP", "UDP":
		return g.protocol == l.protocol || g.protocol == "TCP_UDP"
	}
	return g.protocol == l.protocol
}

func (a *action) setFixedResponse(q wire.Query) error {
	a.FixedResponseConfig = &fixedResponseConfig{
		StatusCode:  q.Text("FixedResponseConfig.StatusCode"),
		ContentType: q.Text("FixedResponseConfig.ContentType"),
		MessageBody: q.Text("FixedResponseConfig.MessageBody"),
	}
	var v wire.Validation
	v.Require(a.FixedResponseConfig.StatusCode, "fixedResponseConfig.statusCode")
	return v.Err()
}

func (a *action) setRedirect(q wire.Query) error {
	a.RedirectConfig = &redirectConfig{
		Protocol:   cmp.Or(q.Text("RedirectConfig.Protocol"), "#{protocol}"),
		Port:       cmp.Or(q.Text("RedirectConfig.Port"), "#{port}"),
		Host:       cmp.Or(q.Text("RedirectConfig.Host"), "#{host}"),
		Path:       cmp.Or(q.Text("RedirectConfig.Path"), "/#{path}"),
		Query:      cmp.Or(q.Text("RedirectConfig.Query"), "#{query}"),
		StatusCode: q.Text("RedirectConfig.StatusCode"),
	}
	var v wire.Validation
	oneOf(&v, a.RedirectConfig.StatusCode, "redirectConfig.statusCode", "HTTP_301", "HTTP_302")
	return v.Err()
}

// checkNewRoutes checks that a load balancer may forward to the target groups of new
// actions: a group belongs to one load balancer, and a load balancer has a quota of targets.
func (s *Service) checkNewRoutes(b *loadBalancer, actions []action, now time.Time) error {
	for _, arn := range groupsOf(actions) {
		before := s.routes(arn, now).loadBalancers
		if slices.Contains(before, b.arn) {
			continue
		}
		if len(before) > 0 {
			return wire.BadRequest("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: '%s'", arn)
		}
		g, err := s.targetGroups.find(arn)
		if err != nil {
			return err
		}
		if err := s.checkBalancerQuota(b.arn, arn, g.registered()); err != nil {
			return err
		}
	}
	return nil
}
