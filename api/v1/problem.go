package v1

// Problem is an error as RFC 9457 has it: what went wrong in this request, for
// people, and the status and the code for programs. No value of the request is in it.
type Problem struct {
	Type   string   `json:"type" doc:"Always about:blank: code says which kind of error it is" example:"about:blank"`
	Title  string   `json:"title" doc:"The status in words" example:"Bad Request"`
	Status int      `json:"status" minimum:"400" maximum:"599" doc:"The status of the answer" example:"400"`
	Code   string   `json:"code" doc:"A word for the kind of error that never changes, for programs: invalid, unauthenticated, not_found, method_not_allowed, denied, wait_timeout, wait_failed, conflict, member.absent, pool.not_changeable, bulk.failed, bulk.skipped, precondition_failed, change.superseded, change.not_undoable, guard.min_in_service, guard.min_in_service_per_zone, guard.max_out, guard.keep_last, guard.freeze, guard.health_unknown, guard.tags_unknown, in_progress, key_reused, gone, internal, upstream, unavailable, throttled, timeout. There may be more in later versions" example:"invalid"`
	Detail string   `json:"detail" doc:"What was wrong with what" example:"query.limit: expected number <= 1000"`
	Errors []Detail `json:"errors,omitempty" nullable:"false" doc:"Each thing that is wrong with the request, when more than the detail can be said"`
	Member *Member  `json:"member,omitempty" doc:"Of a wait that ended before its condition was met: the last known state of the member"`
	// Members are those that count for a guard.
	Members []GuardedMember `json:"members,omitempty" nullable:"false" doc:"Of a refusal by a guard: the members that count, and how"`
}

// Detail is one thing that is wrong with a request.
type Detail struct {
	Location string `json:"location" doc:"Where: query or path, and the name of the parameter" example:"query.limit"`
	Message  string `json:"message" doc:"What is wrong there" example:"expected number <= 1000"`
}

// GuardedMember is a member, or a former one, as a guard counts it.
type GuardedMember struct {
	Member   string `json:"member" example:"i-0592fe5ccee879f04"`
	Zone     string `json:"zone,omitempty" doc:"Its availability zone. Absent when unknown" example:"us-east-1a"`
	Standing string `json:"standing" enum:"inService,outOfService,unknown,draining,detached" doc:"How it counts. draining and detached are former members: the latter was detached by lsapi and is not back" example:"inService"`
}
