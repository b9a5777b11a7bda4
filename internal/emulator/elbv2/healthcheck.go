package elbv2

import (
	"strconv"

	"lsapi/internal/emulator/wire"
)

// trafficPort is the health check port that stands for the target's own.
const trafficPort = "traffic-port"

// defaultHealthCheck returns the health check of a new target group. Source: API reference
// (CreateTargetGroup).
func defaultHealthCheck(g *groupCreation) healthCheck {
	check := healthCheck{
		HealthCheckEnabled:         true,
		HealthCheckProtocol:        "HTTP",
		HealthCheckPort:            trafficPort,
		HealthCheckIntervalSeconds: 30,
		HealthCheckTimeoutSeconds:  5,
		HealthyThresholdCount:      5,
		UnhealthyThresholdCount:    2,
	}
	switch {
	case g.targetType == targetLambda:
		check.HealthCheckEnabled = false
		check.HealthCheckProtocol, check.HealthCheckPort = "", ""
		check.HealthCheckIntervalSeconds, check.HealthCheckTimeoutSeconds = 35, 30
	case !g.forHTTP() && g.targetType != targetALB:
		check.HealthCheckProtocol = "TCP"
		check.HealthCheckTimeoutSeconds = 10
	}
	return check.withPath("", "")
}

// checksHTTP reports whether the check is an HTTP request.
func (h healthCheck) checksHTTP() bool { return h.HealthCheckProtocol != "TCP" }

// withPath returns the check with a path and the expected codes. Empty ones keep those that
// it has, or get the defaults. A TCP check has neither.
func (h healthCheck) withPath(path, codes string) healthCheck {
	if !h.checksHTTP() {
		h.HealthCheckPath, h.Matcher = "", nil
		return h
	}
	if path != "" {
		h.HealthCheckPath = path
	}
	if h.HealthCheckPath == "" {
		h.HealthCheckPath = "/"
	}
	if codes != "" {
		h.Matcher = &matcher{codes}
	}
	if h.Matcher == nil {
		h.Matcher = &matcher{"200"}
	}
	return h
}

// with returns the check with the changes of a request.
func (h healthCheck) with(q wire.Query, g *groupCreation) (healthCheck, error) {
	var err error
	if h.HealthCheckEnabled, err = q.Bool("HealthCheckEnabled", h.HealthCheckEnabled); err != nil {
		return h, err
	}
	if q.Has("HealthCheckProtocol") {
		h.HealthCheckProtocol = q.Text("HealthCheckProtocol")
	}
	if q.Has("HealthCheckPort") {
		h.HealthCheckPort = q.Text("HealthCheckPort")
	}
	for _, field := range []struct {
		name  string
		value *int
	}{
		{"HealthCheckIntervalSeconds", &h.HealthCheckIntervalSeconds},
		{"HealthCheckTimeoutSeconds", &h.HealthCheckTimeoutSeconds},
		{"HealthyThresholdCount", &h.HealthyThresholdCount},
		{"UnhealthyThresholdCount", &h.UnhealthyThresholdCount},
	} {
		if *field.value, err = q.Number(field.name, *field.value); err != nil {
			return h, err
		}
	}
	h = h.withPath(q.Text("HealthCheckPath"), q.Text("Matcher.HttpCode"))
	return h, h.validate(g)
}

// validate checks the limits of the API reference.
func (h healthCheck) validate(g *groupCreation) error {
	var v wire.Validation
	v.Between(h.HealthCheckIntervalSeconds, 5, 300, "healthCheckIntervalSeconds")
	v.Between(h.HealthCheckTimeoutSeconds, 2, 120, "healthCheckTimeoutSeconds")
	v.Between(h.HealthyThresholdCount, 2, 10, "healthyThresholdCount")
	v.Between(h.UnhealthyThresholdCount, 2, 10, "unhealthyThresholdCount")
	if g.targetType != targetLambda {
		protocols := []string{"HTTP", "HTTPS"}
		if !g.forHTTP() && g.targetType != targetALB {
			protocols = append(protocols, "TCP")
		}
		oneOf(&v, h.HealthCheckProtocol, "healthCheckProtocol", protocols...)
	}
	if err := v.Err(); err != nil {
		return err
	}
	if !h.HealthCheckEnabled && g.targetType != targetLambda {
		return wire.ValidationFailed("Health check enabled must be true for target groups with target type '%s'", g.targetType)
	}
	if h.HealthCheckTimeoutSeconds >= h.HealthCheckIntervalSeconds {
		return wire.ValidationFailed("Health check interval must be greater than the timeout.")
	}
	if h.HealthCheckPort != trafficPort && g.targetType != targetLambda {
		if port, err := strconv.Atoi(h.HealthCheckPort); err != nil || port < 1 || port > 65535 {
			return wire.ValidationFailed("Health check port '%s' must be '%s' or a port between 1 and 65535", h.HealthCheckPort, trafficPort)
		}
	}
	return nil
}

// same reports whether both checks are equal.
func (h healthCheck) same(other healthCheck) bool {
	if (h.Matcher == nil) != (other.Matcher == nil) || h.Matcher != nil && *h.Matcher != *other.Matcher {
		return false
	}
	h.Matcher, other.Matcher = nil, nil
	return h == other
}
