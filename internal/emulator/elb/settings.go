package elb

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lsapi/internal/emulator/wire"
)

// healthTarget matches a protocol, a port and, for HTTP and HTTPS, a path.
var healthTarget = regexp.MustCompile(`^(?:(?:TCP|SSL):([0-9]{1,5})|(?:HTTP|HTTPS):([0-9]{1,5})/\S*)$`)

// DefaultHealthCheck returns the health check of a new load balancer: a TCP connection
// to the instance port of its first listener.
func DefaultHealthCheck(listeners []Listener) HealthCheck {
	return HealthCheck{
		Target:   fmt.Sprintf("TCP:%d", listeners[0].InstancePort),
		Interval: 30, Timeout: 5, UnhealthyThreshold: 2, HealthyThreshold: 10,
	}
}

// DefaultAttributes returns the attributes of a new load balancer.
func DefaultAttributes() Attributes {
	return Attributes{
		ConnectionDraining:   connectionDraining{Timeout: 300},
		ConnectionSettings:   connectionSettings{IdleTimeout: 60},
		AdditionalAttributes: wire.List[additionalAttribute]{Members: []additionalAttribute{{"elb.http.desyncmitigationmode", "defensive"}}},
	}
}

func (s *Service) configureHealthCheck(c wire.Call) (any, error) {
	check, err := newHealthCheck(c.Query)
	if err != nil {
		return nil, err
	}
	b, err := s.find(c.Text("LoadBalancerName"))
	if err != nil {
		return nil, err
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.healthCheck = check })
	return &configureHealthCheckResult{check}, nil
}

// field is a parameter and its destination.
type field[T any] struct {
	name  string
	value *T
}

func newHealthCheck(q wire.Query) (HealthCheck, error) {
	check := HealthCheck{Target: q.Text("HealthCheck.Target")}
	var err error
	for _, field := range []field[int]{
		{"HealthCheck.Interval", &check.Interval},
		{"HealthCheck.Timeout", &check.Timeout},
		{"HealthCheck.UnhealthyThreshold", &check.UnhealthyThreshold},
		{"HealthCheck.HealthyThreshold", &check.HealthyThreshold},
	} {
		if *field.value, err = q.Number(field.name, 0); err != nil {
			return check, err
		}
	}
	return check, check.Validate()
}

// Validate checks the limits of the API reference.
func (h HealthCheck) Validate() error {
	var v wire.Validation
	v.Between(h.Interval, 5, 300, "healthCheck.interval")
	v.Between(h.Timeout, 2, 60, "healthCheck.timeout")
	v.Between(h.UnhealthyThreshold, 2, 10, "healthCheck.unhealthyThreshold")
	v.Between(h.HealthyThreshold, 2, 10, "healthCheck.healthyThreshold")
	v.Require(h.Target, "healthCheck.target")
	if err := v.Err(); err != nil {
		return err
	}
	if h.Timeout >= h.Interval {
		return wire.ValidationFailed("HealthCheck timeout must be less than interval")
	}
	if !healthTarget.MatchString(h.Target) {
		return wire.ValidationFailed("HealthCheck Target must be TCP or SSL with a port, or HTTP or HTTPS with a port and a path, such as HTTP:80/ping: '%s'", h.Target)
	}
	if port := h.port(); port < 1 || port > 65535 {
		return wire.ValidationFailed("HealthCheck Target port must be between 1 and 65535: '%s'", h.Target)
	}
	return nil
}

// port returns the port of the target, 0 without one.
func (h HealthCheck) port() int {
	found := healthTarget.FindStringSubmatch(h.Target)
	if found == nil {
		return 0
	}
	port, _ := strconv.Atoi(found[1] + found[2]) // one that is out of range stays so
	return port
}

func (s *Service) describeAttributes(c wire.Call) (any, error) {
	r, _, err := s.readNamed(c.Text("LoadBalancerName"), c.Time)
	if err != nil {
		return nil, err
	}
	return &describeAttributesResult{r.attributes}, nil
}

func (s *Service) modifyAttributes(c wire.Call) (any, error) {
	name := c.Text("LoadBalancerName")
	if err := validateName(name); err != nil {
		return nil, err
	}
	b, err := s.find(name)
	if err != nil {
		return nil, err
	}
	next, err := b.latest().attributes.with(c.Query)
	if err != nil {
		return nil, err
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.attributes = next })
	return &modifyAttributesResult{name, next}, nil
}

// with returns the attributes with the changes of a request.
func (a Attributes) with(q wire.Query) (Attributes, error) {
	const prefix = "LoadBalancerAttributes."
	var err error
	for _, field := range []field[bool]{
		{"CrossZoneLoadBalancing.Enabled", &a.CrossZoneLoadBalancing.Enabled},
		{"AccessLog.Enabled", &a.AccessLog.Enabled},
		{"ConnectionDraining.Enabled", &a.ConnectionDraining.Enabled},
	} {
		if *field.value, err = q.Bool(prefix+field.name, *field.value); err != nil {
			return a, err
		}
	}
	for _, field := range []field[int]{
		{"AccessLog.EmitInterval", &a.AccessLog.EmitInterval},
		{"ConnectionDraining.Timeout", &a.ConnectionDraining.Timeout},
		{"ConnectionSettings.IdleTimeout", &a.ConnectionSettings.IdleTimeout},
	} {
		if *field.value, err = q.Number(prefix+field.name, *field.value); err != nil {
			return a, err
		}
	}
	if bucket := prefix + "AccessLog.S3BucketName"; q.Has(bucket) {
		a.AccessLog.S3BucketName = q.Text(bucket)
		a.AccessLog.S3BucketPrefix = q.Text(prefix + "AccessLog.S3BucketPrefix")
	}
	if a.AccessLog.Enabled {
		a.AccessLog.EmitInterval = cmp.Or(a.AccessLog.EmitInterval, 60)
	}
	if a.AdditionalAttributes.Members, err = a.additionalWith(q.Elements(prefix + "AdditionalAttributes.member")); err != nil {
		return a, err
	}
	return a, a.Validate()
}

// desyncModes are the values of the only additional attribute.
var desyncModes = []string{"monitor", "defensive", "strictest"}

// additionalWith returns the additional attributes with the changes of a request.
func (a Attributes) additionalWith(changes []wire.Query) ([]additionalAttribute, error) {
	all := slices.Clone(a.AdditionalAttributes.Members)
	for _, change := range changes {
		next := additionalAttribute{change.Text("Key"), change.Text("Value")}
		at := slices.IndexFunc(all, func(old additionalAttribute) bool { return old.Key == next.Key })
		if at < 0 {
			return nil, wire.BadRequest("LoadBalancerAttributeNotFound", "The attribute '%s' does not exist", next.Key)
		}
		if !slices.Contains(desyncModes, next.Value) {
			return nil, wire.ValidationFailed("The value of '%s' must be one of %s: '%s'", next.Key, strings.Join(desyncModes, ", "), next.Value)
		}
		all[at] = next
	}
	return all, nil
}

// Validate checks the limits of the API reference.
func (a Attributes) Validate() error {
	var v wire.Validation
	v.Between(a.ConnectionDraining.Timeout, 1, 3600, "loadBalancerAttributes.connectionDraining.timeout")
	v.Between(a.ConnectionSettings.IdleTimeout, 1, 4000, "loadBalancerAttributes.connectionSettings.idleTimeout")
	if err := v.Err(); err != nil {
		return err
	}
	if !slices.Contains([]int{0, 5, 60}, a.AccessLog.EmitInterval) { // 0: not set
		return wire.ValidationFailed("The interval of access logs must be 5 or 60 minutes: %d", a.AccessLog.EmitInterval)
	}
	if a.AccessLog.Enabled && a.AccessLog.S3BucketName == "" {
		return errConfiguration("Access logs must have the name of an S3 bucket")
	}
	return nil
}
