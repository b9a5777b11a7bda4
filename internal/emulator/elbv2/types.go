package elbv2

import (
	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// list returns a list with the members.
func list[T any](members ...T) wire.List[T] { return wire.List[T]{Members: members} }

// The responses of ELBv2, as in its API reference (2015-12-01).
type (
	describeLoadBalancersResult struct {
		LoadBalancers wire.List[loadBalancerDescription]
		NextMarker    string `xml:",omitempty"`
	}

	loadBalancerDescription struct {
		LoadBalancerARN       string `xml:"LoadBalancerArn"`
		DNSName               string
		CanonicalHostedZoneID string `xml:"CanonicalHostedZoneId"`
		CreatedTime           wire.Timestamp
		LoadBalancerName      string
		Scheme                string
		VPCID                 string `xml:"VpcId"`
		State                 loadBalancerState
		Type                  string
		AvailabilityZones     wire.List[availabilityZone]
		SecurityGroups        wire.List[string]
		IPAddressType         string `xml:"IpAddressType"`
	}

	loadBalancerState struct{ Code string }

	setSubnetsResult struct {
		AvailabilityZones wire.List[availabilityZone]
		IPAddressType     string `xml:"IpAddressType"`
	}

	setSecurityGroupsResult struct {
		SecurityGroupIDs wire.List[string] `xml:"SecurityGroupIds"`
	}

	availabilityZone struct {
		ZoneName              string
		SubnetID              string `xml:"SubnetId"`
		LoadBalancerAddresses wire.List[struct{}]
	}

	describeTargetGroupsResult struct {
		TargetGroups wire.List[targetGroupDescription]
		NextMarker   string `xml:",omitempty"`
	}

	// targetGroupDescription has no protocol, port and VPC for Lambda functions.
	targetGroupDescription struct {
		TargetGroupARN   string `xml:"TargetGroupArn"`
		TargetGroupName  string
		Protocol         string `xml:",omitempty"`
		ProtocolVersion  string `xml:",omitempty"`
		Port             int    `xml:",omitempty"`
		VPCID            string `xml:"VpcId,omitempty"`
		IPAddressType    string `xml:"IpAddressType"`
		TargetType       string
		LoadBalancerARNs wire.List[string] `xml:"LoadBalancerArns"`
		healthCheck
	}

	// healthCheck has times in seconds.
	healthCheck struct {
		HealthCheckEnabled         bool
		HealthCheckProtocol        string `xml:",omitempty"`
		HealthCheckPort            string `xml:",omitempty"`
		HealthCheckPath            string `xml:",omitempty"`
		HealthCheckIntervalSeconds int
		HealthCheckTimeoutSeconds  int
		HealthyThresholdCount      int
		UnhealthyThresholdCount    int
		Matcher                    *matcher
	}

	matcher struct {
		HTTPCode string `xml:"HttpCode"`
	}

	attributesResult struct{ Attributes wire.List[attribute] }

	attribute struct{ Key, Value string }

	describeTargetHealthResult struct {
		TargetHealthDescriptions wire.List[targetHealthDescription]
	}

	targetHealthDescription struct {
		Target          targetDescription
		HealthCheckPort string `xml:",omitempty"`
		TargetHealth    TargetHealth
	}

	targetDescription struct {
		ID               string `xml:"Id"`
		Port             int    `xml:",omitempty"`
		AvailabilityZone string `xml:",omitempty"`
	}

	describeListenersResult struct {
		Listeners  wire.List[listenerDescription]
		NextMarker string `xml:",omitempty"`
	}

	listenerDescription struct {
		ListenerARN     string `xml:"ListenerArn"`
		LoadBalancerARN string `xml:"LoadBalancerArn"`
		Port            int
		Protocol        string
		Certificates    wire.List[certificate]
		DefaultActions  wire.List[action]
	}

	describeRulesResult struct {
		Rules      wire.List[ruleDescription]
		NextMarker string `xml:",omitempty"`
	}

	ruleDescription struct {
		RuleARN    string `xml:"RuleArn"`
		Priority   string
		Conditions wire.List[condition]
		Actions    wire.List[action]
		IsDefault  bool
	}

	// condition has its values twice: also in the configuration of its field.
	condition struct {
		Field             string
		Values            wire.List[string]
		HostHeaderConfig  *conditionValues `xml:",omitempty"`
		PathPatternConfig *conditionValues `xml:",omitempty"`
	}

	conditionValues struct{ Values wire.List[string] }

	describeTagsResult struct {
		TagDescriptions wire.List[tagDescription]
	}

	tagDescription struct {
		ResourceARN string `xml:"ResourceArn"`
		Tags        wire.List[account.Tag]
	}

	describeAccountLimitsResult struct {
		Limits     wire.List[limit]
		NextMarker string `xml:",omitempty"`
	}

	limit struct {
		Name string
		Max  int
	}

	certificate struct {
		CertificateARN string `xml:"CertificateArn"`
	}

	// action has the configuration of its type alone.
	action struct {
		Type                string
		Order               int                  `xml:",omitempty"`
		TargetGroupARN      string               `xml:"TargetGroupArn,omitempty"`
		ForwardConfig       *forwardConfig       `xml:",omitempty"`
		FixedResponseConfig *fixedResponseConfig `xml:",omitempty"`
		RedirectConfig      *redirectConfig      `xml:",omitempty"`
	}

	forwardConfig struct {
		TargetGroups                wire.List[weightedGroup]
		TargetGroupStickinessConfig struct{ Enabled bool }
	}

	weightedGroup struct {
		TargetGroupARN string `xml:"TargetGroupArn"`
		Weight         int
	}

	fixedResponseConfig struct {
		StatusCode  string
		ContentType string `xml:",omitempty"`
		MessageBody string `xml:",omitempty"`
	}

	redirectConfig struct {
		Protocol, Port, Host, Path, Query, StatusCode string
	}
)

// TargetHealth is the health of a target in DescribeTargetHealth. A healthy target has
// neither reason nor description.
type TargetHealth struct {
	State       string `json:"state"`
	Reason      string `json:"reason,omitempty" xml:",omitempty"`
	Description string `json:"description,omitempty" xml:",omitempty"`
}
