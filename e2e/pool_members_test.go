package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// poolMember is a member of a pool as the API writes both: "elb/web" and "i-5203422c", or
// "tg/web" and "i-5203422c:8080".
type poolMember struct{ Pool, Member string }

// The outcomes that responses state.
const (
	applied  = "applied"
	conflict = "conflict" // it was so already
	listed   = "listed"
)

// request returns the request that attaches or detaches the member: of the first API for a
// Classic load balancer, of /v1 for a target group.
func (m poolMember) request(action string) (method, path, body string) {
	if name, isClassic := strings.CutPrefix(m.Pool, "elb/"); isClassic {
		return map[string]string{"attach": http.MethodPost, "detach": http.MethodDelete}[action], "/elb/" + name, machineID(m.Member)
	}
	return map[string]string{"attach": http.MethodPut, "detach": http.MethodDelete}[action], "/v1/pools/" + m.Pool + "/members/" + m.Member, ""
}

// outcome returns the outcome that a response to the request states; "" for none.
func (m poolMember) outcome(action string, r response) string {
	switch isClassic := strings.HasPrefix(m.Pool, "elb/"); {
	case isClassic && r.status == http.StatusCreated,
		!isClassic && action == "attach" && r.status == http.StatusCreated,
		!isClassic && action == "detach" && r.status == http.StatusOK:
		return applied
	case isClassic && r.status == http.StatusConflict,
		!isClassic && action == "attach" && r.status == http.StatusOK,
		!isClassic && action == "detach" && r.status == http.StatusNotFound && strings.Contains(r.body, `"code":"member.absent"`):
		return conflict
	}
	return ""
}

// listPath returns the path of a pool's list of members.
func listPath(pool string) string {
	if name, isClassic := strings.CutPrefix(pool, "elb/"); isClassic {
		return "/elb/" + name
	}
	return "/v1/pools/" + pool + "/members"
}

// listedIn returns the members in the body of a list of a pool, sorted.
func listedIn(pool, body string) ([]string, error) {
	var classic struct{ Message []struct{ InstanceID string } }
	var group struct{ Members []string }
	if !strings.HasPrefix(pool, "elb/") {
		err := json.Unmarshal([]byte(body), &group)
		return group.Members, err
	}
	err := json.Unmarshal([]byte(body), &classic)
	members := make([]string, len(classic.Message))
	for i, m := range classic.Message {
		members[i] = m.InstanceID
	}
	slices.Sort(members)
	return members, err
}

// membersOf returns the members of a pool in AWS, sorted. Draining targets are none.
func (a aws) membersOf(pool string) []string {
	a.client.t.Helper()
	group, isGroup := strings.CutPrefix(pool, "tg/")
	if !isGroup {
		return a.members(strings.TrimPrefix(pool, "elb/"))
	}
	members := []string{}
	for _, t := range a.group(group).Targets {
		if t.State != "draining" {
			members = append(members, t.member())
		}
	}
	slices.Sort(members)
	return members
}

// targetState is a target of the emulated AWS.
type targetState struct {
	ID     string
	Port   int
	State  string
	Reason string
}

func (t targetState) member() string { return net.JoinHostPort(t.ID, strconv.Itoa(t.Port)) }

// groupState is a target group of the emulated AWS, with the targets that drain.
type groupState struct {
	Name, ARN string
	Targets   []targetState
}

// group returns a target group in AWS.
func (a aws) group(name string) groupState {
	a.client.t.Helper()
	for _, g := range decoded[struct{ TargetGroups []groupState }](a.client.t, a.get("/_emulator/state").body).TargetGroups {
		if g.Name == name {
			return g
		}
	}
	a.client.t.Fatalf("there is no target group %s", name)
	return groupState{}
}

// history returns all membership changes in AWS, in order.
func (a aws) history() []awsChange {
	a.client.t.Helper()
	type entry struct {
		At                               time.Time
		Action, LoadBalancer, InstanceID string
		TargetGroup, TargetID            string
		Port                             int
	}
	entries := decoded[[]entry](a.client.t, a.get("/_emulator/history").body)
	changes := make([]awsChange, len(entries))
	for i, e := range entries {
		changes[i] = awsChange{e.At, e.Action, poolMember{"elb/" + e.LoadBalancer, e.InstanceID}}
		if e.TargetGroup != "" {
			changes[i].poolMember = poolMember{"tg/" + e.TargetGroup, targetState{ID: e.TargetID, Port: e.Port}.member()}
		}
	}
	return changes
}
