package v1

// Instance is an EC2 instance and the pools that it serves in.
type Instance struct {
	InstanceID       string               `json:"instanceId" example:"i-5203422c"`
	InstanceType     string               `json:"instanceType,omitempty" example:"t2.micro"`
	LaunchDate       Time                 `json:"launchDate,omitzero" format:"date-time" example:"2019-10-01T18:54:00.000Z"`
	Zone             string               `json:"zone,omitempty" example:"us-east-1a"`
	PrivateAddress   string               `json:"privateAddress,omitempty" example:"10.0.1.17"`
	Name             string               `json:"name,omitempty" doc:"Its tag Name" example:"web-1"`
	AutoScalingGroup string               `json:"autoScalingGroup,omitempty" doc:"Its Auto Scaling group. Absent when it is in none" example:"web-asg"`
	State            string               `json:"state,omitempty" doc:"EC2's state. Absent when EC2 does not have the instance, or could not be read" example:"running"`
	Complete         bool                 `json:"complete" doc:"Whether all pools were read as fresh as requested, so that none is missing. False while AWS fails to list a kind of pool, or denies it, while target groups have not been read since the service started, and if a read with Cache-Control: no-cache has failed"`
	Unread           []string             `json:"unread,omitempty" nullable:"false" doc:"The pools that were not: their memberships are shown as of an earlier time, or missing" example:"[\"elb/web-elb\"]"`
	Outdated         []OutdatedKind       `json:"outdated,omitempty" nullable:"false" doc:"The kinds of pools that AWS has not listed as lately as requested: pools of theirs may be missing"`
	Memberships      []InstanceMembership `json:"memberships" nullable:"false" doc:"The pools that it is a member of, or draining in, sorted"`
}

// InstanceMembership is an instance as a member of a pool, or draining in it.
type InstanceMembership struct {
	Pool              string      `json:"pool" example:"elb/default-elb"`
	Member            string      `json:"member" doc:"Its id in the pool" example:"i-5203422c"`
	Port              int         `json:"port,omitempty" doc:"Absent in a Classic load balancer" example:"8080"`
	Attached          bool        `json:"attached" doc:"Whether AWS lists it as a member"`
	Draining          bool        `json:"draining" doc:"Whether it is detached and its requests in flight are still finishing"`
	Health            *Health     `json:"health,omitempty" doc:"Its health in the pool. Absent when unknown"`
	HealthAsOf        Time        `json:"healthAsOf,omitzero" format:"date-time" doc:"When the read of health began"`
	AsOf              Time        `json:"asOf" format:"date-time" doc:"When the read of the membership began" example:"2026-11-24T18:54:00.000Z"`
	Since             Time        `json:"since,omitzero" format:"date-time" doc:"When it was attached; by an external change, when that was found. Absent when it was a member before the record began"`
	LastChange        *LastChange `json:"lastChange,omitempty" doc:"Its last change through lsapi. Absent when there is none on record"`
	RecordUnavailable bool        `json:"recordUnavailable,omitempty" doc:"Whether the record could not be read: then since, lastChange and the health's since are absent"`
}
