package elb

import (
	"net/http"
	"slices"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// newZones returns the sorted zones of a new load balancer from its zones or its subnets,
// whichever the request contains.
func (s *Service) newZones(zones, subnets []string) ([]string, error) {
	if len(zones) == 0 && len(subnets) == 0 {
		return nil, wire.ValidationFailed("Either AvailabilityZones or SubnetIds must be specified")
	}
	if len(zones) > 0 && len(subnets) > 0 {
		return nil, wire.ValidationFailed("Only one of SubnetIds or AvailabilityZones may be specified")
	}
	if len(subnets) > 0 {
		return s.zonesOf(subnets)
	}
	return sorted(zones), s.validateZones(zones)
}

func (s *Service) validateZones(zones []string) error {
	for _, zone := range zones {
		if !s.account.HasZone(zone) {
			return wire.ValidationFailed("Invalid availability zone: %s", zone)
		}
	}
	return nil
}

// zonesOf returns the sorted zones of subnets.
func (s *Service) zonesOf(subnets []string) ([]string, error) {
	zones := make([]string, 0, len(subnets))
	for _, subnet := range subnets {
		zone, ok := s.account.ZoneOf(subnet)
		if !ok {
			return nil, wire.BadRequest("SubnetNotFound", "The subnet ID '%s' does not exist", subnet)
		}
		zones = append(zones, zone)
	}
	return sorted(zones), nil
}

func sorted(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// attachToSubnets and the next three change the zones, and so which members get requests.
func (s *Service) attachToSubnets(c wire.Call) (any, error) {
	return s.changeSubnets(c, with)
}

func (s *Service) detachFromSubnets(c wire.Call) (any, error) {
	return s.changeSubnets(c, without)
}

func (s *Service) enableZones(c wire.Call) (any, error) {
	return s.changeAvailabilityZones(c, with)
}

func (s *Service) disableZones(c wire.Call) (any, error) {
	return s.changeAvailabilityZones(c, without)
}

func (s *Service) changeSubnets(c wire.Call, change func(present, named []string) []string) (any, error) {
	zones, err := s.zonesOf(c.List("Subnets.member"))
	if err != nil {
		return nil, err
	}
	b, err := s.changeZones(c, "subnets", zones, change)
	if err != nil {
		return nil, err
	}
	return &subnetsResult{wire.List[string]{Members: b.subnets()}}, nil
}

func (s *Service) changeAvailabilityZones(c wire.Call, change func(present, named []string) []string) (any, error) {
	zones := c.List("AvailabilityZones.member")
	if err := s.validateZones(zones); err != nil {
		return nil, err
	}
	b, err := s.changeZones(c, "availabilityZones", zones, change)
	if err != nil {
		return nil, err
	}
	return &zonesResult{wire.List[string]{Members: b.zones}}, nil
}

// changeZones changes the zones of a load balancer, which keeps at least one.
func (s *Service) changeZones(c wire.Call, parameter string, named []string, change func(present, named []string) []string) (*revision, error) {
	if len(named) == 0 {
		var v wire.Validation
		v.Missing(parameter)
		return nil, v.Err()
	}
	b, err := s.findNamed(c)
	if err != nil {
		return nil, err
	}
	zones := change(b.latest().zones, named)
	if len(zones) == 0 {
		return nil, errConfiguration("A load balancer must have at least one Availability Zone")
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.zones = zones })
	return b.latest(), nil
}

// with returns present and added values, sorted.
func with(present, added []string) []string { return sorted(slices.Concat(present, added)) }

// without returns the present values that are not removed.
func without(present, removed []string) []string {
	return slices.DeleteFunc(slices.Clone(present), func(value string) bool { return slices.Contains(removed, value) })
}

func (s *Service) applySecurityGroups(c wire.Call) (any, error) {
	groups, err := newSecurityGroups(c.Query)
	if err != nil {
		return nil, err
	}
	b, err := s.findNamed(c)
	if err != nil {
		return nil, err
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.securityGroups = groups })
	return &securityGroupsResult{wire.List[string]{Members: groups}}, nil
}

// newSecurityGroups returns the security groups of a request, at least one.
func newSecurityGroups(q wire.Query) ([]string, error) {
	groups := wire.Unique(q.List("SecurityGroups.member"))
	if len(groups) == 0 {
		var v wire.Validation
		v.Missing("securityGroups")
		return nil, v.Err()
	}
	if slices.ContainsFunc(groups, func(id string) bool { return account.SecurityGroupName(id) == "" }) {
		return nil, wire.BadRequest("InvalidSecurityGroup", "One or more of the specified security groups do not exist.")
	}
	return groups, nil
}

// errConfiguration returns the error for settings that exclude each other. The message is
// inferred.
func errConfiguration(message string) *wire.Error {
	return &wire.Error{Status: http.StatusConflict, Code: "InvalidConfigurationRequest", Message: message}
}
