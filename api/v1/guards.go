package v1

// PoolGuard is what the guards of a pool allow now.
type PoolGuard struct {
	Pool       string          `json:"pool" doc:"Kind and name: the path below /v1/pools" example:"elb/default-elb"`
	Rules      []GuardRule     `json:"rules" nullable:"false" doc:"All of them hold"`
	Unknown    string          `json:"unknown,omitempty" enum:"tags,health,record" doc:"What cannot be read now, so that detaches are refused: the pool's tags, which may be guards; the health of the members; or the record, which has the detached members. Absent when nothing is missing" example:"health"`
	Frozen     bool            `json:"frozen" doc:"Whether every change is refused now"`
	InService  int             `json:"inService" minimum:"0" doc:"The number of members in service; 0 while health is unknown" example:"3"`
	Out        int             `json:"out" minimum:"0" doc:"The number of the others in members" example:"1"`
	Headroom   *int            `json:"headroom,omitempty" minimum:"0" doc:"How many members in service can be detached now. Absent when no rule limits it" example:"1"`
	Members    []GuardedMember `json:"members" nullable:"false" doc:"The members and former members that count, and how. Empty while health is unknown"`
	AsOf       Time            `json:"asOf,omitzero" format:"date-time" doc:"When the read of the members began" example:"2026-11-24T18:54:00.000Z"`
	HealthAsOf Time            `json:"healthAsOf,omitzero" format:"date-time" doc:"When the read of health began. Absent while it is unknown" example:"2026-11-24T18:54:00.000Z"`
}

// GuardRule is a rule of a pool.
type GuardRule struct {
	Kind   string `json:"kind" doc:"minInService, minInServicePerZone, maxOut, keepLast or freeze; malformed for a tag that is no valid guard. There may be more in later versions" example:"minInService"`
	Rule   string `json:"rule" doc:"The rule with its value" example:"minInService 50%"`
	Number *int   `json:"number,omitempty" minimum:"0" doc:"The number of members that it means now. Absent when it means none, or health is unknown" example:"2"`
	Source string `json:"source" doc:"Where it is from: file and line of the policy, or a tag" example:"policy.yaml:4"`
}
