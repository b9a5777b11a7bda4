package cli

import (
	"encoding/base64"
	"net/http"

	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
)

// demoToken is fixed, so that a copied command works in every demo.
func demoToken() string { return base64.StdEncoding.EncodeToString([]byte("demo:demo")) }

// line is a curl command of the demo, with a description.
type line struct {
	shows  string
	status int
	method string
	path   string
	body   string
	reason string // the header X-Reason
	open   bool   // without credentials
}

// demoLines returns commands that can be run in order repeatedly.
func demoLines(spare string) []line {
	body := `{"instanceId":"` + spare + `"}`
	const members = "/elb/default-elb"
	return []line{
		{shows: "the members of the load balancer default-elb", status: http.StatusOK, method: http.MethodGet, path: members},
		{shows: "attach an instance", status: http.StatusCreated, method: http.MethodPost, path: members, body: body, reason: "trying lsapi"},
		{shows: "attach it again: it is already a member", status: http.StatusConflict, method: http.MethodPost, path: members, body: body},
		{shows: "detach it", status: http.StatusCreated, method: http.MethodDelete, path: members, body: body},
		{shows: "detach it again: it is no longer a member", status: http.StatusConflict, method: http.MethodDelete, path: members, body: body},
		{shows: "actor, action, time, reason and outcome of each change", status: http.StatusOK, method: http.MethodGet, path: "/v1/changes"},
		{shows: "a load balancer that does not exist", status: http.StatusNotFound, method: http.MethodGet, path: "/elb/no-such-elb"},
		{shows: "no credentials", status: http.StatusUnauthorized, method: http.MethodGet, path: members, open: true},
		{shows: "the service is up", status: http.StatusOK, method: http.MethodGet, path: "/healthcheck", open: true},
	}
}

// curl returns a shell command that prints the body, then the status.
func (l line) curl(base string) string {
	command := `curl -sS -w '%{http_code}\n'`
	if l.method != http.MethodGet {
		command += " -X " + l.method
	}
	if !l.open {
		command += " -H 'Authorization: Basic " + demoToken() + "'"
	}
	if l.reason != "" {
		command += " -H 'X-Reason: " + l.reason + "'"
	}
	if l.body != "" {
		command += " -d '" + l.body + "'"
	}
	return command + " " + base + l.path
}

// listenerURL returns the URL of a load balancer's listener, or "".
func listenerURL(all []dataplane.Traffic, loadBalancer string) string {
	for _, t := range all {
		for _, l := range t.Listeners {
			if t.LoadBalancer == loadBalancer && l.URL != "" {
				return l.URL
			}
		}
	}
	return ""
}

// spareInstance returns the first running instance that is in no load balancer.
func spareInstance(s emulator.State) string {
	members := make(map[string]bool)
	for _, b := range s.LoadBalancers {
		for _, m := range b.Members {
			members[m.InstanceID] = true
		}
	}
	for _, i := range s.Instances {
		if i.State == "running" && !members[i.InstanceID] {
			return i.InstanceID
		}
	}
	return ""
}
