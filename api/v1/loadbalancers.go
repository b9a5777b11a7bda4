package v1

// LoadBalancersPage is a page of load balancers.
type LoadBalancersPage struct {
	LoadBalancers []LoadBalancer `json:"loadBalancers" nullable:"false" doc:"By their names"`
	NextCursor    string         `json:"nextCursor,omitempty" doc:"What to give as cursor for the next page. Absent when there are no more load balancers"`
}

// LoadBalancer is a load balancer as it is listed.
type LoadBalancer struct {
	Name       string            `json:"name" example:"default-elb"`
	DNSName    string            `json:"dnsName,omitempty" example:"default-elb-1234567890.us-east-1.elb.amazonaws.com"`
	Scheme     string            `json:"scheme,omitempty" doc:"internet-facing or internal" example:"internet-facing"`
	Zones      []string          `json:"zones,omitempty" nullable:"false" doc:"The availability zones that it serves" example:"[\"us-east-1a\",\"us-east-1b\"]"`
	Listeners  []Listener        `json:"listeners,omitempty" nullable:"false"`
	CreatedAt  Time              `json:"createdAt,omitzero" format:"date-time" example:"2019-10-01T18:00:00.000Z"`
	Tags       map[string]string `json:"tags,omitempty" nullable:"false" doc:"Absent when it has none, or AWS could not be asked"`
	Members    int               `json:"members" minimum:"0" doc:"How many members it has" example:"3"`
	Health     *HealthCounts     `json:"health,omitempty" doc:"How many are in which state. Absent when that is not known"`
	HealthAsOf Time              `json:"healthAsOf,omitzero" format:"date-time" doc:"When the asking began that health rests on"`
	AsOf       Time              `json:"asOf" format:"date-time" doc:"When the asking began that the rest of it rests on" example:"2026-11-24T18:54:00.000Z"`
}

// Listener is a port of a load balancer, and where it leads.
type Listener struct {
	Protocol         string `json:"protocol" doc:"HTTP, HTTPS, TCP or SSL" example:"HTTP"`
	Port             int    `json:"port" example:"80"`
	InstanceProtocol string `json:"instanceProtocol" example:"HTTP"`
	InstancePort     int    `json:"instancePort" example:"8000"`
	Certificate      string `json:"certificate,omitempty" doc:"The ARN of the certificate"`
}

// HealthCounts is how many members are in which state.
type HealthCounts struct {
	InService    int `json:"inService" minimum:"0"`
	OutOfService int `json:"outOfService" minimum:"0"`
	Unknown      int `json:"unknown" minimum:"0" doc:"Members of which AWS says so, or says nothing"`
	Draining     int `json:"draining" minimum:"0" doc:"Instances that are detached and whose requests in flight still finish. They are no members"`
}

// LoadBalancerDetail is a load balancer with its settings and members.
type LoadBalancerDetail struct {
	LoadBalancer
	Attributes  *Attributes  `json:"attributes,omitempty" doc:"Absent when AWS could not be asked"`
	HealthCheck *HealthCheck `json:"healthCheck,omitempty"`
	Instances   []Member     `json:"instances" nullable:"false" doc:"The members, then those that are being drained"`
}

// Attributes are settings of a load balancer.
type Attributes struct {
	Draining               bool `json:"draining" doc:"Whether requests in flight may finish when an instance is detached"`
	DrainingTimeoutSeconds int  `json:"drainingTimeoutSeconds" doc:"For how long at most" example:"300"`
	CrossZone              bool `json:"crossZone"`
	IdleTimeoutSeconds     int  `json:"idleTimeoutSeconds" example:"60"`
}

// HealthCheck is how a load balancer finds out whether its members serve.
type HealthCheck struct {
	Target             string `json:"target" example:"HTTP:8000/healthcheck"`
	IntervalSeconds    int    `json:"intervalSeconds" example:"30"`
	TimeoutSeconds     int    `json:"timeoutSeconds" example:"5"`
	UnhealthyThreshold int    `json:"unhealthyThreshold" example:"2"`
	HealthyThreshold   int    `json:"healthyThreshold" example:"10"`
}

// Member is an instance in a load balancer: what was asked for, and what is
// observed, side by side.
type Member struct {
	InstanceID        string      `json:"instanceId" example:"i-5203422c"`
	Member            bool        `json:"member" doc:"Whether AWS lists it as a member"`
	Draining          bool        `json:"draining" doc:"Whether it is detached and its requests in flight still finish"`
	InstanceType      string      `json:"instanceType,omitempty" example:"t2.micro"`
	LaunchDate        Time        `json:"launchDate,omitzero" format:"date-time" example:"2019-10-01T18:54:00.000Z"`
	Zone              string      `json:"zone,omitempty" example:"us-east-1a"`
	PrivateAddress    string      `json:"privateAddress,omitempty" example:"10.0.1.17"`
	Name              string      `json:"name,omitempty" doc:"Its tag Name" example:"web-1"`
	State             string      `json:"state,omitempty" doc:"EC2's state. Absent when EC2 does not know the instance" example:"running"`
	Health            *Health     `json:"health,omitempty" doc:"What the load balancer says of it. Absent when that is not known"`
	Since             Time        `json:"since,omitzero" format:"date-time" doc:"When it was made a member; by an external change, when that was found. Absent when it was one before the record began"`
	LastChange        *LastChange `json:"lastChange,omitempty" doc:"Its last change through lsapi. Absent when there is none on record"`
	RecordUnavailable bool        `json:"recordUnavailable,omitempty" doc:"Whether the record could not be read: since, lastChange and the health's since are absent then, whatever they are"`
}

// Health is what a load balancer says of an instance, in AWS's words.
type Health struct {
	State       string `json:"state" enum:"InService,OutOfService,Unknown" example:"OutOfService"`
	Reason      string `json:"reason,omitempty" doc:"The responsible side: ELB, Instance, or N/A" example:"ELB"`
	Description string `json:"description,omitempty" doc:"AWS's sentence" example:"Instance registration is still in progress."`
	Since       Time   `json:"since,omitzero" format:"date-time" doc:"Since when it is recorded to be so. Health is recorded while requests wait or stream"`
}

// LastChange is the change that decides what an instance was asked to be.
type LastChange struct {
	ID          string `json:"id" format:"uuid" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	Action      string `json:"action" enum:"attach,detach" example:"attach"`
	Actor       string `json:"actor,omitempty" example:"alice"`
	Reason      string `json:"reason,omitempty" example:"deploy 2026-11-24"`
	Outcome     string `json:"outcome" enum:"applied,unknown,open" example:"applied"`
	IntendedAt  Time   `json:"intendedAt" format:"date-time" example:"2026-11-24T18:54:00.000Z"`
	CompletedAt Time   `json:"completedAt,omitzero" format:"date-time" example:"2026-11-24T18:54:00.217Z"`
}
