package elbv2

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/wire"
)

// The health of targets. Source of the descriptions: "Health check reason codes" in the
// user guides.
var (
	healthy             = TargetHealth{State: "healthy"}
	registering         = TargetHealth{"initial", "Elb.RegistrationInProgress", "Target registration is in progress"}
	initialChecking     = TargetHealth{"initial", "Elb.InitialHealthChecking", "Initial health checks in progress"}
	failedChecks        = TargetHealth{"unhealthy", "Target.FailedHealthChecks", "Health checks failed"}
	timedOut            = TargetHealth{"unhealthy", "Target.Timeout", "Request timed out"}
	notRegistered       = TargetHealth{"unused", "Target.NotRegistered", "Target is not registered to the target group"}
	groupNotInUse       = TargetHealth{"unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"}
	zoneNotEnabled      = TargetHealth{"unused", "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"}
	stoppedTarget       = TargetHealth{"unused", "Target.InvalidState", "Target is in the stopped state"}
	terminatedTarget    = TargetHealth{"unused", "Target.InvalidState", "Target is in the terminated state"}
	deregistering       = TargetHealth{"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	healthCheckDisabled = TargetHealth{"unavailable", "Target.HealthCheckDisabled", "Health checks are disabled"}
)

// HealthUnavailable returns the error of DescribeTargetHealth when health cannot be read.
func HealthUnavailable() *wire.Error {
	return &wire.Error{
		Status: http.StatusInternalServerError, Code: "HealthUnavailable",
		Message: "The health of the specified targets could not be retrieved due to an internal error.",
	}
}

// describeTargetHealth returns the health of the named targets, else of all registered and
// draining ones.
func (s *Service) describeTargetHealth(c wire.Call) (any, error) {
	g, err := s.targetGroups.read(c.Text("TargetGroupArn"), c.Time)
	if err != nil {
		return nil, err
	}
	named, err := g.state.targetsOf(c.Query)
	if err != nil {
		return nil, err
	}
	targets := g.state.targets
	if len(named) > 0 {
		if targets, err = s.namedTargets(g.state, named); err != nil {
			return nil, err
		}
	}
	result := describeTargetHealthResult{}
	routes := s.routes(g.state.arn, g.at)
	for _, t := range targets {
		health, ok := s.health(g.state, t, routes, g.at)
		if !ok && len(named) == 0 {
			continue
		}
		result.TargetHealthDescriptions.Members = append(result.TargetHealthDescriptions.Members, g.state.describeTarget(t, health))
	}
	return result, nil
}

// namedTargets returns the group's targets that a call names. Those that are not registered
// have no since. An instance that does not exist fails the call.
func (s *Service) namedTargets(g *targetGroup, named []target) ([]target, error) {
	targets := make([]target, 0, len(named))
	for _, t := range named {
		at := slices.IndexFunc(g.targets, func(other target) bool { return other.targetKey == t.targetKey })
		if at >= 0 {
			targets = append(targets, g.targets[at])
			continue
		}
		if _, ok := s.instances.Instance(t.id); g.targetType == targetInstance && !ok {
			return nil, errNoInstance(t.id)
		}
		targets = append(targets, target{targetKey: t.targetKey})
	}
	return targets, nil
}

// describeTarget returns the description of a target in DescribeTargetHealth.
func (g *targetGroup) describeTarget(t target, health TargetHealth) targetHealthDescription {
	d := targetHealthDescription{
		Target:          targetDescription{t.id, t.port, t.zone},
		HealthCheckPort: g.check.HealthCheckPort,
		TargetHealth:    health,
	}
	if d.HealthCheckPort == trafficPort {
		d.HealthCheckPort = strconv.Itoa(t.port)
	}
	return d
}

// health returns the health of a target at t. It returns false for one that is not
// registered: never or no more, or an instance that EC2 has removed. The precedence of the
// reasons is inferred.
func (s *Service) health(g *targetGroup, t target, r routes, at time.Time) (TargetHealth, bool) {
	if t.since.IsZero() || !t.remains(at) {
		return notRegistered, false
	}
	if t.draining() {
		return deregistering, true
	}
	i, onInstance := s.instanceOf(g, t)
	var current ec2.Transition
	if onInstance {
		var exists bool
		if current, exists = i.StateAt(at); !exists {
			return notRegistered, false
		}
		if down, ok := downIn(current.State); ok {
			return down, true
		}
		t.zone = cmp.Or(t.zone, i.Zone)
	}
	switch {
	case !r.inUse():
		return groupNotInUse, true
	case !s.serves(r, t.zone, at):
		return zoneNotEnabled, true
	case !g.check.HealthCheckEnabled:
		return healthCheckDisabled, true
	}
	if s.Plane != nil && (g.targetType == targetInstance || g.targetType == targetIP) {
		return s.probed(g, i, t, at), true
	}
	return s.checked(g, i, t, r, current, at), true
}

// probed returns the health of a target that is in use, from the probes of the data plane.
func (s *Service) probed(g *targetGroup, i *ec2.Instance, t target, at time.Time) TargetHealth {
	delay := ec2.DefaultRegistrationDelay
	if i != nil {
		delay = i.RegistrationDelay
	}
	if at.Before(t.since.Add(delay)) {
		return registering
	}
	health, failure := s.Plane.TargetHealth(g.arn, t.id, t.port)
	switch health {
	case dataplane.InService:
		return healthy
	case dataplane.Registering:
		return initialChecking
	case dataplane.Failing, dataplane.Recovering:
	}
	failed := failureOf(failure)
	reason, _ := g.failure(i, t)
	failed.Description = cmp.Or(reason, failed.Description)
	return failed
}

// failureOf returns the health of a target after a failed probe.
func failureOf(f dataplane.Failure) TargetHealth {
	switch f.Reason {
	case dataplane.WrongStatus:
		return TargetHealth{"unhealthy", "Target.ResponseCodeMismatch", fmt.Sprintf("Health checks failed with these codes: [%d]", f.Status)}
	case dataplane.TimedOut:
		return timedOut
	case dataplane.Unreachable:
	}
	return failedChecks
}

// downIn returns the health of a target on an instance that does not run, and false for
// one that runs or starts.
func downIn(state ec2.State) (TargetHealth, bool) {
	switch state {
	case ec2.ShuttingDown, ec2.Terminated:
		return terminatedTarget, true
	case ec2.Stopping, ec2.Stopped:
		return stoppedTarget, true
	}
	return TargetHealth{}, false
}

// checked returns the health of a target that is in use, from its health checks. The
// instance is nil for a target that is on none, which passes them.
func (s *Service) checked(g *targetGroup, i *ec2.Instance, t target, r routes, current ec2.Transition, at time.Time) TargetHealth {
	delay := ec2.DefaultRegistrationDelay
	if i != nil {
		delay = i.RegistrationDelay
	}
	switch {
	case at.Before(t.since.Add(delay)):
		return registering
	case i != nil && (current.State == ec2.Pending || at.Before(current.At.Add(delay))), at.Before(r.since.Add(delay)):
		return initialChecking
	}
	if reason, fails := g.failure(i, t); fails {
		failed := failedChecks
		failed.Description = cmp.Or(reason, failed.Description)
		return failed
	}
	return healthy
}

// failure reports whether the instance of a target was made to fail its health checks, and
// the reason, which can be empty. The instance can be nil.
func (g *targetGroup) failure(i *ec2.Instance, t target) (reason string, fails bool) {
	if i == nil {
		return "", false
	}
	if g.check.HealthCheckPort != trafficPort {
		return i.FailsOn(number(g.check.HealthCheckPort))
	}
	return i.FailsOn(t.port)
}

// instanceOf returns the instance of a target, and false for a target that is on none.
func (s *Service) instanceOf(g *targetGroup, t target) (*ec2.Instance, bool) {
	switch g.targetType {
	case targetInstance:
		if i, ok := s.instances.Instance(t.id); ok {
			return i, true
		}
		return &ec2.Instance{}, true // EC2 has removed it
	case targetIP:
		if address, err := netip.ParseAddr(t.id); err == nil {
			return s.instances.ByAddress(address)
		}
	}
	return nil, false
}

// serves reports whether load balancers route to a zone. Targets that are in no zone, or
// in all, are served.
func (s *Service) serves(r routes, zone string, at time.Time) bool {
	if zone == "" || zone == everyZone {
		return true
	}
	return slices.ContainsFunc(r.loadBalancers, func(arn string) bool {
		b, ok := s.loadBalancers.resources[arn]
		if !ok {
			return false
		}
		state, ok := b.At(at)
		return ok && slices.Contains(state.zones, zone)
	})
}
