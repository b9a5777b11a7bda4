package emulator

import (
	"regexp"
	"slices"
	"strconv"
)

// healthTarget is protocol, port and, for HTTP and HTTPS, a path.
var healthTarget = regexp.MustCompile(`^(?:(?:TCP|SSL):([0-9]{1,5})|(?:HTTP|HTTPS):([0-9]{1,5})/\S*)$`)

func (w *world) configureHealthCheck(c call) (any, error) {
	check, err := newHealthCheck(c.query)
	if err != nil {
		return nil, err
	}
	b, err := w.balancer(c.text("LoadBalancerName"))
	if err != nil {
		return nil, err
	}
	b.revise(c.reading.now, w.lag, func(f *facts) { f.healthCheck = check })
	return &configureHealthCheckResult{check}, nil
}

// field is a parameter and what it is read into.
type field[T any] struct {
	name  string
	value *T
}

func newHealthCheck(q query) (healthCheck, error) {
	check := healthCheck{Target: q.text("HealthCheck.Target")}
	var err error
	for _, field := range []field[int]{
		{"HealthCheck.Interval", &check.Interval},
		{"HealthCheck.Timeout", &check.Timeout},
		{"HealthCheck.UnhealthyThreshold", &check.UnhealthyThreshold},
		{"HealthCheck.HealthyThreshold", &check.HealthyThreshold},
	} {
		if *field.value, err = q.number(field.name, 0); err != nil {
			return check, err
		}
	}
	return check, check.valid()
}

// valid holds the limits of the API reference.
func (h healthCheck) valid() error {
	var v validation
	v.between(h.Interval, 5, 300, "healthCheck.interval")
	v.between(h.Timeout, 2, 60, "healthCheck.timeout")
	v.between(h.UnhealthyThreshold, 2, 10, "healthCheck.unhealthyThreshold")
	v.between(h.HealthyThreshold, 2, 10, "healthCheck.healthyThreshold")
	v.require(h.Target, "healthCheck.target")
	if err := v.err(); err != nil {
		return err
	}
	if h.Timeout >= h.Interval {
		return errValidation("HealthCheck timeout must be less than interval")
	}
	found := healthTarget.FindStringSubmatch(h.Target)
	if found == nil {
		return errValidation("HealthCheck Target must be TCP or SSL with a port, or HTTP or HTTPS with a port and a path, such as HTTP:80/ping: '%s'", h.Target)
	}
	port, err := strconv.Atoi(found[1] + found[2])
	if err != nil || port < 1 || port > 65535 {
		return errValidation("HealthCheck Target port must be between 1 and 65535: '%s'", h.Target)
	}
	return nil
}

func (w *world) describeAttributes(c call) (any, error) {
	name := c.text("LoadBalancerName")
	if err := validName(name); err != nil {
		return nil, err
	}
	r := w.seen(name, c.reading)
	if r == nil {
		return nil, errLoadBalancerNotFound(name)
	}
	return &describeAttributesResult{r.attributes}, nil
}

func (w *world) modifyAttributes(c call) (any, error) {
	name := c.text("LoadBalancerName")
	if err := validName(name); err != nil {
		return nil, err
	}
	b, err := w.balancer(name)
	if err != nil {
		return nil, err
	}
	next, err := b.latest().attributes.with(c.query)
	if err != nil {
		return nil, err
	}
	b.revise(c.reading.now, w.lag, func(f *facts) { f.attributes = next })
	return &modifyAttributesResult{name, next}, nil
}

// with returns the attributes with those of a request laid over them.
func (a attributes) with(q query) (attributes, error) {
	const prefix = "LoadBalancerAttributes."
	var err error
	for _, field := range []field[bool]{
		{"CrossZoneLoadBalancing.Enabled", &a.CrossZoneLoadBalancing.Enabled},
		{"AccessLog.Enabled", &a.AccessLog.Enabled},
		{"ConnectionDraining.Enabled", &a.ConnectionDraining.Enabled},
	} {
		if *field.value, err = q.boolean(prefix+field.name, *field.value); err != nil {
			return a, err
		}
	}
	for _, field := range []field[int]{
		{"AccessLog.EmitInterval", &a.AccessLog.EmitInterval},
		{"ConnectionDraining.Timeout", &a.ConnectionDraining.Timeout},
		{"ConnectionSettings.IdleTimeout", &a.ConnectionSettings.IdleTimeout},
	} {
		if *field.value, err = q.number(prefix+field.name, *field.value); err != nil {
			return a, err
		}
	}
	if bucket := prefix + "AccessLog.S3BucketName"; q.has(bucket) {
		a.AccessLog.S3BucketName = q.text(bucket)
		a.AccessLog.S3BucketPrefix = q.text(prefix + "AccessLog.S3BucketPrefix")
	}
	a.AdditionalAttributes.Members = a.additional(q.elements(prefix + "AdditionalAttributes.member"))
	return a, a.valid()
}

// additional returns the attributes that have no field of their own, with
// others laid over them.
func (a attributes) additional(others []query) []additionalAttribute {
	all := slices.Clone(a.AdditionalAttributes.Members)
	for _, other := range others {
		next := additionalAttribute{other.text("Key"), other.text("Value")}
		if at := slices.IndexFunc(all, func(old additionalAttribute) bool { return old.Key == next.Key }); at >= 0 {
			all[at] = next
		}
	}
	return all
}

// valid holds the limits of the API reference.
func (a attributes) valid() error {
	var v validation
	v.between(a.ConnectionDraining.Timeout, 1, 3600, "loadBalancerAttributes.connectionDraining.timeout")
	v.between(a.ConnectionSettings.IdleTimeout, 1, 4000, "loadBalancerAttributes.connectionSettings.idleTimeout")
	return v.err()
}
