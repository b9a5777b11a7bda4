package v1

// The types of notifications: the type of a CloudEvent whose data is a Notification.
const (
	NotifyDrift      = "io.lsapi.membership.drift"  // the members changed outside of lsapi
	NotifyRefused    = "io.lsapi.change.refused"    // a guard refused changes
	NotifyOverridden = "io.lsapi.change.overridden" // changes were made against a guard
	NotifyUnknown    = "io.lsapi.change.unknown"    // it is unknown whether changes were made
	NotifyOut        = "io.lsapi.member.out"        // members have been out for longer than configured
	NotifyGap        = "io.lsapi.notifications.gap" // events were pruned before they could be sent
	NotifyTest       = "io.lsapi.notifications.test"
)

// Notification is the data of a notification.
type Notification struct {
	Text    string      `json:"text" doc:"One line for people" example:"tg/web: a guard refused alice's detach of i-5203422c:8080 (minInService 3)"`
	Pool    string      `json:"pool,omitempty" doc:"Absent in a gap and in a test" example:"tg/web"`
	Count   int         `json:"count,omitempty" doc:"The number of changes, or of members that are out" example:"1"`
	Changes []Change    `json:"changes,omitempty" doc:"The first 50 of the changes. Of members that are out: those that detached them"`
	Out     []OutMember `json:"out,omitempty" doc:"The first 50 of the members that are out"`
	Since   Time        `json:"since,omitzero" format:"date-time" doc:"Of a gap: the time of the last event before it"`
}

// OutMember is a member that is out of service, or that lsapi detached and that is not back.
type OutMember struct {
	Member string  `json:"member" example:"i-5203422c:8080"`
	Since  Time    `json:"since" format:"date-time" doc:"When its health was recorded, or its detach requested"`
	Health *Health `json:"health,omitempty" doc:"Its recorded health. Absent for a detached one"`
}
