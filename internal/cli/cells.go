package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/cli/term"
)

// clock returns the local time of day, with the date if it is more than 12 hours ago.
func clock(t apiv1.Time) string {
	if t.IsZero() {
		return ""
	}
	local := t.Local()
	if time.Since(local) < 12*time.Hour {
		return local.Format(time.TimeOnly)
	}
	return local.Format(time.DateTime)
}

// healthCell returns the health of a member. Draining takes precedence, because its state in
// a Classic load balancer is InService.
func healthCell(m apiv1.Member) term.Cell {
	switch {
	case m.Draining:
		return term.Styled("draining", term.Yellow)
	case m.Health == nil:
		return term.Cell{}
	}
	switch lsapi.HealthState(m.Health.State) {
	case lsapi.InService:
		return term.Text(m.Health.State)
	case lsapi.OutOfService:
		return outOfServiceCell(m.Health)
	}
	return term.Styled(m.Health.State, term.Yellow)
}

// outOfServiceCell has AWS's word too, where that says more.
func outOfServiceCell(h *apiv1.Health) term.Cell {
	text, style := h.State, term.Red
	if h.AWSState != "" && h.AWSState != h.State {
		text += " (" + h.AWSState + ")"
	}
	if h.AWSState == "initial" || h.AWSState == "unused" { // it does not fail
		style = term.Yellow
	}
	return term.Styled(text, style)
}

func stateCell(state string) term.Cell {
	switch state {
	case "":
		return term.Styled("unknown", term.Yellow)
	case string(lsapi.StateRunning):
		return term.Text(state)
	}
	return term.Styled(state, term.Red)
}

// healthNote returns AWS's description of the health, if it has one.
func healthNote(m apiv1.Member) term.Cell {
	if m.Health == nil || m.Health.Description == "N/A" || m.Health.Description == "" {
		return term.Cell{}
	}
	text := m.Health.Description
	if m.Health.Reason != "" && m.Health.Reason != "N/A" {
		text = m.Health.Reason + ": " + text
	}
	if since := clock(m.Health.Since); since != "" {
		text += " (since " + since + ")"
	}
	return term.Styled(text, term.Dim)
}

func lastChangeText(c *apiv1.LastChange) string {
	if c == nil {
		return ""
	}
	text := c.Action
	if c.Actor != "" {
		text += " by " + c.Actor
	}
	text += ", " + c.Outcome
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// healthText returns the health state with AWS's description.
func healthText(m apiv1.Member) string {
	text := healthCell(m).Text
	if note := healthNote(m).Text; note != "" {
		text += ", " + note
	}
	return text
}

// zonesText returns "us-east-1a,b", without repeating the region.
func zonesText(zones []string) string {
	var out strings.Builder
	region := ""
	for i, zone := range zones {
		if i > 0 {
			out.WriteByte(',')
		}
		if short, same := strings.CutPrefix(zone, region); i > 0 && same && short != "" {
			zone = short
		} else {
			region = strings.TrimRight(zone, "abcdefghijklmnopqrstuvwxyz")
		}
		out.WriteString(zone)
	}
	return out.String()
}

// listenersText returns "HTTP:80>8000" for each listener, with the instance protocol if
// that differs.
func listenersText(all []apiv1.Listener) string {
	texts := make([]string, len(all))
	for i, l := range all {
		inner := ""
		if l.InstanceProtocol != l.Protocol {
			inner = l.InstanceProtocol + ":"
		}
		texts[i] = fmt.Sprintf("%s:%d>%s%d", l.Protocol, l.Port, inner, l.InstancePort)
	}
	return strings.Join(texts, ",")
}

// memberCount returns the number of members, empty if it is unknown.
func memberCount(p apiv1.Pool) string {
	if p.MemberCount == nil {
		return ""
	}
	return strconv.Itoa(*p.MemberCount)
}

// targetsText returns "instance HTTP:8080" for a target group.
func targetsText(p apiv1.Pool) string {
	if p.Port == 0 {
		return p.TargetType
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s:%d", p.TargetType, p.Protocol, p.Port))
}

func loadBalancersText(all []apiv1.LoadBalancer) string {
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.Name
	}
	return strings.Join(names, ", ")
}

// routeText returns "HTTPS:443 of shop, rule 10 (path-pattern /api/*), weight 1".
func routeText(r apiv1.Route) string {
	text := fmt.Sprintf("%s:%d of %s", r.Protocol, r.Port, r.LoadBalancer)
	if r.Rule != "default" {
		text += fmt.Sprintf(", rule %s (%s)", r.Rule, strings.Join(r.Conditions, ", "))
	}
	if r.Weight != nil {
		text += fmt.Sprintf(", weight %d", *r.Weight)
	}
	return text
}

func tagsText(tags map[string]string) string {
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		texts = append(texts, key+"="+tags[key])
	}
	return strings.Join(texts, ", ")
}

// memberWidth returns the width of the members of pools, of any pool if none is given:
// those of Classic load balancers have no port.
func memberWidth(pools ...lsapi.PoolID) int {
	const instance, port = 19, 6
	if len(pools) > 0 && !slices.ContainsFunc(pools, func(p lsapi.PoolID) bool { return p.Kind != lsapi.KindELB }) {
		return instance
	}
	return instance + port
}

// changeColumns returns the columns of changes of the pools, of any pool if none is given.
// With one pool its id is the first column to go on a narrow terminal.
func changeColumns(pools ...lsapi.PoolID) []term.Column {
	pool := term.Column{Head: "POOL", Width: 24, Least: 13, Rank: 2}
	if len(pools) == 1 {
		pool.Rank = 6
	}
	return []term.Column{
		{Head: "TIME", Width: 19}, {Head: "OUTCOME", Width: 9}, {Head: "ACTION", Width: 6}, pool, {Head: "MEMBER", Width: memberWidth(pools...)},
		{Head: "ACTOR", Width: 16, Least: 7, Rank: 3}, {Head: "CHANGE", Width: 36, Rank: 5},
		{Head: "COMPLETED", Width: 19, Wide: true}, {Head: "CODE", Width: 16, Wide: true}, {Head: "MEMBERS", Width: 8, Wide: true},
		{Head: "REQUEST", Width: 26, Wide: true}, {Head: "BULK", Width: 36, Wide: true}, {Head: "REASON", Width: 30, Least: 10, Rank: 4},
	}
}

func changeRow(c apiv1.Change) term.Row {
	actor, members := c.Actor, ""
	if c.Source == string(lsapi.SourceExternal) {
		actor = "(" + c.Source + ")"
	}
	if c.MembersBefore != nil && c.MembersAfter != nil {
		members = fmt.Sprintf("%d>%d", *c.MembersBefore, *c.MembersAfter)
	}
	return term.Row{
		dateTime(c.IntendedAt), term.Styled(c.Outcome, outcomeStyles[lsapi.Outcome(c.Outcome)]), c.Action, c.Pool, c.Member,
		actor, c.ID, dateTime(c.CompletedAt), c.Code, members, c.RequestID, c.Bulk, reasonText(c),
	}
}

// reasonText returns the guard of a change, the change that it undoes, and the caller's
// reason.
func reasonText(c apiv1.Change) string {
	var parts []string
	switch g := c.Guard; {
	case g == nil:
	case g.Overridden:
		parts = append(parts, "overrides "+g.Rule+" ("+g.Reason+")")
	default:
		parts = append(parts, "refused by "+g.Rule)
	}
	if c.Undoes != "" {
		parts = append(parts, "undoes "+c.Undoes)
	}
	if c.Reason != "" {
		parts = append(parts, c.Reason)
	}
	return strings.Join(parts, "; ")
}

// outcomeStyles are the styles of unsuccessful outcomes.
var outcomeStyles = map[lsapi.Outcome]term.Style{
	lsapi.OutcomeConflict: term.Yellow, lsapi.OutcomeWithdrawn: term.Yellow, lsapi.OutcomeUnknown: term.Yellow, lsapi.OutcomeOpen: term.Yellow,
	lsapi.OutcomeRefused: term.Red, lsapi.OutcomeFailed: term.Red,
}

// dateTime returns the local time, to the second.
func dateTime(t apiv1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
