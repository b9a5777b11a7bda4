package v1

// Change is one attach or detach. An open one has the outcome "open", so that scripts can
// compare outcomes.
type Change struct {
	ID            string `json:"id" format:"uuid" doc:"A UUID of version 7: ids sort by intendedAt" example:"01a20ee8-6140-7a11-8000-0123456789ab"`
	Actor         string `json:"actor,omitempty" doc:"The user. Absent for an external change" example:"alice"`
	Action        string `json:"action" enum:"attach,detach" doc:"The requested action" example:"attach"`
	Pool          string `json:"pool" example:"elb/default-elb"`
	Member        string `json:"member" doc:"Its id in the pool" example:"i-5203422c"`
	Reason        string `json:"reason,omitempty" doc:"The user's reason (the request header X-Reason). Absent when none was given" example:"deploy 2026-11-24"`
	RequestID     string `json:"requestId,omitempty" doc:"The X-Request-Id of the request that asked. Absent for an external change" example:"deploy-7"`
	Source        string `json:"source" enum:"lsapi,external" doc:"lsapi, or external: another tool" example:"lsapi"`
	IntendedAt    Time   `json:"intendedAt" format:"date-time" doc:"When it was requested; for an external change, when it was found. UTC, milliseconds" example:"2026-11-24T18:54:00.000Z"`
	NotBefore     Time   `json:"notBefore,omitzero" format:"date-time" doc:"Of an external change only: it happened after this, the read before, and before intendedAt" example:"2026-11-24T18:53:58.000Z"`
	Outcome       string `json:"outcome" enum:"applied,conflict,refused,failed,withdrawn,unknown,open" doc:"applied: AWS made the change. conflict: the membership already was as requested. refused: AWS refused it, see code. failed: certainly not applied. withdrawn: its caller gave up before it was sent. unknown: it may have been applied. open: there is no outcome yet" example:"applied"`
	Code          string `json:"code,omitempty" doc:"Why it was not applied: AWS's own error code where there is one. Absent otherwise" example:"InvalidInstance"`
	Resolution    string `json:"resolution,omitempty" enum:"inferred,observed" doc:"How the outcome was found. inferred: from a membership that nothing else explains. observed: an external change, found by a later read. Absent: by AWS's answer, or because AWS was not called" example:"inferred"`
	CompletedAt   Time   `json:"completedAt,omitzero" format:"date-time" doc:"When the outcome was recorded. Absent while the change is open" example:"2026-11-24T18:54:00.217Z"`
	AWSRequestID  string `json:"awsRequestId,omitempty" doc:"AWS's id of the call that decided it" example:"c6104cbe-af31-11e0-8154-cbc7ccf896c7"`
	MembersBefore *int   `json:"membersBefore,omitempty" minimum:"0" doc:"The number of members before. Absent when unknown" example:"2"`
	MembersAfter  *int   `json:"membersAfter,omitempty" minimum:"0" doc:"The number after" example:"3"`
	Bulk          string `json:"bulk,omitempty" format:"uuid" doc:"The id of the bulk that it belongs to. Absent when it was requested alone" example:"01a20ee8-6140-7a11-8000-0123456789aa"`
	Undoes        string `json:"undoes,omitempty" format:"uuid" doc:"The change that it undoes. Absent when it undoes none"`
	IfMatch       string `json:"ifMatch,omitempty" doc:"The If-Match that it met: versions of the membership. Absent when none was given"`
	Guard         *Guard `json:"guard,omitempty" doc:"The guard that refused it, or that it overrode. Absent when there is none"`
}

// Guard is what a guard says of a change.
type Guard struct {
	Rule       string `json:"rule" doc:"The rule with its value" example:"minInService 3"`
	Overridden bool   `json:"overridden" doc:"Whether the change was made nevertheless" example:"true"`
	Reason     string `json:"reason,omitempty" doc:"Why it was overridden, as the caller said (X-Override-Guard)" example:"the machine burns"`
}

// ChangesPage is a page of changes.
type ChangesPage struct {
	Changes    []Change `json:"changes" nullable:"false" doc:"Newest first"`
	NextCursor string   `json:"nextCursor,omitempty" doc:"What to give as cursor for the next page. Absent when there are no more changes"`
}
