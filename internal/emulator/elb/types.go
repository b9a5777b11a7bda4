package elb

import (
	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// The responses of Classic ELB, as in its API reference (2012-06-01).
type (
	describeLoadBalancersResult struct {
		LoadBalancerDescriptions wire.List[*revision]
		NextMarker               string `xml:",omitempty"`
	}

	loadBalancerDescription struct {
		LoadBalancerName          string
		DNSName                   string
		CanonicalHostedZoneName   string `xml:",omitempty"`
		CanonicalHostedZoneNameID string
		ListenerDescriptions      wire.List[listenerDescription]
		Policies                  policies
		BackendServerDescriptions wire.List[instancePortDescription]
		AvailabilityZones         wire.List[string]
		Subnets                   wire.List[string]
		VPCID                     string `xml:"VPCId"`
		Instances                 wire.List[memberInstance]
		HealthCheck               HealthCheck
		SourceSecurityGroup       sourceSecurityGroup
		SecurityGroups            wire.List[string]
		CreatedTime               wire.Timestamp
		Scheme                    string
	}

	listenerDescription struct {
		Listener    Listener
		PolicyNames wire.List[string]
	}

	// Listener is a port of a load balancer and its instances.
	Listener struct {
		Protocol         string
		LoadBalancerPort int
		InstanceProtocol string
		InstancePort     int
		SSLCertificateID string `xml:"SSLCertificateId,omitempty"`
	}

	policies struct {
		AppCookieStickinessPolicies wire.List[appCookiePolicy]
		LBCookieStickinessPolicies  wire.List[lbCookiePolicy]
		OtherPolicies               wire.List[string]
	}

	appCookiePolicy struct{ PolicyName, CookieName string }

	lbCookiePolicy struct {
		PolicyName             string
		CookieExpirationPeriod string `xml:",omitempty"`
	}

	instancePortDescription struct {
		InstancePort int
		PolicyNames  wire.List[string]
	}

	memberInstance struct {
		InstanceID string `xml:"InstanceId"`
	}

	sourceSecurityGroup struct{ OwnerAlias, GroupName string }

	// HealthCheck has times in seconds.
	HealthCheck struct {
		Target             string
		Interval           int
		Timeout            int
		UnhealthyThreshold int
		HealthyThreshold   int
	}

	createLoadBalancerResult struct{ DNSName string }

	subnetsResult        struct{ Subnets wire.List[string] }
	zonesResult          struct{ AvailabilityZones wire.List[string] }
	securityGroupsResult struct{ SecurityGroups wire.List[string] }

	describePoliciesResult struct {
		PolicyDescriptions wire.List[policyDescription]
	}

	policyDescription struct {
		PolicyName                  string
		PolicyTypeName              string
		PolicyAttributeDescriptions wire.List[policyAttribute]
	}

	policyAttribute struct{ AttributeName, AttributeValue string }

	describePolicyTypesResult struct {
		PolicyTypeDescriptions wire.List[policyTypeDescription]
	}

	policyTypeDescription struct {
		PolicyTypeName                  string
		Description                     string
		PolicyAttributeTypeDescriptions wire.List[policyAttributeType]
	}

	policyAttributeType struct{ AttributeName, AttributeType, Cardinality string }

	instancesResult struct {
		Instances wire.List[memberInstance]
	}

	describeInstanceHealthResult struct {
		InstanceStates wire.List[MemberState]
	}

	configureHealthCheckResult struct{ HealthCheck HealthCheck }

	describeAttributesResult struct{ LoadBalancerAttributes Attributes }

	modifyAttributesResult struct {
		LoadBalancerName       string
		LoadBalancerAttributes Attributes
	}

	// Attributes are those of DescribeLoadBalancerAttributes.
	Attributes struct {
		CrossZoneLoadBalancing struct{ Enabled bool }
		AccessLog              accessLog
		ConnectionDraining     connectionDraining
		ConnectionSettings     connectionSettings
		AdditionalAttributes   wire.List[additionalAttribute]
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
		TagDescriptions wire.List[tagDescription]
	}

	tagDescription struct {
		LoadBalancerName string
		Tags             wire.List[account.Tag]
	}

	describeAccountLimitsResult struct {
		Limits     wire.List[limit]
		NextMarker string `xml:",omitempty"`
	}

	limit struct {
		Name string
		Max  int
	}
)

// MemberState is the health of an instance in DescribeInstanceHealth.
type MemberState struct {
	InstanceID  string `xml:"InstanceId" json:"instanceId"`
	State       string `json:"state"`
	ReasonCode  string `json:"reasonCode"`
	Description string `json:"description"`
}
