package elbv2

import (
	"cmp"
	"slices"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

func (s *Service) createTargetGroup(c wire.Call) (any, error) {
	g, err := s.makeTargetGroup(c)
	if err != nil {
		return nil, err
	}
	return s.describeGroups([]shown[targetGroup]{{g, c.Time.Now}}, ""), nil
}

// makeTargetGroup creates a target group, or returns the one of the same settings.
func (s *Service) makeTargetGroup(c wire.Call) (*targetGroup, error) {
	g, err := s.newTargetGroup(c.Query)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(c.Query)
	if err != nil {
		return nil, err
	}
	for _, arn := range s.targetGroups.named(g.name, "") {
		if existing, ok := s.targetGroups.live(arn); ok {
			if existing.sameSettings(g) && slices.Equal(s.tagsOf(existing.arn), tags) {
				return existing, nil
			}
			return nil, wire.BadRequest("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", g.name)
		}
	}
	if s.targetGroups.count() >= s.maxTargetGroups {
		return nil, wire.BadRequest("TooManyTargetGroups", "The maximum number of target groups has been reached: %d", s.maxTargetGroups)
	}
	s.targetGroups.set(g.arn, g, c.Time.Now)
	s.setTags(g.arn, tags, c.Time.Now)
	return g, nil
}

// sameSettings reports whether the group has the parameters of a new one.
func (g *targetGroup) sameSettings(other *targetGroup) bool {
	a, b := *g.groupCreation, *other.groupCreation
	a.arn, b.arn = "", ""
	return a == b && g.check.same(other.check)
}

func (s *Service) newTargetGroup(q wire.Query) (*targetGroup, error) {
	g := &groupCreation{
		name:       q.Text("Name"),
		targetType: cmp.Or(q.Text("TargetType"), targetInstance),
		addresses:  cmp.Or(q.Text("IpAddressType"), addressesIPv4),
	}
	if err := validateName("Target group name", g.name); err != nil {
		return nil, err
	}
	var v wire.Validation
	oneOf(&v, g.targetType, "targetType", targetInstance, targetIP, targetLambda, targetALB)
	oneOf(&v, g.addresses, "ipAddressType", addressesIPv4, addressesIPv6)
	if err := v.Err(); err != nil {
		return nil, err
	}
	if g.targetType != targetLambda {
		if err := g.setTraffic(q); err != nil {
			return nil, err
		}
	}
	check, err := defaultHealthCheck(g).with(q, g)
	if err != nil {
		return nil, err
	}
	g.arn = s.targetGroups.prefix + g.name + "/" + s.newID(g.name)
	return &targetGroup{groupCreation: g, check: check}, nil
}

// setTraffic sets the protocol and port, and checks the VPC.
func (g *groupCreation) setTraffic(q wire.Query) error {
	g.protocol = q.Text("Protocol")
	var err error
	if g.port, err = q.Number("Port", 0); err != nil {
		return err
	}
	switch {
	case g.protocol == "":
		return wire.ValidationFailed("A protocol must be specified")
	case !q.Has("Port"):
		return wire.ValidationFailed("A port must be specified")
	case q.Text("VpcId") == "":
		return wire.ValidationFailed("A VPC ID must be specified")
	case q.Text("VpcId") != account.VPCID:
		return wire.ValidationFailed("The VPC ID '%s' is not found", q.Text("VpcId"))
	}
	var v wire.Validation
	protocols := []string{"HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"}
	if g.targetType == targetALB {
		protocols = []string{"TCP"}
	}
	oneOf(&v, g.protocol, "protocol", protocols...)
	v.Between(g.port, 1, 65535, "port")
	if g.forHTTP() {
		g.protocolVersion = cmp.Or(q.Text("ProtocolVersion"), "HTTP1")
		oneOf(&v, g.protocolVersion, "protocolVersion", "HTTP1", "HTTP2", "GRPC")
	}
	return v.Err()
}

func (s *Service) describeTargetGroups(c wire.Call) (any, error) {
	found, next, err := s.searchTargetGroups(c)
	if err != nil {
		return nil, err
	}
	return s.describeGroups(found, next), nil
}

// searchTargetGroups returns target groups by ARN, by name or by load balancer, else a
// page.
func (s *Service) searchTargetGroups(c wire.Call) (found []shown[targetGroup], next string, err error) {
	arns, names, balancer := c.List("TargetGroupArns.member"), c.List("Names.member"), c.Text("LoadBalancerArn")
	given := 0
	for _, present := range []bool{len(arns) > 0, len(names) > 0, balancer != ""} {
		if present {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, "", wire.ValidationFailed("Target group names, target group ARNs and a load balancer ARN cannot be specified at the same time")
	case len(arns) > 0:
		found, err = s.targetGroups.readAll(arns, c.Time)
		return found, "", err
	case len(names) > 0:
		return s.targetGroupsByName(names, c.Time)
	case balancer == "":
		return page(c.Query, s.targetGroups.listing(c.Time, everything), (*targetGroup).key)
	}
	if _, err := s.loadBalancers.read(balancer, c.Time); err != nil {
		return nil, "", err
	}
	routed := s.targetGroups.listing(c.Time, func(g shown[targetGroup]) bool {
		return slices.Contains(s.routes(g.state.arn, g.at).loadBalancers, balancer)
	})
	return page(c.Query, routed, (*targetGroup).key)
}

func (s *Service) targetGroupsByName(names []string, r account.ReadTime) ([]shown[targetGroup], string, error) {
	for _, name := range names {
		if err := validateName("Target group name", name); err != nil {
			return nil, "", err
		}
	}
	found, missing := byName(s.targetGroups, names, r, "")
	if len(missing) > 0 {
		return nil, "", s.targetGroups.errNotFound()
	}
	return found, "", nil
}

func (s *Service) describeGroups(groups []shown[targetGroup], next string) describeTargetGroupsResult {
	result := describeTargetGroupsResult{NextMarker: next}
	for _, g := range groups {
		result.TargetGroups.Members = append(result.TargetGroups.Members, g.state.describe(s.routes(g.state.arn, g.at).loadBalancers))
	}
	return result
}

// describe returns the description in DescribeTargetGroups.
func (g *targetGroup) describe(loadBalancers []string) targetGroupDescription {
	d := targetGroupDescription{
		TargetGroupARN:   g.arn,
		TargetGroupName:  g.name,
		Protocol:         g.protocol,
		ProtocolVersion:  g.protocolVersion,
		Port:             g.port,
		IPAddressType:    g.addresses,
		TargetType:       g.targetType,
		LoadBalancerARNs: wire.List[string]{Members: loadBalancers},
		healthCheck:      g.check,
	}
	if g.targetType != targetLambda {
		d.VPCID = account.VPCID
	}
	return d
}

// modifyTargetGroup changes the health check.
func (s *Service) modifyTargetGroup(c wire.Call) (any, error) {
	g, err := s.targetGroups.find(c.Text("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	next := *g
	if next.check, err = g.check.with(c.Query, g.groupCreation); err != nil {
		return nil, err
	}
	s.targetGroups.set(g.arn, &next, c.Time.Now)
	return s.describeGroups([]shown[targetGroup]{{&next, c.Time.Now}}, ""), nil
}

// deleteTargetGroup succeeds for a group that does not exist: AWS has no error for it.
func (s *Service) deleteTargetGroup(c wire.Call) (any, error) {
	arn := c.Text("TargetGroupArn")
	if err := s.targetGroups.validate(arn); err != nil {
		return nil, err
	}
	if s.routes(arn, c.Time.Now).inUse() {
		return nil, wire.BadRequest("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", arn)
	}
	s.targetGroups.remove(arn, c.Time.Now)
	s.tags.remove(arn, c.Time.Now)
	return struct{}{}, nil
}

func (s *Service) describeAttributes(c wire.Call) (any, error) {
	g, err := s.targetGroups.read(c.Text("TargetGroupArn"), c.Time)
	if err != nil {
		return nil, err
	}
	return groupAttributes.describe(g.state.groupCreation, g.state.attributes), nil
}

func (s *Service) modifyAttributes(c wire.Call) (any, error) {
	g, err := s.targetGroups.find(c.Text("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	next := *g
	if next.attributes, err = groupAttributes.with(g.groupCreation, g.attributes, c.Query); err != nil {
		return nil, err
	}
	s.targetGroups.set(g.arn, &next, c.Time.Now)
	return groupAttributes.describe(next.groupCreation, next.attributes), nil
}
