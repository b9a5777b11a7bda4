package dataplane

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// prober checks the health of a pool's members.
type prober struct {
	runtime *runtime
	pool    *pool

	check HealthCheck   // guarded by pool.mu
	reset chan struct{} // closed and replaced when check changes; guarded by pool.mu
}

// set changes the health check. The caller holds pool.mu.
func (p *prober) set(check HealthCheck) {
	if p.check != check {
		p.check = check
		close(p.reset)
		p.reset = make(chan struct{})
	}
}

// probe checks the health of a member until its last request has ended.
func (p *prober) probe(ctx context.Context, m *member) {
	var last time.Time
	for {
		p.pool.mu.Lock()
		check, reset := p.check, p.reset
		p.pool.mu.Unlock()
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
		passed := check.passes(ctx, m.machine)
		if ctx.Err() != nil {
			return
		}
		p.recordProbe(m, check, passed)
	}
}

// recordProbe updates a member's health. A new member is in service after its first
// pass.
func (p *prober) recordProbe(m *member, check HealthCheck, passed bool) {
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	before := m.health
	if passed {
		m.passes, m.failures = m.passes+1, 0
		switch {
		case before == Registering, before != InService && m.passes >= check.Healthy:
			m.health = InService
		case before == Failing:
			m.health = Recovering
		}
	} else {
		m.passes, m.failures = 0, m.failures+1
		if before != InService && before != Registering || m.failures >= check.Unhealthy {
			m.health = Failing
		}
	}
	if m.health != before {
		p.runtime.Log.Info("health check", "load_balancer", p.pool.name, "instance", m.InstanceID, "in_service", m.health == InService)
		p.pool.refresh()
	}
}

// passes performs one health check.
func (c HealthCheck) passes(ctx context.Context, m *machine) bool {
	if m.isFailing() {
		return false
	}
	t, err := parseTarget(c.Target)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := m.dial(ctx, t.port)
	if err != nil {
		return false
	}
	defer conn.Close()
	if !t.http {
		return true
	}
	return getsOK(ctx, conn, t.path)
}

// getsOK reports whether a GET on the connection is answered with 200.
func getsOK(ctx context.Context, conn net.Conn, path string) bool {
	transport := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+conn.RemoteAddr().String()+path, http.NoBody)
	if err != nil {
		return false
	}
	request.Header.Set("User-Agent", "ELB-HealthChecker/1.0")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, bufferSize)
	return response.StatusCode == http.StatusOK
}
