package elbv2

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// The types in the ARNs of load balancers.
const (
	pathApplication = "app/"
	pathNetwork     = "net/"
)

// provisioningTime is how long a new load balancer has the state provisioning.
const provisioningTime = time.Second

// sameSettings reports whether both were created with the same parameters.
func (b *loadBalancer) sameSettings(other *loadBalancer) bool {
	return b.kind == other.kind && b.scheme == other.scheme &&
		slices.Equal(b.zones, other.zones) && slices.Equal(b.securityGroups, other.securityGroups)
}

func (s *Service) createLoadBalancer(c wire.Call) (any, error) {
	b, err := s.makeLoadBalancer(c)
	if err != nil {
		return nil, err
	}
	return describeLoadBalancersResult{LoadBalancers: list(b.describe(c.Time.Now))}, nil
}

// makeLoadBalancer creates a load balancer, or returns the one of the same settings.
func (s *Service) makeLoadBalancer(c wire.Call) (*loadBalancer, error) {
	b, err := s.newLoadBalancer(c)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(c.Query)
	if err != nil {
		return nil, err
	}
	count := 0
	for existing := range s.loadBalancers.all() {
		if existing.name == b.name {
			if existing.sameSettings(b) && slices.Equal(s.tagsOf(existing.arn), tags) {
				return existing, nil
			}
			return nil, wire.BadRequest("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with different settings", b.name)
		}
		if existing.kind == b.kind {
			count++
		}
	}
	if count >= s.maxLoadBalancers {
		return nil, wire.BadRequest("TooManyLoadBalancers", "The maximum number of %s load balancers has been reached: %d", b.kind, s.maxLoadBalancers)
	}
	s.loadBalancers.set(b.arn, b, c.Time.Now)
	s.setTags(b.arn, tags, c.Time.Now)
	return b, nil
}

func (s *Service) newLoadBalancer(c wire.Call) (*loadBalancer, error) {
	b := &loadBalancer{
		name:      c.Text("Name"),
		kind:      cmp.Or(c.Text("Type"), typeApplication),
		scheme:    cmp.Or(c.Text("Scheme"), schemeInternetFacing),
		createdAt: c.Time.Now,
	}
	if err := validateName("The load balancer name", b.name); err != nil {
		return nil, err
	}
	if strings.HasPrefix(b.name, "internal-") {
		return nil, wire.ValidationFailed("The load balancer name '%s' cannot begin with 'internal-'", b.name)
	}
	var v wire.Validation
	oneOf(&v, b.kind, "type", typeApplication, typeNetwork)
	oneOf(&v, b.scheme, "scheme", schemeInternetFacing, schemeInternal)
	oneOf(&v, cmp.Or(c.Text("IpAddressType"), addressesIPv4), "ipAddressType", addressesIPv4)
	if err := v.Err(); err != nil {
		return nil, err
	}
	groups, err := newSecurityGroups(c.Query)
	if err != nil {
		return nil, err
	}
	b.securityGroups = groups
	if len(groups) == 0 && b.kind == typeApplication {
		b.securityGroups = []string{account.SecurityGroupID}
	}
	zones, err := s.zonesOf(c.Query, b.kind)
	if err != nil {
		return nil, err
	}
	b.zones = zones
	short := pathApplication
	if b.kind == typeNetwork {
		short = pathNetwork
	}
	b.path = short + b.name + "/" + s.newID(b.name)
	b.arn = s.loadBalancers.prefix + b.path
	b.dnsName = s.dnsName(b)
	return b, nil
}

// dnsName returns the DNS name of a load balancer, the same in every run.
func (s *Service) dnsName(b *loadBalancer) string {
	hash := fnv.New32a()
	hash.Write([]byte(b.name)) // never fails
	if b.kind == typeNetwork {
		return fmt.Sprintf("%s-%010d.elb.%s.amazonaws.com", b.name, hash.Sum32(), s.account.Region)
	}
	prefix := ""
	if b.scheme == schemeInternal {
		prefix = "internal-"
	}
	return fmt.Sprintf("%s%s-%010d.%s.elb.amazonaws.com", prefix, b.name, hash.Sum32(), s.account.Region)
}

// zonesOf returns the sorted zones of a load balancer from its subnets.
func (s *Service) zonesOf(q wire.Query, kind string) ([]string, error) {
	subnets, mapped := q.List("Subnets.member"), q.Column("SubnetMappings.member", "SubnetId")
	if (len(subnets) == 0) == (len(mapped) == 0) {
		return nil, wire.ValidationFailed("You must specify either subnets or subnet mappings")
	}
	var zones []string
	for _, subnet := range slices.Concat(subnets, mapped) {
		zone, ok := s.account.ZoneOf(subnet)
		if !ok {
			return nil, wire.BadRequest("SubnetNotFound", "The subnet ID '%s' does not exist", subnet)
		}
		if slices.Contains(zones, zone) {
			return nil, wire.BadRequest("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zones = append(zones, zone)
	}
	if kind == typeApplication && len(zones) < 2 {
		return nil, wire.ValidationFailed("At least two subnets in two different Availability Zones must be specified")
	}
	slices.Sort(zones)
	return zones, nil
}

// setSubnets replaces the zones, and so which targets get requests.
func (s *Service) setSubnets(c wire.Call) (any, error) {
	b, err := s.loadBalancers.find(c.Text("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	next := *b
	if next.zones, err = s.zonesOf(c.Query, b.kind); err != nil {
		return nil, err
	}
	s.loadBalancers.set(b.arn, &next, c.Time.Now)
	return setSubnetsResult{AvailabilityZones: next.describe(c.Time.Now).AvailabilityZones, IPAddressType: addressesIPv4}, nil
}

// setSecurityGroups replaces the security groups. A Network Load Balancer that was created
// without any cannot have them later.
func (s *Service) setSecurityGroups(c wire.Call) (any, error) {
	b, err := s.loadBalancers.find(c.Text("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	groups, err := newSecurityGroups(c.Query)
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		var v wire.Validation
		v.Missing("securityGroups")
		return nil, v.Err()
	}
	if len(b.securityGroups) == 0 {
		return nil, wire.BadRequest("InvalidConfigurationRequest", "Security groups cannot be set for the load balancer '%s', which was created without any", b.arn)
	}
	next := *b
	next.securityGroups = groups
	s.loadBalancers.set(b.arn, &next, c.Time.Now)
	return setSecurityGroupsResult{list(groups...)}, nil
}

// newSecurityGroups returns the security groups of a call.
func newSecurityGroups(q wire.Query) ([]string, error) {
	groups := wire.Unique(q.List("SecurityGroups.member"))
	for _, id := range groups {
		if account.SecurityGroupName(id) == "" {
			return nil, wire.BadRequest("InvalidSecurityGroup", "The security group '%s' does not exist", id)
		}
	}
	return groups, nil
}

func (s *Service) describeLoadBalancers(c wire.Call) (any, error) {
	found, next, err := s.searchLoadBalancers(c)
	if err != nil {
		return nil, err
	}
	result := describeLoadBalancersResult{NextMarker: next}
	for _, b := range found {
		result.LoadBalancers.Members = append(result.LoadBalancers.Members, b.state.describe(b.at))
	}
	return result, nil
}

// searchLoadBalancers returns load balancers by ARN or by name, else a page.
func (s *Service) searchLoadBalancers(c wire.Call) (found []shown[loadBalancer], next string, err error) {
	arns, names := c.List("LoadBalancerArns.member"), c.List("Names.member")
	switch {
	case len(arns) > 0 && len(names) > 0:
		return nil, "", wire.ValidationFailed("Load balancer names and load balancer ARNs cannot be specified at the same time")
	case len(arns) > 0:
		found, err = s.loadBalancers.readAll(arns, c.Time)
		return found, "", err
	case len(names) == 0:
		return page(c.Query, s.loadBalancers.listing(c.Time, everything), (*loadBalancer).key)
	}
	found, missing := byName(s.loadBalancers, names, c.Time, pathApplication, pathNetwork)
	if len(missing) > 0 {
		return nil, "", wire.BadRequest("LoadBalancerNotFound", "Load balancers '[%s]' not found", strings.Join(missing, ", "))
	}
	return found, "", nil
}

// byName returns resources by the name in their ARNs, and the names without one.
func byName[T any](c *collection[T], names []string, r account.ReadTime, types ...string) (found []shown[T], missing []string) {
	for _, name := range wire.Unique(names) {
		before := len(found)
		for _, arn := range c.named(name, types...) { // a name that is used again has several ARNs for a while
			if one, err := c.read(arn, r); err == nil {
				found = append(found, one)
			}
		}
		if len(found) == before {
			missing = append(missing, name)
		}
	}
	return found, missing
}

// deleteLoadBalancer deletes the listeners too. It succeeds for a load balancer that does
// not exist, as in AWS.
func (s *Service) deleteLoadBalancer(c wire.Call) (any, error) {
	arn := c.Text("LoadBalancerArn")
	if err := s.loadBalancers.validate(arn); err != nil {
		return nil, err
	}
	if b, ok := s.loadBalancers.live(arn); ok && b.protected() {
		return nil, wire.BadRequest("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", arn)
	}
	for l := range s.listeners.all() {
		if l.loadBalancer == arn {
			s.removeListener(l.arn, c.Time.Now)
		}
	}
	s.loadBalancers.remove(arn, c.Time.Now)
	s.tags.remove(arn, c.Time.Now)
	return struct{}{}, nil
}

// describe returns the description in DescribeLoadBalancers.
func (b *loadBalancer) describe(t time.Time) loadBalancerDescription {
	d := loadBalancerDescription{
		LoadBalancerARN:       b.arn,
		DNSName:               b.dnsName,
		CanonicalHostedZoneID: "Z35SXDOTRQ7X7K", // of Application Load Balancers in us-east-1
		CreatedTime:           wire.Timestamp(b.createdAt),
		LoadBalancerName:      b.name,
		Scheme:                b.scheme,
		VPCID:                 account.VPCID,
		State:                 loadBalancerState{"active"},
		Type:                  b.kind,
		SecurityGroups:        wire.List[string]{Members: b.securityGroups},
		IPAddressType:         addressesIPv4,
	}
	if b.kind == typeNetwork {
		d.CanonicalHostedZoneID = "Z26RNL4JYFTOTI"
	}
	if t.Before(b.createdAt.Add(provisioningTime)) {
		d.State.Code = "provisioning"
	}
	for _, zone := range b.zones {
		d.AvailabilityZones.Members = append(d.AvailabilityZones.Members, availabilityZone{ZoneName: zone, SubnetID: account.SubnetOf(zone)})
	}
	return d
}
