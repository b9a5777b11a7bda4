package emulator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// problem is something wrong in a fleet and where, as a YAML path.
type problem struct {
	path   string
	reason string
}

// inspection gathers the problems of a fleet.
type inspection struct {
	found []problem
}

func (n *inspection) report(path, format string, args ...any) {
	n.found = append(n.found, problem{path, fmt.Sprintf(format, args...)})
}

// validate returns all problems as one error, nil when there are none.
func (f Fleet) validate() error {
	var told []error
	for _, p := range f.problems() {
		told = append(told, fmt.Errorf("%s: %s", strings.TrimPrefix(p.path, "$."), p.reason))
	}
	return errors.Join(told...)
}

func (f Fleet) problems() []problem {
	var n inspection
	n.durations("$", map[string]time.Duration{"registrationDelay": f.RegistrationDelay, "startDelay": f.StartDelay})
	known := make(map[string]struct{}, len(f.Instances))
	for index, i := range f.Instances {
		path := fmt.Sprintf("$.instances[%d]", index)
		if _, twice := known[i.ID]; twice {
			n.report(path+".id", "instance %s is listed twice", i.ID)
		}
		known[i.ID] = struct{}{}
		n.instance(path, i)
	}
	names := make(map[string]struct{}, len(f.LoadBalancers))
	for index, b := range f.LoadBalancers {
		path := fmt.Sprintf("$.loadBalancers[%d]", index)
		if _, twice := names[b.Name]; twice {
			n.report(path+".name", "load balancer %q is listed twice", b.Name)
		}
		names[b.Name] = struct{}{}
		n.loadBalancer(path, b)
		n.members(path+".members", b.Members, known)
	}
	return n.found
}

func (n *inspection) instance(path string, i Instance) {
	if !instanceIDForm.MatchString(i.ID) {
		n.report(path+".id", "%q is no instance id: it must be i- and 8 or 17 lower-case hexadecimal digits", i.ID)
	}
	if _, ok := fleetState(i.State); !ok {
		n.report(path+".state", "%q is no state: it must be one of %s", i.State, strings.Join(fleetStates(), ", "))
	}
	if i.Zone != "" {
		n.zone(path+".zone", i.Zone)
	}
	if i.Description != "" && (i.Healthy == nil || *i.Healthy) {
		n.report(path+".description", "a description says why an instance is not healthy: say healthy: false, too")
	}
	n.durations(path, map[string]time.Duration{"registrationDelay": i.RegistrationDelay, "startDelay": i.StartDelay})
}

func (n *inspection) loadBalancer(path string, b LoadBalancer) {
	if !loadBalancerNameForm.MatchString(b.Name) {
		n.report(path+".name", "%q is no name: it must be 1 to 32 letters, digits and hyphens, without a hyphen at either end", b.Name)
	}
	if !slices.Contains([]string{"", schemeInternetFacing, schemeInternal}, b.Scheme) {
		n.report(path+".scheme", "%q is no scheme: it must be %s or %s", b.Scheme, schemeInternetFacing, schemeInternal)
	}
	for index, zone := range b.Zones {
		n.zone(fmt.Sprintf("%s.zones[%d]", path, index), zone)
	}
	for index, l := range b.Listeners {
		wire := l.wire()
		n.aws(fmt.Sprintf("%s.listeners[%d]", path, index), wire.valid())
	}
	n.aws(path+".healthCheck", b.healthCheck().valid())
	if b.Draining != nil {
		n.durations(path+".draining", map[string]time.Duration{"lasts": b.Draining.Lasts, "timeout": b.Draining.Timeout})
	}
	n.aws(path+".draining", b.attributes().valid())
}

func (n *inspection) members(path string, ids []string, known map[string]struct{}) {
	if len(ids) > maxMembers {
		n.report(path, "a load balancer has at most %d members, not %d", maxMembers, len(ids))
	}
	met := make(map[string]struct{}, len(ids))
	for index, id := range ids {
		if _, ok := known[id]; !ok {
			n.report(fmt.Sprintf("%s[%d]", path, index), "member %q is none of the fleet's instances", id)
		}
		if _, twice := met[id]; twice {
			n.report(fmt.Sprintf("%s[%d]", path, index), "member %q is listed twice", id)
		}
		met[id] = struct{}{}
	}
}

func (n *inspection) zone(path, letter string) {
	if len(letter) != 1 || !strings.Contains(zoneLetters, letter) {
		n.report(path, "%q is no zone: it must be one letter of %s", letter, zoneLetters)
	}
}

func (n *inspection) durations(path string, durations map[string]time.Duration) {
	for _, name := range sortedKeys(durations) {
		if durations[name] < 0 {
			n.report(path+"."+name, "%v is negative", durations[name])
		}
	}
}

// aws reports what AWS would say, without its code.
func (n *inspection) aws(path string, err error) {
	if refused, ok := errors.AsType[*apiError](err); ok {
		n.report(path, "%s", refused.message)
	}
}
