package fleet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/elbv2"
	"lsapi/internal/emulator/wire"
)

// problem is an invalid value and its YAML path.
type problem struct {
	path   string
	reason string
}

// validation collects the problems of a fleet.
type validation struct {
	found []problem
}

func (v *validation) report(path, format string, args ...any) {
	v.found = append(v.found, problem{path, fmt.Sprintf(format, args...)})
}

// Validate returns an error with all problems.
func (f Fleet) Validate() error {
	var all []error
	for _, p := range f.problems() {
		all = append(all, fmt.Errorf("%s: %s", strings.TrimPrefix(p.path, "$."), p.reason))
	}
	return errors.Join(all...)
}

func (f Fleet) problems() []problem {
	var v validation
	v.durations("$", map[string]time.Duration{"registrationDelay": f.RegistrationDelay, "startDelay": f.StartDelay})
	instances := make(map[string]struct{}, len(f.Instances))
	for index, i := range f.Instances {
		path := fmt.Sprintf("$.instances[%d]", index)
		if _, repeated := instances[i.ID]; repeated {
			v.report(path+".id", "instance %s is listed twice", i.ID)
		}
		instances[i.ID] = struct{}{}
		v.instance(path, i)
	}
	names := make(map[string]struct{}, len(f.LoadBalancers))
	for index, b := range f.LoadBalancers {
		path := fmt.Sprintf("$.loadBalancers[%d]", index)
		if _, repeated := names[b.Name]; repeated {
			v.report(path+".name", "load balancer %q is listed twice", b.Name)
		}
		names[b.Name] = struct{}{}
		v.loadBalancer(path, b)
		v.members(path+".members", b.Members, instances)
	}
	v.targetGroups(f, instances)
	return v.found
}

func (v *validation) instance(path string, i Instance) {
	if !ec2.IDPattern.MatchString(i.ID) {
		v.report(path+".id", "%q is no instance id: it must be i- and 8 or 17 lower-case hexadecimal digits", i.ID)
	}
	if _, ok := parseState(i.State); !ok {
		v.report(path+".state", "%q is no state: it must be one of %s", i.State, strings.Join(stateNames(), ", "))
	}
	if i.Zone != "" {
		v.zone(path+".zone", i.Zone)
	}
	if i.Description != "" && (i.Healthy == nil || *i.Healthy) {
		v.report(path+".description", "a description says why an instance is not healthy: say healthy: false, too")
	}
	v.durations(path, map[string]time.Duration{"registrationDelay": i.RegistrationDelay, "startDelay": i.StartDelay})
}

func (v *validation) loadBalancer(path string, b LoadBalancer) {
	if !elb.NamePattern.MatchString(b.Name) {
		v.report(path+".name", "%q is no name: it must be 1 to 32 letters, digits and hyphens, without a hyphen at either end", b.Name)
	}
	if !slices.Contains([]string{"", elb.SchemeInternetFacing, elb.SchemeInternal}, b.Scheme) {
		v.report(path+".scheme", "%q is no scheme: it must be %s or %s", b.Scheme, elb.SchemeInternetFacing, elb.SchemeInternal)
	}
	for index, zone := range b.Zones {
		v.zone(fmt.Sprintf("%s.zones[%d]", path, index), zone)
	}
	for index, l := range b.Listeners {
		v.aws(fmt.Sprintf("%s.listeners[%d]", path, index), l.settings().Validate())
	}
	v.aws(path+".healthCheck", b.healthCheck().Validate())
	if b.Draining != nil {
		v.durations(path+".draining", map[string]time.Duration{"lasts": b.Draining.Lasts, "timeout": b.Draining.Timeout})
	}
	v.aws(path+".draining", b.attributes().Validate())
}

func (v *validation) members(path string, ids []string, instances map[string]struct{}) {
	if len(ids) > elb.MaxMembers {
		v.report(path, "a load balancer has at most %d members, not %d", elb.MaxMembers, len(ids))
	}
	listed := make(map[string]struct{}, len(ids))
	for index, id := range ids {
		if _, ok := instances[id]; !ok {
			v.report(fmt.Sprintf("%s[%d]", path, index), "member %q is none of the fleet's instances", id)
		}
		if _, repeated := listed[id]; repeated {
			v.report(fmt.Sprintf("%s[%d]", path, index), "member %q is listed twice", id)
		}
		listed[id] = struct{}{}
	}
}

// targetGroups checks the target groups and their load balancers by adding them to a
// service.
func (v *validation) targetGroups(f Fleet, instances map[string]struct{}) {
	names := make(map[string]struct{}, len(f.TargetGroups))
	for index, g := range f.TargetGroups {
		path := fmt.Sprintf("$.targetGroups[%d]", index)
		if _, repeated := names[g.Name]; repeated {
			v.report(path+".name", "target group %q is listed twice", g.Name)
		}
		names[g.Name] = struct{}{}
		v.durations(path+".healthCheck", map[string]time.Duration{"interval": g.HealthCheck.Interval, "timeout": g.HealthCheck.Timeout})
		v.targets(path+".targets", g, instances)
	}
	a := account.New("us-east-1", 0, 0) // any region has the same zones
	f.addV2(elbv2.New(a, ec2.New(a, ec2.Options{})), a.Region, defaultLaunched, v.aws)
}

func (v *validation) targets(path string, g TargetGroup, instances map[string]struct{}) {
	listed := make(map[elbv2.Target]struct{}, len(g.Targets))
	for index, text := range g.Targets {
		t := g.target(text)
		if _, ok := instances[t.ID]; g.Type != "ip" && !ok {
			v.report(fmt.Sprintf("%s[%d]", path, index), "target %q is none of the fleet's instances", text)
		}
		if t.Port < 1 || t.Port > 65535 {
			v.report(fmt.Sprintf("%s[%d]", path, index), "target %q has no port between 1 and 65535", text)
		}
		if _, repeated := listed[t]; repeated {
			v.report(fmt.Sprintf("%s[%d]", path, index), "target %q is listed twice", text)
		}
		listed[t] = struct{}{}
	}
}

func (v *validation) zone(path, letter string) {
	if !account.IsZoneLetter(letter) {
		v.report(path, "%q is no zone: it must be one letter of %s", letter, account.ZoneLetters)
	}
}

func (v *validation) durations(path string, durations map[string]time.Duration) {
	for _, name := range slices.Sorted(maps.Keys(durations)) {
		if durations[name] < 0 {
			v.report(path+"."+name, "%v is negative", durations[name])
		}
	}
}

// aws reports an AWS error without its code.
func (v *validation) aws(path string, err error) {
	if refused, ok := errors.AsType[*wire.Error](err); ok {
		v.report(path, "%s", refused.Message)
	}
}
