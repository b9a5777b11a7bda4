package dataplane

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// target is what a health check asks.
type target struct {
	http bool
	port int
	path string
}

func parseTarget(text string) (target, error) {
	protocol, rest, _ := strings.Cut(text, ":")
	port, path, hasPath := strings.Cut(rest, "/")
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return target{}, fmt.Errorf("the target %q has no port", text)
	}
	return target{http: protocol == "HTTP" && hasPath, port: number, path: "/" + path}, nil
}

// probe makes health checks of a member until its last request has ended.
func (b *balancer) probe(ctx context.Context, m *member) {
	var last time.Time
	for {
		b.mu.Lock()
		check, renewed := b.check, b.checkNew
		b.mu.Unlock()
		due := m.Ready
		if !last.IsZero() {
			due = last.Add(check.Interval)
		}
		timer := time.NewTimer(time.Until(due))
		select {
		case <-timer.C:
		case <-renewed:
			timer.Stop()
			continue
		case <-ctx.Done():
			timer.Stop()
			return
		}
		last = time.Now()
		passed := m.machine.check(ctx, check)
		if ctx.Err() != nil {
			return
		}
		b.noteProbe(m, check, passed)
	}
}

// noteProbe takes the result of a health check in. A member that is new serves after
// its first pass.
func (b *balancer) noteProbe(m *member, check HealthCheck, passed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
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
		b.plane.o.Log.Info("health check", "load_balancer", b.name, "instance", m.InstanceID, "in_service", m.health == InService)
		b.recount()
	}
}

// check makes one health check.
func (m *machine) check(ctx context.Context, check HealthCheck) bool {
	if m.isFailing() {
		return false
	}
	asked, err := parseTarget(check.Target)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, check.Timeout)
	defer cancel()
	conn, err := m.dial(ctx, asked.port)
	if err != nil {
		return false
	}
	defer conn.Close()
	if !asked.http {
		return true
	}
	return asks(ctx, conn, asked)
}

// asks reports whether a request on the connection is answered by 200.
func asks(ctx context.Context, conn net.Conn, asked target) bool {
	transport := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+conn.RemoteAddr().String()+asked.path, http.NoBody)
	if err != nil {
		return false
	}
	request.Header.Set("User-Agent", "ELB-HealthChecker/1.0")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, copySize)
	return response.StatusCode == http.StatusOK
}
