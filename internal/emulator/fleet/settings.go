package fleet

import (
	"cmp"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
)

// defaultLaunched is the launch time of instances that set none.
var defaultLaunched = time.Date(2024, time.January, 15, 9, 30, 0, 0, time.UTC)

const (
	defaultInstanceType = "t3.micro"
	imageID             = "ami-0a1b2c3d4e5f60718"
	stateGone           = "gone"
)

func (b LoadBalancer) settings(region string) elb.Settings {
	settings := elb.Settings{
		Name:        b.Name,
		Scheme:      cmp.Or(b.Scheme, elb.SchemeInternetFacing),
		Listeners:   b.listeners(),
		HealthCheck: b.healthCheck(),
		Attributes:  b.attributes(),
		DrainTime:   elb.DefaultDrainTime,
		Tags:        account.TagsOf(b.Tags),
		Created:     defaultLaunched,
	}
	if b.Draining != nil && b.Draining.Lasts > 0 {
		settings.DrainTime = b.Draining.Lasts
	}
	for _, letter := range b.Zones {
		settings.Zones = append(settings.Zones, region+letter)
	}
	if len(b.Zones) == 0 {
		settings.Zones = []string{region + "a", region + "b"}
	}
	return settings
}

func (b LoadBalancer) listeners() []elb.Listener {
	if len(b.Listeners) == 0 {
		return []elb.Listener{{Protocol: "HTTP", LoadBalancerPort: 80, InstanceProtocol: "HTTP", InstancePort: 80}}
	}
	listeners := make([]elb.Listener, len(b.Listeners))
	for n, l := range b.Listeners {
		listeners[n] = l.settings()
	}
	return listeners
}

func (l Listener) settings() elb.Listener {
	return elb.Listener{
		Protocol: l.Protocol, LoadBalancerPort: l.Port, InstanceProtocol: l.InstanceProtocol, InstancePort: l.InstancePort,
		SSLCertificateID: l.Certificate,
	}.WithDefaults()
}

func (b LoadBalancer) healthCheck() elb.HealthCheck {
	check := elb.DefaultHealthCheck(b.listeners())
	if b.HealthCheck == nil {
		return check
	}
	h := *b.HealthCheck
	return elb.HealthCheck{
		Target:             cmp.Or(h.Target, check.Target),
		Interval:           cmp.Or(seconds(h.Interval), check.Interval),
		Timeout:            cmp.Or(seconds(h.Timeout), check.Timeout),
		UnhealthyThreshold: cmp.Or(h.UnhealthyThreshold, check.UnhealthyThreshold),
		HealthyThreshold:   cmp.Or(h.HealthyThreshold, check.HealthyThreshold),
	}
}

func (b LoadBalancer) attributes() elb.Attributes {
	a := elb.DefaultAttributes()
	a.CrossZoneLoadBalancing.Enabled = b.CrossZone
	if b.Draining != nil {
		a.ConnectionDraining.Enabled = true
		a.ConnectionDraining.Timeout = cmp.Or(seconds(b.Draining.Timeout), a.ConnectionDraining.Timeout)
	}
	return a
}

func (i Instance) settings(region string, epoch time.Time) *ec2.Instance {
	return &ec2.Instance{
		ID:                i.ID,
		Image:             imageID,
		Type:              cmp.Or(i.Type, defaultInstanceType),
		Zone:              region + cmp.Or(i.Zone, account.ZoneLetters[:1]),
		Tags:              account.TagsOf(i.Tags),
		StartDelay:        i.StartDelay,
		RegistrationDelay: i.RegistrationDelay,
		Life:              i.life(epoch),
		Failing:           i.Healthy != nil && !*i.Healthy,
		FailureReason:     i.Description,
	}
}

// life returns the instance's transitions until the epoch.
func (i Instance) life(epoch time.Time) []ec2.Transition {
	launched := cmp.Or(i.Launched, defaultLaunched)
	if launched.After(epoch) {
		launched = epoch
	}
	state, _ := parseState(i.State)
	switch {
	case i.State == stateGone:
		return []ec2.Transition{{At: launched, State: ec2.Terminated}, {At: epoch.Add(-ec2.TerminatedVisible), State: ec2.Terminated}}
	case state == ec2.Terminated || state == ec2.ShuttingDown:
		return []ec2.Transition{{At: launched, State: ec2.Running}, {At: epoch, State: state}}
	default:
		return []ec2.Transition{{At: launched, State: state}}
	}
}

// seconds rounds up, so that a positive duration stays positive.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// parseState returns the state of an instance in a fleet.
func parseState(name string) (ec2.State, bool) {
	switch name {
	case "":
		return ec2.Running, true
	case stateGone:
		return ec2.Terminated, true
	}
	return ec2.ParseState(name)
}

func stateNames() []string { return append(ec2.StateNames(), stateGone) }
