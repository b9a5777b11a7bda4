package app

import (
	"lsapi"
	"lsapi/internal/auth"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/events"
	"lsapi/internal/fleet"
	"lsapi/internal/health"
	"lsapi/internal/membership"
	"lsapi/internal/notify"
	"lsapi/internal/policy"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
)

func registerBudgetMetrics(metrics *telemetry.Metrics, b *budget.Budget) {
	for i, s := range b.Stats() {
		show := func(add adder, name, help string, value func(budget.Stats) float64) {
			// Stats always returns the same order.
			add(name, help, func() float64 { return value(b.Stats()[i]) }, "category", string(s.Category))
		}
		show(metrics.Gauge, "lsapi_budget_tokens", "Tokens left: requests that can be sent to AWS immediately.",
			func(s budget.Stats) float64 { return s.Tokens })
		show(metrics.Gauge, "lsapi_budget_waiting", "Attempts waiting for a token.",
			func(s budget.Stats) float64 { return float64(s.Waiting) })
		show(metrics.Counter, "lsapi_budget_attempts_total", "Attempts that took a token, including retries.",
			func(s budget.Stats) float64 { return float64(s.Attempts) })
		show(metrics.Counter, "lsapi_budget_waits_total", "Attempts that waited for a token.",
			func(s budget.Stats) float64 { return float64(s.Waits) })
		show(metrics.Counter, "lsapi_budget_given_up_total", "Attempts that timed out waiting for a token.",
			func(s budget.Stats) float64 { return float64(s.GivenUp) })
		show(metrics.Counter, "lsapi_budget_waited_seconds_total", "Total time that attempts waited for a token.",
			func(s budget.Stats) float64 { return s.Waited.Seconds() })
		show(metrics.Counter, "lsapi_aws_throttles_total", "Attempts that AWS throttled despite their token.",
			func(s budget.Stats) float64 { return float64(s.Throttles) })
	}
}

// adder adds a metric, such as Metrics.Gauge.
type adder func(name, help string, value func() float64, labels ...string)

// each returns a function that adds a metric of the stats of a part, with labels.
func each[S any](add adder, stats func() S, labels ...string) func(name, help string, value func(S) float64) {
	return func(name, help string, value func(S) float64) {
		add(name, help, func() float64 { return value(stats()) }, labels...)
	}
}

func registerLaneMetrics(metrics *telemetry.Metrics, members *membership.Service) {
	show := each(metrics.Gauge, members.Stats)
	show("lsapi_lanes", "Active lanes: pools with current or recent changes.",
		func(s membership.Stats) float64 { return float64(s.Lanes) })
	show("lsapi_lane_waiting", "Requests waiting in all lanes.",
		func(s membership.Stats) float64 { return float64(s.Waiting) })
	show("lsapi_lane_depth", "Requests waiting in the fullest lane.",
		func(s membership.Stats) float64 { return float64(s.Deepest) })
}

func registerSnapshotMetrics(metrics *telemetry.Metrics, lists *snapshot.Snapshot) {
	show := each(metrics.Gauge, lists.Stats)
	showListed := func(name, help string, value func(snapshot.Stats) float64) {
		metrics.OptionalGauge(name, help, func() (float64, bool) {
			stats := lists.Stats()
			return value(stats), stats.Listed
		})
	}
	for i, kind := range lists.Stats().Kinds { // Stats always returns the same order
		metrics.OptionalGauge("lsapi_snapshot_age_seconds", "Time since the last complete listing of a kind of pool began; before the first one, since the start. Absent while AWS denies the listing.",
			func() (float64, bool) { k := lists.Stats().Kinds[i]; return k.Age.Seconds(), !k.Denied }, "kind", string(kind.Kind))
		metrics.Gauge("lsapi_snapshot_denied", "1 while AWS denies the listing of a kind of pool.",
			func() float64 { return one(lists.Stats().Kinds[i].Denied) }, "kind", string(kind.Kind))
	}
	show("lsapi_snapshot_idle", "1 while refreshes pause for lack of readers, so that the age grows.",
		func(s snapshot.Stats) float64 { return one(s.Idle) })
	show("lsapi_snapshot_bound_seconds", "Current bound on the age of a list: as configured, or higher for a fleet too large for that.",
		func(s snapshot.Stats) float64 { return s.Bound.Seconds() })
	showListed("lsapi_snapshot_achieved_seconds", "Age of the oldest list served as fresh between the last two refreshes. Absent before the first listing.",
		func(s snapshot.Stats) float64 { return s.Achieved.Seconds() })
	showListed("lsapi_snapshot_load_balancers", "Pools in memory. Absent before the first listing.",
		func(s snapshot.Stats) float64 { return float64(s.Pools) })
	showListed("lsapi_snapshot_members", "Members in memory. Absent before the first listing.",
		func(s snapshot.Stats) float64 { return float64(s.Members) })
	show("lsapi_snapshot_hot_age_seconds", "Age of the oldest members of the target groups that were read lately; 0 without any.",
		func(s snapshot.Stats) float64 { return s.HotAge.Seconds() })
	show("lsapi_snapshot_hot_bound_seconds", "Current bound on that age: as configured, or higher for too many such groups.",
		func(s snapshot.Stats) float64 { return s.HotBound.Seconds() })
	show("lsapi_snapshot_cold_age_seconds", "Age of the oldest members of the other target groups; 0 without any.",
		func(s snapshot.Stats) float64 { return s.ColdAge.Seconds() })
	show("lsapi_snapshot_sweep_seconds", "Interval in which the sweep should read each of the other target groups.",
		func(s snapshot.Stats) float64 { return s.SweepEvery.Seconds() })
	show("lsapi_snapshot_bytes", "Size of the encoded lists.",
		func(s snapshot.Stats) float64 { return float64(s.Bytes) })
}

func registerHealthMetrics(metrics *telemetry.Metrics, polls *health.Poller, kind lsapi.Kind) {
	gauge := each(metrics.Gauge, polls.Stats, "kind", string(kind))
	counter := each(metrics.Counter, polls.Stats, "kind", string(kind))
	counter("lsapi_health_polls_total", "Polls of the health of pools' members.",
		func(s health.Stats) float64 { return float64(s.Polls) })
	counter("lsapi_health_poll_failures_total", "Polls of health that failed.",
		func(s health.Stats) float64 { return float64(s.Failures) })
	gauge("lsapi_health_followed_pools", "Pools polled because a request waits for a member.",
		func(s health.Stats) float64 { return float64(s.Followed) })
	gauge("lsapi_health_watched_pools", "Pools polled because their events are streamed.",
		func(s health.Stats) float64 { return float64(s.Watched) })
	gauge("lsapi_health_hot_pools", "Pools polled because they were read lately, and AWS does not list their members.",
		func(s health.Stats) float64 { return float64(s.Hot) })
	gauge("lsapi_health_followers", "Requests waiting for a member.",
		func(s health.Stats) float64 { return float64(s.Followers) })
}

func registerEventMetrics(metrics *telemetry.Metrics, hub *events.Hub) {
	metrics.Gauge("lsapi_event_streams", "Open event streams.",
		func() float64 { return float64(hub.Stats().Streams) })
	metrics.Counter("lsapi_events_published_total", "Published events, independent of the number of streams.",
		func() float64 { return float64(hub.Stats().Sent) })
	metrics.Counter("lsapi_event_streams_dropped_total", "Event streams closed because their client read too slowly.",
		func() float64 { return float64(hub.Stats().Dropped) })
}

func registerNotifyMetrics(metrics *telemetry.Metrics, notifier *notify.Notifier) {
	show := func(name, help string, value func(notify.ReceiverStats) float64) {
		metrics.Labelled(name, help, "receiver", func() map[string]float64 {
			values := make(map[string]float64)
			for _, s := range notifier.Stats() {
				values[s.Name] = value(s)
			}
			return values
		})
	}
	show("lsapi_notifications_sent_total", "Notifications that a receiver has accepted.",
		func(s notify.ReceiverStats) float64 { return float64(s.Sent) })
	show("lsapi_notification_failures_total", "Attempts to send a notification that failed.",
		func(s notify.ReceiverStats) float64 { return float64(s.Failed) })
	show("lsapi_notification_gaps_total", "Times at which events were pruned before they could be sent.",
		func(s notify.ReceiverStats) float64 { return float64(s.Gaps) })
	show("lsapi_notification_lag_seconds", "Age of the oldest notification that is not sent yet; 0 without any, and on replicas that do not send.",
		func(s notify.ReceiverStats) float64 { return s.Lag.Seconds() })
}

func registerAuthMetrics(metrics *telemetry.Metrics, authenticator *auth.Authenticator) {
	gauge, counter := each(metrics.Gauge, authenticator.Stats), each(metrics.Counter, authenticator.Stats)
	gauge("lsapi_auth_users", "Users with access.",
		func(s auth.Stats) float64 { return float64(s.Users) })
	gauge("lsapi_auth_users_file_refused", "1 while the users file cannot be read or is invalid; the previous users stay active.",
		func(s auth.Stats) float64 { return one(s.FileRejected) })
	counter("lsapi_auth_failures_total", "Requests with a wrong user or password.",
		func(s auth.Stats) float64 { return float64(s.Failures) })
	counter("lsapi_auth_slowed_total", "Requests whose credentials were not checked, because of earlier failures or too many checks at once.",
		func(s auth.Stats) float64 { return float64(s.Throttled) })
}

func registerPolicyMetrics(metrics *telemetry.Metrics, file *policy.File) {
	metrics.Gauge("lsapi_policy_file_refused", "1 while the policy file cannot be read or is invalid; the previous policy stays in force.",
		func() float64 { return one(file.Rejected()) })
	metrics.Gauge("lsapi_policy_guards", "Entries in the section guards of the policy in force.",
		func() float64 { return float64(file.Policy().Size()) })
}

func registerGuardMetrics(metrics *telemetry.Metrics, guards *policy.Guards) {
	metrics.Gauge("lsapi_guard_malformed_pools", "Pools with a tag of lsapi that is no valid guard, of those that were changed lately; detaches from them are refused.",
		func() float64 { return float64(len(guards.Malformed())) })
	metrics.Gauge("lsapi_guard_tags_denied", "1 while AWS denies reading tags, so that guards in them are not known.",
		func() float64 { return one(guards.TagsDenied()) })
}

func registerHeadroomMetrics(metrics *telemetry.Metrics, views *fleet.Fleet) {
	byPool := func(name, help string, value func(fleet.Headroom) int) {
		metrics.Labelled(name, help, "pool", func() map[string]float64 {
			values := make(map[string]float64)
			for pool, headroom := range views.Headrooms() {
				values[pool.Path()] = float64(value(headroom))
			}
			return values
		})
	}
	byPool("lsapi_guard_headroom", "Members in service that guards let be detached now, by pool: those that a policy selects by name or that were changed lately, at most 200, while their health is known.",
		func(h fleet.Headroom) int { return h.Now })
	byPool("lsapi_guard_headroom_full", "The same if all members were in service and none was out. 0: the guards never let one be detached.",
		func(h fleet.Headroom) int { return h.Full })
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func registerLogMetrics(metrics *telemetry.Metrics, out *telemetry.Writer) {
	metrics.Counter("lsapi_log_lines_dropped_total", "Log lines dropped because the output blocked or failed.",
		func() float64 { return float64(out.Dropped()) })
}
