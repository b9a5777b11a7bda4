package v1

// Membership is the set of a pool's members.
type Membership struct {
	Pool    string   `json:"pool" example:"elb/default-elb"`
	Members []string `json:"members" nullable:"false" doc:"The members, sorted as text. Their health is not part of the set" example:"[\"i-0592fe5ccee879f04\",\"i-5203422c\"]"`
}

// Member is a member of a pool, or one that is still draining, as requested and as AWS
// reports it.
type Member struct {
	Member            string      `json:"member" doc:"Its id in the pool" example:"i-5203422c"`
	InstanceID        string      `json:"instanceId,omitempty" doc:"Absent when the member is not an instance" example:"i-5203422c"`
	Address           string      `json:"address,omitempty" doc:"The IP address of a member that is one" example:"10.0.1.7"`
	Port              int         `json:"port,omitempty" doc:"Absent in a Classic load balancer" example:"8080"`
	Attached          bool        `json:"attached" doc:"Whether AWS lists it as a member"`
	Draining          bool        `json:"draining" doc:"Whether it is detached and its requests in flight are still finishing"`
	InstanceType      string      `json:"instanceType,omitempty" example:"t2.micro"`
	LaunchDate        Time        `json:"launchDate,omitzero" format:"date-time" example:"2019-10-01T18:54:00.000Z"`
	Zone              string      `json:"zone,omitempty" example:"us-east-1a"`
	PrivateAddress    string      `json:"privateAddress,omitempty" example:"10.0.1.17"`
	Name              string      `json:"name,omitempty" doc:"Its tag Name" example:"web-1"`
	AutoScalingGroup  string      `json:"autoScalingGroup,omitempty" doc:"Its Auto Scaling group. Absent when it is in none" example:"web-asg"`
	State             string      `json:"state,omitempty" doc:"EC2's state. Absent when EC2 does not have the instance" example:"running"`
	Health            *Health     `json:"health,omitempty" doc:"Its health in the pool. Absent when unknown"`
	Since             Time        `json:"since,omitzero" format:"date-time" doc:"When it was attached; by an external change, when that was found. Absent when it was a member before the record began"`
	LastChange        *LastChange `json:"lastChange,omitempty" doc:"Its last change through lsapi. Absent when there is none on record"`
	RecordUnavailable bool        `json:"recordUnavailable,omitempty" doc:"Whether the record could not be read: then since, lastChange and the health's since are absent"`
}

// Health is the health of a member, in one vocabulary for all kinds of pools and in AWS's
// own words.
type Health struct {
	State       string `json:"state" enum:"InService,OutOfService,Unknown" example:"OutOfService"`
	AWSState    string `json:"awsState,omitempty" doc:"AWS's own word for the state, such as healthy or unused in a target group" example:"OutOfService"`
	Reason      string `json:"reason,omitempty" doc:"AWS's code of the cause: ELB, Instance or N/A; in a target group such as Target.Timeout" example:"ELB"`
	Description string `json:"description,omitempty" doc:"AWS's text" example:"Instance registration is still in progress."`
	Since       Time   `json:"since,omitzero" format:"date-time" doc:"Since when it is recorded to be so. Health is recorded while requests wait or stream"`
}

// LastChange is the last change of a member that is applied, open or unknown.
type LastChange struct {
	ID          string `json:"id" format:"uuid" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	Action      string `json:"action" enum:"attach,detach" example:"attach"`
	Actor       string `json:"actor,omitempty" example:"alice"`
	Reason      string `json:"reason,omitempty" example:"deploy 2026-11-24"`
	Outcome     string `json:"outcome" enum:"applied,unknown,open" example:"applied"`
	IntendedAt  Time   `json:"intendedAt" format:"date-time" example:"2026-11-24T18:54:00.000Z"`
	CompletedAt Time   `json:"completedAt,omitzero" format:"date-time" example:"2026-11-24T18:54:00.217Z"`
}

// MembershipAt is the membership of a pool at a time, by the record.
type MembershipAt struct {
	Pool      string           `json:"pool" example:"elb/default-elb"`
	At        Time             `json:"at" format:"date-time" doc:"The time of the answer's membership" example:"2026-11-24T18:54:00.000Z"`
	Members   []RecordedMember `json:"members" nullable:"false" doc:"The members at that time, sorted"`
	Uncertain []Change         `json:"uncertain" nullable:"false" doc:"External changes in an interval around the time (notBefore to intendedAt). members is the membership before them"`
}

// RecordedMember is a member, and the change that attached it.
type RecordedMember struct {
	Member   string `json:"member" example:"i-5203422c"`
	Since    Time   `json:"since,omitzero" format:"date-time" doc:"When it was attached; by an external change, when that was found. Absent when it was a member before the record began" example:"2026-11-24T18:54:00.000Z"`
	ChangeID string `json:"changeId,omitempty" format:"uuid" doc:"The change that attached it. Absent when that is not on record" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	Source   string `json:"source,omitempty" enum:"lsapi,external" doc:"The source of that change: lsapi, or external. Absent when it is not on record" example:"lsapi"`
}
