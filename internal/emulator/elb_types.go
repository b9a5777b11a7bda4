package emulator

// What Classic ELB writes, field by field as in its API reference (2012-06-01).
type (
	describeLoadBalancersResult struct {
		LoadBalancerDescriptions list[*revision]
		NextMarker               string `xml:",omitempty"`
	}

	loadBalancerDescription struct {
		LoadBalancerName          string
		DNSName                   string
		CanonicalHostedZoneName   string `xml:",omitempty"`
		CanonicalHostedZoneNameID string
		ListenerDescriptions      list[listenerDescription]
		Policies                  policies
		BackendServerDescriptions list[struct{}]
		AvailabilityZones         list[string]
		Subnets                   list[string]
		VPCID                     string `xml:"VPCId"`
		Instances                 list[memberInstance]
		HealthCheck               healthCheck
		SourceSecurityGroup       sourceSecurityGroup
		SecurityGroups            list[string]
		CreatedTime               timestamp
		Scheme                    string
	}

	listenerDescription struct {
		Listener    listener
		PolicyNames list[string]
	}

	listener struct {
		Protocol         string
		LoadBalancerPort int
		InstanceProtocol string
		InstancePort     int
		SSLCertificateID string `xml:"SSLCertificateId,omitempty"`
	}

	policies struct {
		AppCookieStickinessPolicies list[struct{}]
		LBCookieStickinessPolicies  list[struct{}]
		OtherPolicies               list[string]
	}

	memberInstance struct {
		InstanceID string `xml:"InstanceId"`
	}

	sourceSecurityGroup struct{ OwnerAlias, GroupName string }

	// healthCheck's numbers are seconds and counts.
	healthCheck struct {
		Target             string
		Interval           int
		Timeout            int
		UnhealthyThreshold int
		HealthyThreshold   int
	}

	createLoadBalancerResult struct{ DNSName string }

	instancesResult struct {
		Instances list[memberInstance]
	}

	describeInstanceHealthResult struct {
		InstanceStates list[health]
	}

	configureHealthCheckResult struct{ HealthCheck healthCheck }

	describeAttributesResult struct{ LoadBalancerAttributes attributes }

	modifyAttributesResult struct {
		LoadBalancerName       string
		LoadBalancerAttributes attributes
	}

	attributes struct {
		CrossZoneLoadBalancing struct{ Enabled bool }
		AccessLog              accessLog
		ConnectionDraining     connectionDraining
		ConnectionSettings     connectionSettings
		AdditionalAttributes   list[additionalAttribute]
	}

	accessLog struct {
		Enabled        bool
		S3BucketName   string `xml:",omitempty"`
		EmitInterval   int    `xml:",omitempty"`
		S3BucketPrefix string `xml:",omitempty"`
	}

	// connectionDraining's timeout is in seconds.
	connectionDraining struct {
		Enabled bool
		Timeout int
	}

	// connectionSettings' timeout is in seconds.
	connectionSettings struct{ IdleTimeout int }

	additionalAttribute struct{ Key, Value string }

	describeTagsResult struct {
		TagDescriptions list[tagDescription]
	}

	tagDescription struct {
		LoadBalancerName string
		Tags             list[tag]
	}

	describeAccountLimitsResult struct {
		Limits     list[limit]
		NextMarker string `xml:",omitempty"`
	}

	limit struct {
		Name string
		Max  int
	}
)

// describe returns a revision as DescribeLoadBalancers gives it.
func describe(r *revision) loadBalancerDescription {
	d := loadBalancerDescription{
		LoadBalancerName:          r.name,
		DNSName:                   r.dnsName,
		CanonicalHostedZoneNameID: hostedZoneID,
		AvailabilityZones:         list[string]{r.zones},
		Subnets:                   list[string]{r.subnets},
		VPCID:                     VPCID,
		Instances:                 memberInstances(r.members),
		HealthCheck:               r.healthCheck,
		SourceSecurityGroup:       sourceSecurityGroup{AccountID, securityGroupName},
		SecurityGroups:            list[string]{r.securityGroups},
		CreatedTime:               timestamp(r.created),
		Scheme:                    r.scheme,
	}
	if r.scheme == schemeInternetFacing {
		d.CanonicalHostedZoneName = r.dnsName
	}
	for _, l := range r.listeners {
		d.ListenerDescriptions.Members = append(d.ListenerDescriptions.Members, listenerDescription{Listener: l})
	}
	return d
}

func memberInstances(members []member) list[memberInstance] {
	instances := make([]memberInstance, len(members))
	for n, m := range members {
		instances[n] = memberInstance{m.id}
	}
	return list[memberInstance]{instances}
}
