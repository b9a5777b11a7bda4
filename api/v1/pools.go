package v1

// PoolsPage is a page of pools.
type PoolsPage struct {
	Pools      []Pool         `json:"pools" nullable:"false" doc:"By kind and name"`
	NextCursor string         `json:"nextCursor,omitempty" doc:"What to give as cursor for the next page. Absent when there are no more pools"`
	Complete   bool           `json:"complete" doc:"Whether AWS has listed all pools lately. False while it fails to list those of a kind, or denies it"`
	Outdated   []OutdatedKind `json:"outdated,omitempty" nullable:"false" doc:"The kinds of which it has not. Absent when complete"`
}

// OutdatedKind is a kind of pool that AWS has not listed lately.
type OutdatedKind struct {
	Kind   string `json:"kind" example:"tg"`
	Shown  bool   `json:"shown" doc:"Whether its pools are among those shown, as of asOf or the time of each; else they are left out"`
	AsOf   Time   `json:"asOf,omitzero" format:"date-time" doc:"When AWS last listed them. Absent when it never did since the service started" example:"2026-11-24T18:54:00.000Z"`
	Reason string `json:"reason,omitempty" doc:"denied: the service's AWS role lacks the permission. Otherwise the code of AWS's failure, such as throttled, upstream or timeout. Absent when AWS has not answered yet" example:"throttled"`
}

// Pool is a pool as it is listed.
type Pool struct {
	Pool          string            `json:"pool" doc:"Kind and name: the path below /v1/pools" example:"elb/default-elb"`
	Kind          string            `json:"kind" doc:"elb: a Classic load balancer. tg: a target group. There may be more in later versions" example:"elb"`
	Name          string            `json:"name" doc:"AWS's name" example:"default-elb"`
	Scope         string            `json:"scope" doc:"The AWS account and region, by the name that lsapi has for them" example:"default"`
	ARN           string            `json:"arn,omitempty" doc:"Of a target group: AWS's id of it. A group that is made again under its name has another one"`
	TargetType    string            `json:"targetType,omitempty" doc:"Of a target group, what its members are: instance, ip, lambda or alb. Those of the last two are shown and never changed" example:"instance"`
	Protocol      string            `json:"protocol,omitempty" doc:"Of a target group: that of the traffic to its members"`
	Port          int               `json:"port,omitempty" doc:"Of a target group: the port of members that are named without one"`
	LoadBalancers []LoadBalancer    `json:"loadBalancers,omitempty" nullable:"false" doc:"Of a target group: the load balancers that route to it. Without one, its members are unused"`
	DNSName       string            `json:"dnsName,omitempty" doc:"Of a Classic load balancer" example:"default-elb-1234567890.us-east-1.elb.amazonaws.com"`
	Scheme        string            `json:"scheme,omitempty" doc:"internet-facing or internal" example:"internet-facing"`
	VPCID         string            `json:"vpcId,omitempty" example:"vpc-0a1b2c3d4e5f60718"`
	Zones         []string          `json:"zones,omitempty" nullable:"false" doc:"Its availability zones" example:"[\"us-east-1a\",\"us-east-1b\"]"`
	Listeners     []Listener        `json:"listeners,omitempty" nullable:"false"`
	CreatedAt     Time              `json:"createdAt,omitzero" format:"date-time" example:"2019-10-01T18:00:00.000Z"`
	Tags          map[string]string `json:"tags,omitempty" nullable:"false" doc:"Absent when it has none, or AWS could not be read"`
	MemberCount   *int              `json:"memberCount,omitempty" minimum:"0" doc:"The number of its members. Absent when they have not been read yet" example:"3"`
	Health        *HealthCounts     `json:"health,omitempty" doc:"The number of members in each state. Absent when unknown"`
	FailsOpen     bool              `json:"failsOpen,omitempty" doc:"Of a target group: no member is in service, so its load balancers send requests to all of them"`
	HealthAsOf    Time              `json:"healthAsOf,omitzero" format:"date-time" doc:"When the read of health began"`
	AsOf          Time              `json:"asOf,omitzero" format:"date-time" doc:"When the read of the members began. Absent when they have not been read yet" example:"2026-11-24T18:54:00.000Z"`
}

// LoadBalancer is a load balancer that routes to a target group.
type LoadBalancer struct {
	ARN  string `json:"arn"`
	Name string `json:"name" example:"shop"`
	Type string `json:"type" doc:"application, network or gateway" example:"application"`
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
	Routes            []Route      `json:"routes,omitempty" nullable:"false" doc:"Of a target group: the listeners and rules that forward to it. Absent when there are none, or AWS could not be read"`
	MembershipVersion string       `json:"membershipVersion,omitempty" doc:"The version of the set of attached members: the ETag of /members, without its quotes. Absent when they have not been read yet" example:"a25f055d33ab4349d60c941208f04bc7"`
	Members           []Member     `json:"members" nullable:"false" doc:"The attached members in AWS's order, then the draining ones"`
}

// Route is a listener that forwards to a target group, by one of its rules or by default.
type Route struct {
	LoadBalancer string   `json:"loadBalancer" doc:"The name of the load balancer" example:"shop"`
	Protocol     string   `json:"protocol" doc:"The listener's" example:"HTTPS"`
	Port         int      `json:"port" doc:"The listener's" example:"443"`
	Rule         string   `json:"rule" doc:"The priority of the rule, or default" example:"10"`
	Conditions   []string `json:"conditions,omitempty" nullable:"false" doc:"Those of the rule, all of which a request meets. Absent by default" example:"[\"path-pattern /api/*\"]"`
	Weight       *int     `json:"weight,omitempty" minimum:"0" doc:"The group's weight among those of the rule. Absent when it is the only one"`
}

// Attributes are settings of a pool.
type Attributes struct {
	Draining               bool  `json:"draining" doc:"Whether the requests in flight of a detached member may finish"`
	DrainingTimeoutSeconds int   `json:"drainingTimeoutSeconds" doc:"The longest time for that" example:"300"`
	CrossZone              *bool `json:"crossZone,omitempty" doc:"Of a Classic load balancer"`
	IdleTimeoutSeconds     int   `json:"idleTimeoutSeconds,omitempty" doc:"Of a Classic load balancer" example:"60"`
}

// HealthCheck is the health check of a pool's members.
type HealthCheck struct {
	Target             string `json:"target" example:"HTTP:8000/healthcheck"`
	IntervalSeconds    int    `json:"intervalSeconds" example:"30"`
	TimeoutSeconds     int    `json:"timeoutSeconds" example:"5"`
	UnhealthyThreshold int    `json:"unhealthyThreshold" example:"2"`
	HealthyThreshold   int    `json:"healthyThreshold" example:"10"`
	Matcher            string `json:"matcher,omitempty" doc:"Of a target group: the codes of healthy responses" example:"200-299"`
}
