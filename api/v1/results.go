package v1

// The outcomes of an attach or detach that succeeded.
const (
	OutcomeApplied   = "applied"   // AWS made the change
	OutcomeUnchanged = "unchanged" // the membership already was as requested
)

// ChangeResult is the result of an attach or detach of one member.
type ChangeResult struct {
	Pool             string `json:"pool" example:"elb/default-elb"`
	Member           string `json:"member" doc:"Its id in the pool. In a target group it has the port, also if the request had none" example:"i-0592fe5ccee879f04"`
	Action           string `json:"action" enum:"attach,detach" example:"attach"`
	Outcome          string `json:"outcome" enum:"applied,unchanged" doc:"applied: AWS accepted the change. unchanged: the membership already was as requested" example:"applied"`
	ChangeID         string `json:"changeId,omitempty" format:"uuid" doc:"The id of the change in the record, as in the header X-Change-Id. Absent when it is not on record" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	AutoScalingGroup string `json:"autoScalingGroup,omitempty" doc:"The Auto Scaling group of a detached instance, which may replace it. Absent when it is in none" example:"web-asg"`
}
