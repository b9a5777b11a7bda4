package dataplane

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// classicAgent is the user agent of the probes of Classic load balancers.
const classicAgent = "ELB-HealthChecker/1.0"

// prober checks the health of the members of a set.
type prober struct {
	runtime *runtime
	set     *memberSet
	name    string // of the pool or group, for the log
	// changed is called after the health of a member has changed, with set.mu held.
	changed func(m *member)

	check HealthCheck   // guarded by set.mu
	reset chan struct{} // closed and replaced when check changes; guarded by set.mu
}

// use changes the health check. The caller holds set.mu.
func (p *prober) use(check HealthCheck) {
	if p.check != check {
		p.check = check
		close(p.reset)
		p.reset = make(chan struct{})
	}
}

// newMember makes a member and starts its probes. The caller holds set.mu.
//
//nolint:contextcheck,nolintlint // a member lives until the plane is closed, not until a request ends
func (p *prober) newMember(machines *machines, m Member) *member {
	made := &member{Member: m, machine: machines.get(m.InstanceID, 0)}
	made.ended, made.end = context.WithCancel(p.runtime.base)
	p.runtime.probes.Go(func() { p.probe(made.ended, made) })
	return made
}

// probe checks the health of a member until its last request has ended.
func (p *prober) probe(ctx context.Context, m *member) {
	var last time.Time
	for {
		p.set.mu.Lock()
		check, reset := p.check, p.reset
		p.set.mu.Unlock()
		due := m.Ready
		if !last.IsZero() {
			due = last.Add(check.Interval)
		}
		timer := time.NewTimer(time.Until(due))
		select {
		case <-timer.C:
		case <-reset:
			timer.Stop()
			continue
		case <-ctx.Done():
			timer.Stop()
			return
		}
		last = time.Now()
		failure := check.probe(ctx, m)
		if ctx.Err() != nil {
			return
		}
		p.recordProbe(m, check, failure)
	}
}

// recordProbe updates a member's health. A new member is in service after its first
// pass, which has no failure.
func (p *prober) recordProbe(m *member, check HealthCheck, failure *Failure) {
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	before := m.health
	if failure == nil {
		m.passes, m.failures = m.passes+1, 0
		switch {
		case before == Registering, before != InService && m.passes >= check.Healthy:
			m.health = InService
		case before == Failing:
			m.health = Recovering
		}
	} else {
		m.passes, m.failures, m.failure = 0, m.failures+1, *failure
		if before != InService && before != Registering || m.failures >= check.Unhealthy {
			m.health = Failing
		}
	}
	if m.health != before {
		p.runtime.Log.Info("health check", "pool", p.name, "instance", m.InstanceID, "port", m.Port, "in_service", m.health == InService)
		p.changed(m)
	}
}

// probe performs one health check. It returns nil if the member passes.
func (c HealthCheck) probe(ctx context.Context, m *member) *Failure {
	t, err := parseTarget(c.Target)
	if err != nil {
		return &Failure{Reason: Unreachable}
	}
	if t.port == 0 {
		t.port = m.Port
	}
	if m.machine.isFailing(t.port) {
		if t.http {
			return &Failure{WrongStatus, http.StatusServiceUnavailable}
		}
		return &Failure{Reason: Unreachable}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := m.machine.dial(ctx, t.port)
	if err != nil {
		return failureOf(err)
	}
	defer conn.Close()
	if !t.http {
		return nil
	}
	status, err := c.get(ctx, conn, t.path)
	switch {
	case err != nil:
		return failureOf(err)
	case !c.expects(status):
		return &Failure{WrongStatus, status}
	}
	return nil
}

// failureOf returns the failure of a connection or request.
func failureOf(err error) *Failure {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return &Failure{Reason: TimedOut}
	}
	return &Failure{Reason: Unreachable}
}

// get returns the status of a GET on the connection.
func (c HealthCheck) get(ctx context.Context, conn net.Conn, path string) (status int, err error) {
	transport := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+conn.RemoteAddr().String()+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Header.Set("User-Agent", cmp.Or(c.UserAgent, classicAgent))
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, bufferSize)
	return response.StatusCode, nil
}

// expects reports whether a status is among Codes.
func (c HealthCheck) expects(status int) bool {
	if c.Codes == "" {
		return status == http.StatusOK
	}
	for part := range strings.SplitSeq(c.Codes, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		least, err := strconv.Atoi(first)
		most, lastErr := strconv.Atoi(last)
		if err == nil && lastErr == nil && least <= status && status <= most {
			return true
		}
	}
	return false
}
