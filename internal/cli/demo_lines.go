package cli

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"

	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
)

// demoToken is fixed, so that a line that was copied once works in every demo.
func demoToken() string { return base64.StdEncoding.EncodeToString([]byte("demo:demo")) }

// line is one curl line of the demo, with what it shows.
type line struct {
	shows  string
	status int
	method string
	path   string
	body   string
	reason string // the header X-Reason
	open   bool   // without the token
}

// demoLines can be run in order as often as one likes: what is attached is
// detached again.
func demoLines(spare string) []line {
	body := `{"instanceId":"` + spare + `"}`
	const members = "/elb/default-elb"
	return []line{
		{shows: "the members of the load balancer default-elb", status: http.StatusOK, method: http.MethodGet, path: members},
		{shows: "attach an instance", status: http.StatusCreated, method: http.MethodPost, path: members, body: body, reason: "trying lsapi"},
		{shows: "attach it again: it is a member already", status: http.StatusConflict, method: http.MethodPost, path: members, body: body},
		{shows: "detach it", status: http.StatusCreated, method: http.MethodDelete, path: members, body: body},
		{shows: "detach it again: it is no member any more", status: http.StatusConflict, method: http.MethodDelete, path: members, body: body},
		{shows: "who did what, when, why, and what came of it", status: http.StatusOK, method: http.MethodGet, path: "/v1/changes"},
		{shows: "a load balancer that does not exist", status: http.StatusNotFound, method: http.MethodGet, path: "/elb/no-such-elb"},
		{shows: "no credentials", status: http.StatusUnauthorized, method: http.MethodGet, path: members, open: true},
		{shows: "the service is up", status: http.StatusOK, method: http.MethodGet, path: "/healthcheck", open: true},
	}
}

// curl is the line to paste into a shell. It prints the body, then the status.
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

// print prints what runs where and the lines to try, for a shell: all that is no
// command is a comment.
func (d *runningDemo) print(w io.Writer) {
	base := "http://" + dialAddress(d.Addr().String())
	fmt.Fprintf(w, "# The service is at %s (user demo, password demo; its documentation at %s/docs),\n", base, base)
	fmt.Fprintf(w, "# an emulated AWS at %s. Changes are on record until the demo ends:\n", d.config.AWSEndpoint)
	fmt.Fprintf(w, "#   lsapi changes list --store %s\n", d.store())
	fmt.Fprintf(w, "# Its load balancers listen too:\n")
	printTraffic(w, d.emulator)
	fmt.Fprintf(w, "# Ctrl-C ends it all. In another shell:\n")
	for _, l := range demoLines(spareInstance(d.emulator.State())) {
		fmt.Fprintf(w, "\n# %s -> %d\n%s\n", l.shows, l.status, l.curl(base))
	}
	if through := listenerURL(d.emulator.Traffic(), "default-elb"); through != "" {
		l := line{shows: "the members of default-elb, through default-elb: the one that answers", status: http.StatusOK, method: http.MethodGet, path: "/elb/default-elb"}
		fmt.Fprintf(w, "\n# %s -> %d\n%s\n", l.shows, l.status, l.curl(through))
	}
}

// listenerURL returns where a load balancer listens; empty when it does not.
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
