package v1

// The outcomes of an attach or detach that succeeded.
const (
	OutcomeApplied   = "applied"   // AWS made the change
	OutcomeUnchanged = "unchanged" // the membership already was as requested
)

// The further outcomes of a member of a bulk, and of a dry run.
const (
	OutcomeWouldApply = "wouldApply" // of a dry run: the change would be sent to AWS
	OutcomeRefused    = "refused"    // by lsapi, a guard or AWS; the problem has the reason
	OutcomeFailed     = "failed"     // certainly not made
	OutcomeUnknown    = "unknown"    // it may have been made
	OutcomeSkipped    = "skipped"    // not sent, because another member of an atomic bulk was refused
)

// ChangeResult is the result of an attach or detach of one member.
type ChangeResult struct {
	Pool             string `json:"pool" example:"elb/default-elb"`
	Member           string `json:"member" doc:"Its id in the pool. In a target group it has the port, also if the request had none" example:"i-0592fe5ccee879f04"`
	Action           string `json:"action" enum:"attach,detach" example:"attach"`
	Outcome          string `json:"outcome" enum:"applied,unchanged,wouldApply,refused" doc:"applied: AWS accepted the change. unchanged: the membership already was as requested. Of a dry run: wouldApply: the change would be sent. refused: it would not, see problem" example:"applied"`
	DryRun           bool   `json:"dryRun,omitempty" doc:"Whether it was a dry run: nothing was sent, nothing was recorded"`
	Guard            *Guard `json:"guard,omitempty" doc:"The guard that the change overrode. Absent when there is none"`
	ChangeID         string `json:"changeId,omitempty" format:"uuid" doc:"The id of the change in the record, as in the header X-Change-Id. Absent when it is not on record" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	AutoScalingGroup string `json:"autoScalingGroup,omitempty" doc:"The Auto Scaling group of a detached instance, which may replace it. Absent when it is in none" example:"web-asg"`
	Undoes           string `json:"undoes,omitempty" format:"uuid" doc:"The change that it undoes. Absent when it undoes none"`
	// Problem is only in a dry run: else it is the answer.
	Problem *Problem `json:"problem,omitempty" doc:"Of a dry run: the answer that the request would get. Absent when the change would be sent, or is not needed"`
}

// BulkChange is the body of PATCH /v1/pools/{pool}/members.
type BulkChange struct {
	Attach []string `json:"attach,omitempty" nullable:"false" maxItems:"1000" doc:"The members to attach. One without a port has the target group's"`
	Detach []string `json:"detach,omitempty" nullable:"false" maxItems:"1000" doc:"The members to detach. No member may be named twice"`
	Reason string   `json:"reason,omitempty" maxLength:"256" doc:"Why, for the record: at most 256 characters. In place of the header X-Reason"`
}

// DesiredMembers is the body of PUT /v1/pools/{pool}/members.
type DesiredMembers struct {
	Members []string `json:"members" nullable:"false" maxItems:"1000" doc:"The members that the pool is to have, none twice. An empty list detaches every member, and takes If-Match"`
	Reason  string   `json:"reason,omitempty" maxLength:"256" doc:"Why, for the record: at most 256 characters. In place of the header X-Reason"`
}

// BulkResult is the result of a change of several members. If some were not changed, it is
// that of a BulkProblem.
type BulkResult struct {
	Pool    string         `json:"pool" example:"elb/default-elb"`
	DryRun  bool           `json:"dryRun,omitempty" doc:"Whether it was a dry run: nothing was sent, nothing was recorded"`
	BulkID  string         `json:"bulkId,omitempty" format:"uuid" doc:"The id of the bulk in the record: GET /v1/changes?bulk= has its changes. Absent when nothing is on record"`
	Results []MemberResult `json:"results" nullable:"false" doc:"The result of each member, in the order of the request: attach, then detach. For a desired set: its members, then those that it lacks"`
}

// MemberResult is the result of one member of a bulk.
type MemberResult struct {
	Member           string   `json:"member" doc:"Its id in the pool" example:"i-0592fe5ccee879f04"`
	Action           string   `json:"action" enum:"attach,detach" example:"detach"`
	Outcome          string   `json:"outcome" enum:"applied,unchanged,wouldApply,refused,failed,unknown,skipped" doc:"applied: AWS accepted the change. unchanged: the membership already was as requested. wouldApply: of a dry run, the change would be sent. refused: see problem. failed: certainly not made. unknown: it may have been made. skipped: another member of an atomic bulk was refused" example:"applied"`
	ChangeID         string   `json:"changeId,omitempty" format:"uuid" doc:"The id of the change. Absent when it is not on record"`
	AutoScalingGroup string   `json:"autoScalingGroup,omitempty" doc:"The Auto Scaling group of a detached instance, which may replace it. Absent when it is in none"`
	Guard            *Guard   `json:"guard,omitempty" doc:"The guard that refused the change, or that it overrode. Absent when there is none"`
	Problem          *Problem `json:"problem,omitempty" doc:"Why it was not made. With the code wait_failed it was made, and its effect was not confirmed; member is the last known state. Absent otherwise. Only the first refusal by each guard has members"`
}

// BulkProblem is the error of a change of several members that was decided: bulk.failed if
// some were not changed, wait_failed if the effects of some were not confirmed.
type BulkProblem struct {
	Problem
	BulkResult
}
