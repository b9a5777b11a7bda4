package v1

// PoolsPage is a page of pools.
type PoolsPage struct {
	Pools      []Pool `json:"pools" nullable:"false" doc:"By kind and name"`
	NextCursor string `json:"nextCursor,omitempty" doc:"What to give as cursor for the next page. Absent when there are no more pools"`
}

// Pool is a pool as it is listed.
type Pool struct {
	Pool        string            `json:"pool" doc:"Kind and name: the path below /v1/pools" example:"elb/default-elb"`
	Kind        string            `json:"kind" doc:"elb: a Classic load balancer. There may be more in later versions" example:"elb"`
	Name        string            `json:"name" doc:"AWS's name" example:"default-elb"`
	Scope       string            `json:"scope" doc:"The AWS account and region, by the name that lsapi has for them" example:"default"`
	DNSName     string            `json:"dnsName,omitempty" example:"default-elb-1234567890.us-east-1.elb.amazonaws.com"`
	Scheme      string            `json:"scheme,omitempty" doc:"internet-facing or internal" example:"internet-facing"`
	VPCID       string            `json:"vpcId,omitempty" example:"vpc-0a1b2c3d4e5f60718"`
	Zones       []string          `json:"zones,omitempty" nullable:"false" doc:"Its availability zones" example:"[\"us-east-1a\",\"us-east-1b\"]"`
	Listeners   []Listener        `json:"listeners,omitempty" nullable:"false"`
	CreatedAt   Time              `json:"createdAt,omitzero" format:"date-time" example:"2019-10-01T18:00:00.000Z"`
	Tags        map[string]string `json:"tags,omitempty" nullable:"false" doc:"Absent when it has none, or AWS could not be read"`
	MemberCount int               `json:"memberCount" minimum:"0" doc:"The number of its members" example:"3"`
	Health      *HealthCounts     `json:"health,omitempty" doc:"The number of members in each state. Absent when unknown"`
	HealthAsOf  Time              `json:"healthAsOf,omitzero" format:"date-time" doc:"When the read of health began"`
	AsOf        Time              `json:"asOf" format:"date-time" doc:"When the read of the rest began" example:"2026-11-24T18:54:00.000Z"`
}

// Listener is a port of a load balancer, and its target.
type Listener struct {
	Protocol         string `json:"protocol" doc:"HTTP, HTTPS, TCP or SSL" example:"HTTP"`
	Port             int    `json:"port" example:"80"`
	InstanceProtocol string `json:"instanceProtocol" example:"HTTP"`
	InstancePort     int    `json:"instancePort" example:"8000"`
	Certificate      string `json:"certificate,omitempty" doc:"The ARN of the certificate"`
}

// HealthCounts is the number of members in each state.
type HealthCounts struct {
	InService    int `json:"inService" minimum:"0"`
	OutOfService int `json:"outOfService" minimum:"0"`
	Unknown      int `json:"unknown" minimum:"0" doc:"Members that AWS reports as unknown, or without health"`
	Draining     int `json:"draining" minimum:"0" doc:"Detached members whose requests in flight are still finishing. They are not counted as members"`
}

// PoolDetail is a pool with its settings and members.
type PoolDetail struct {
	Pool
	Attributes        *Attributes  `json:"attributes,omitempty" doc:"Absent when AWS could not be read"`
	HealthCheck       *HealthCheck `json:"healthCheck,omitempty"`
	MembershipVersion string       `json:"membershipVersion" doc:"The version of the set of attached members: the ETag of /members, without its quotes" example:"a25f055d33ab4349d60c941208f04bc7"`
	Members           []Member     `json:"members" nullable:"false" doc:"The attached members in AWS's order, then the draining ones"`
}

// Attributes are settings of a load balancer.
type Attributes struct {
	Draining               bool `json:"draining" doc:"Whether the requests in flight of a detached instance may finish"`
	DrainingTimeoutSeconds int  `json:"drainingTimeoutSeconds" doc:"The longest time for that" example:"300"`
	CrossZone              bool `json:"crossZone"`
	IdleTimeoutSeconds     int  `json:"idleTimeoutSeconds" example:"60"`
}

// HealthCheck is the health check of a pool's members.
type HealthCheck struct {
	Target             string `json:"target" example:"HTTP:8000/healthcheck"`
	IntervalSeconds    int    `json:"intervalSeconds" example:"30"`
	TimeoutSeconds     int    `json:"timeoutSeconds" example:"5"`
	UnhealthyThreshold int    `json:"unhealthyThreshold" example:"2"`
	HealthyThreshold   int    `json:"healthyThreshold" example:"10"`
}
