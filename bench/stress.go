package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/process"
	"lsapi/bench/internal/report"
	"lsapi/internal/stress"
)

// The load of the original's figures: 12 connections for 30 s, through a load balancer.
const (
	stressConnections = 12
	stressLasts       = 30 * time.Second
	// memberConcurrency is small, so that one machine can fill the surge queue.
	memberConcurrency = 32
	// crowdConnections exceed the capacity of two members and the queue.
	crowdConnections = 2*memberConcurrency + 1024 + 212
	proxyRate        = 1000 // requests a second
	proxyRounds      = 3
	stressBound      = 2 * time.Minute
	serviceInstance  = "i-0592fe5ccee879f04"
	// seedThroughput and seedLatency are the published figures of the original.
	seedThroughput = 10.31
	seedLatency    = 1130 // ms
)

// webMembers are the members of web-elb, each a small web server.
var webMembers = []string{"i-0a11ce0000000ab01", "i-0a11ce0000000ab02", "i-0a11ce0000000ab03"}

// stressFleet is the service behind default-elb, and three web servers behind web-elb and
// web-alb.
const stressFleet = `
loadBalancers:
  - name: default-elb
    listeners: [{protocol: HTTP, port: 80, instancePort: 8000}]
    healthCheck: {target: "HTTP:8000/healthcheck", interval: 5s, timeout: 2s, unhealthyThreshold: 2, healthyThreshold: 2}
    members: [i-0592fe5ccee879f04]
  - name: web-elb
    listeners: [{protocol: HTTP, port: 80, instancePort: 8080}]
    healthCheck: {target: "HTTP:8080/", interval: 5s, timeout: 2s, unhealthyThreshold: 2, healthyThreshold: 2}
    draining: {timeout: 60s}
    members: [i-0a11ce0000000ab01, i-0a11ce0000000ab02, i-0a11ce0000000ab03]
targetGroups:
  - name: web
    port: 8080
    healthCheck: {interval: 5s, timeout: 2s, unhealthyThreshold: 2, healthyThreshold: 2}
    attributes: {deregistration_delay.timeout_seconds: 5}
    targets: [i-0a11ce0000000ab01, i-0a11ce0000000ab02, i-0a11ce0000000ab03]
applicationLoadBalancers:
  - name: web-alb
    listeners: [{protocol: HTTP, port: 80, forward: {web: 1}}]
instances:
  - {id: i-0592fe5ccee879f04, type: t2.micro}
  - {id: i-0a11ce0000000ab01, type: t3.small}
  - {id: i-0a11ce0000000ab02, type: t3.small}
  - {id: i-0a11ce0000000ab03, type: t3.small}
`

// measureStress measures traffic through load balancers: that of the service itself,
// and that of members that come, go, are too few, and die.
func measureStress(ctx context.Context, b *bench, s *report.Section) error {
	for _, scenario := range []func(context.Context, *bench, *report.Section) error{
		cachedThroughLoadBalancer, originalThroughLoadBalancer, surgeQueue, rollingMembers, rollingTargets, dyingMember,
	} {
		if err := scenario(ctx, b, s); err != nil {
			return err
		}
	}
	return nil
}

// stressed is the service behind a load balancer that carries traffic.
type stressed struct {
	pair
	bench *bench
	user  string // the Authorization of its user
}

// startDemo starts lsapi demo, which is the service and its load balancer in one
// process, and waits until it serves.
func (b *bench) startDemo(ctx context.Context) (*stressed, error) {
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = process.FreeAddress(); err != nil {
			return nil, err
		}
	}
	p, err := process.Start(ctx, process.Command{
		Path:   b.binary,
		Args:   []string{"demo", "--listen", addresses[0], "--emulator-listen", addresses[1]},
		Output: b.file("demo.log"),
		Ready:  "http://" + addresses[0] + "/healthcheck",
	})
	if err != nil {
		return nil, err
	}
	up := &stressed{
		pair:  pair{&service{p, addresses[0]}, &emulated{p, "http://" + addresses[1]}},
		bench: b, user: "Basic " + base64.StdEncoding.EncodeToString([]byte("demo:demo")),
	}
	err = up.until(ctx, "default-elb carries traffic", func(all []traffic) bool {
		return slices.ContainsFunc(all, func(t traffic) bool {
			return t.LoadBalancer == "default-elb" && len(t.Members) == 1 && t.Members[0].InService
		})
	})
	if err != nil {
		p.Stop()
		return nil, err
	}
	return up, nil
}

// startStressed starts both, and waits until all members serve.
func (b *bench) startStressed(ctx context.Context, l launch, args ...string) (*stressed, error) {
	awsAddress, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	l.aws = "http://" + awsAddress
	served, err := b.startService(ctx, l)
	if err != nil {
		return nil, err
	}
	fleet := b.file("stress.yaml")
	if err := os.WriteFile(fleet, []byte(stressFleet), 0o600); err != nil {
		served.Stop()
		return nil, err
	}
	p, err := process.Start(ctx, process.Command{
		Path: b.binary,
		Args: append([]string{
			"emulator", "--listen", awsAddress, "--fleet", fleet, "--data-plane",
			"--member-concurrency", strconv.Itoa(memberConcurrency), "--backend", serviceInstance + "=" + served.address,
		}, args...),
		Output: b.file("emulator.log"),
		Ready:  l.aws + "/_emulator/calls",
	})
	if err != nil {
		served.Stop()
		return nil, err
	}
	up := &stressed{pair: pair{served, &emulated{p, l.aws}}, bench: b, user: authorization()}
	err = up.until(ctx, "all members serve", func(all []traffic) bool {
		return !slices.ContainsFunc(all, func(t traffic) bool {
			return slices.ContainsFunc(t.Members, func(m instance) bool { return !m.InService })
		})
	})
	if err == nil {
		err = served.warm(ctx, "/elb/default-elb")
	}
	if err != nil {
		up.stop()
		return nil, err
	}
	return up, nil
}

// traffic is the emulator's report of a load balancer.
type traffic struct {
	LoadBalancer string
	Listeners    []struct{ URL string }
	Members      []instance
}

// instance is a member of a load balancer.
type instance struct {
	InstanceID string
	InService  bool
}

// traffic returns the traffic of the load balancers.
func (u *stressed) traffic(ctx context.Context) (all []traffic, err error) {
	return all, u.aws.control(ctx, http.MethodGet, "traffic", "", &all)
}

// until waits for a condition.
func (u *stressed) until(ctx context.Context, what string, so func([]traffic) bool) error {
	ctx, cancel := context.WithTimeout(ctx, stressBound)
	defer cancel()
	for {
		all, err := u.traffic(ctx)
		if err != nil || so(all) {
			return err
		}
		if err := pause(ctx, fillPoll); err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
	}
}

// inService reports whether a member of web-elb serves.
func inService(all []traffic, id string) bool {
	for _, t := range all {
		for _, m := range t.Members {
			if t.LoadBalancer == "web-elb" && m.InstanceID == id {
				return m.InService
			}
		}
	}
	return false
}

// url returns the URL of a load balancer's listener.
func (u *stressed) url(ctx context.Context, loadBalancer, path string) (string, error) {
	all, err := u.traffic(ctx)
	if err != nil {
		return "", err
	}
	for _, t := range all {
		for _, l := range t.Listeners {
			if t.LoadBalancer == loadBalancer && l.URL != "" {
				return l.URL + path, nil
			}
		}
	}
	return "", fmt.Errorf("%s does not listen", loadBalancer)
}

// stress runs lsapi stress, and returns its report.
func (u *stressed) stress(ctx context.Context, target string, args ...string) (r stress.Report, err error) {
	command := exec.CommandContext(ctx, u.bench.binary, append([]string{"stress", "-o", "json", "-H", "Authorization: " + u.user, target}, args...)...)
	text, err := command.Output()
	if err != nil && len(text) == 0 {
		return r, fmt.Errorf("lsapi stress: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("lsapi stress: %w", err)
	}
	return r, nil
}

func (b *bench) stressTime() time.Duration {
	if b.quick {
		return 3 * time.Second
	}
	return stressLasts
}

// asUser returns the arguments of the load of the original's figures.
func (b *bench) asUser() []string {
	return []string{"--connections", strconv.Itoa(stressConnections), "--duration", b.stressTime().String()}
}

// wrkAsUser runs the command of the original's figures: wrk -t12 -c12 -d30s.
func (u *stressed) wrkAsUser(ctx context.Context, target string) (load.WrkResult, error) {
	return load.Wrk{
		Threads: stressConnections, Connections: stressConnections, Duration: u.bench.stressTime(),
		URL: target, Header: "Authorization: " + u.user,
	}.Run(ctx)
}

// cachedThroughLoadBalancer measures the demo's service through its default-elb.
func cachedThroughLoadBalancer(ctx context.Context, b *bench, s *report.Section) error {
	up, err := b.startDemo(ctx)
	if err != nil {
		return err
	}
	defer up.service.Stop()
	target, err := up.url(ctx, "default-elb", "/elb/default-elb")
	if err != nil {
		return err
	}
	if err := up.addUserRows(ctx, s, "1 through default-elb, from memory", target, report.AtLeast(15_000)); err != nil {
		return err
	}
	return up.addProxyRow(ctx, s, target)
}

// addUserRows adds the figures of lsapi stress and of wrk.
func (u *stressed) addUserRows(ctx context.Context, s *report.Section, name, target string, aim *report.Aim) error {
	wrk, err := u.wrkAsUser(ctx, target)
	if err != nil {
		return err
	}
	ours, err := u.stress(ctx, target, u.bench.asUser()...)
	if err != nil {
		return err
	}
	step := ours.Steps[0]
	original := report.Yardstick{Name: "the original", Figure: report.FigureOf(seedThroughput)}
	s.Add(
		report.Row{Name: name + ": wrk -t12 -c12 -d30s", Unit: "requests/s", Aim: aim, Figure: report.FigureOf(wrk.PerSecond),
			Beside: []report.Yardstick{{Name: "lsapi stress", Figure: report.FigureOf(step.Throughput)}, original}},
		report.Row{Name: name + ": p50", Unit: "ms", Figure: report.FigureOf(report.Milliseconds(wrk.P50)),
			Beside: []report.Yardstick{{Name: "lsapi stress", Figure: report.FigureOf(step.Latency.P50)}, {Name: "the original's mean", Figure: report.FigureOf(seedLatency)}}},
		report.Row{Name: name + ": p99", Unit: "ms", Figure: report.FigureOf(report.Milliseconds(wrk.P99)),
			Beside: []report.Yardstick{{Name: "lsapi stress", Figure: report.FigureOf(step.Latency.P99)}, {Name: "the same, corrected", Figure: report.FigureOf(step.Corrected.P99)}},
			Note:   fmt.Sprintf("%d of %d requests failed", step.Failed, step.Requests)},
	)
	return nil
}

// addProxyRow adds the latency that the load balancer adds.
func (u *stressed) addProxyRow(ctx context.Context, s *report.Section, through string) error {
	lasts := u.bench.lasting(10 * time.Second).String()
	var added, alone []float64
	for range proxyRounds {
		plain, err := u.stress(ctx, u.service.url("/elb/default-elb"), "--rate", strconv.Itoa(proxyRate), "--duration", lasts)
		if err != nil {
			return err
		}
		proxied, err := u.stress(ctx, through, "--rate", strconv.Itoa(proxyRate), "--duration", lasts)
		if err != nil {
			return err
		}
		alone = append(alone, plain.Steps[0].Latency.P50)
		added = append(added, proxied.Steps[0].Latency.P50-plain.Steps[0].Latency.P50)
	}
	s.Add(report.Row{
		Name: fmt.Sprintf("what the load balancer adds at p50, at %d requests/s", proxyRate), Unit: "ms", Aim: report.AtMost(0.3),
		Figure: report.FigureOf(added...), Beside: []report.Yardstick{{Name: "the service alone", Figure: report.FigureOf(alone...)}},
	})
	return nil
}

// originalThroughLoadBalancer measures the original.
func originalThroughLoadBalancer(ctx context.Context, b *bench, s *report.Section) error {
	up, err := b.startStressed(ctx, launch{original: true}, "--latency", awsLatency)
	if err != nil {
		return err
	}
	defer up.stop()
	target, err := up.url(ctx, "default-elb", "/elb/default-elb")
	if err != nil {
		return err
	}
	return up.addUserRows(ctx, s, "2 the original, AWS takes 50 ms a call", target, nil)
}

// surgeQueue measures a load balancer with few connections, then with more than its
// members serve, then with few.
func surgeQueue(ctx context.Context, b *bench, s *report.Section) error {
	up, err := b.startStressed(ctx, launch{})
	if err != nil {
		return err
	}
	defer up.stop()
	target, err := up.url(ctx, "web-elb", "/?sleep=50ms")
	if err != nil {
		return err
	}
	if err := up.change(ctx, http.MethodDelete, webMembers[2]); err != nil { // two are left
		return err
	}
	r, err := up.stress(ctx, target, "--steps", fmt.Sprintf("%d,%d,%d", stressConnections, crowdConnections, stressConnections),
		"--duration", (b.stressTime() / 3).String(), "--surge-queue", "web-elb", "--aws-endpoint", up.aws.url)
	if err != nil {
		return err
	}
	for i, when := range []string{"before", "meanwhile", "afterwards"} {
		step := r.Steps[i]
		longest, spilled := queueOf(step)
		s.Add(report.Row{
			Name: fmt.Sprintf("3 %d connections, two members of 50 ms a request, %s", step.Connections, when), Unit: "requests/s",
			Figure: report.FigureOf(step.Throughput),
			Note: fmt.Sprintf("p50 %.0f ms, p99 %.0f ms; surge queue %d at most, %d spilled over (503), %d failed otherwise",
				step.Latency.P50, step.Latency.P99, longest, spilled, step.Failed-step.Statuses["503"]),
		})
	}
	return nil
}

// queueOf returns the longest surge queue of a step, and its spillover.
func queueOf(step stress.Step) (longest int, spilled int64) {
	for _, second := range step.Seconds {
		if second.Waiting != nil {
			longest = max(longest, *second.Waiting)
		}
		if second.Spillover != nil {
			spilled = max(spilled, *second.Spillover)
		}
	}
	return longest, spilled
}

// change attaches or detaches a member of web-elb, and waits for the effect.
func (u *stressed) change(ctx context.Context, method, id string) error {
	return u.send(ctx, method, "/elb/web-elb?wait=true&timeout=2m", `{"instanceId":"`+id+`"}`, http.StatusCreated)
}

// changeTarget attaches or detaches a target of the group web, and waits for the effect.
func (u *stressed) changeTarget(ctx context.Context, method, id string) error {
	want := map[string]int{http.MethodPut: http.StatusCreated, http.MethodDelete: http.StatusOK}[method]
	return u.send(ctx, method, "/v1/pools/tg/web/members/"+id+"?wait=true&timeout=2m", "", want)
}

// send sends a request to the service's API, whose response must have a status.
func (u *stressed) send(ctx context.Context, method, path, body string, status int) error {
	request, err := u.service.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		text, _ := io.ReadAll(response.Body) // only the status matters
		return fmt.Errorf("%s %s: %s %s", method, path, response.Status, text)
	}
	return nil
}

// compute calls EC2 for an instance, like an AWS client.
func (u *stressed) compute(ctx context.Context, action, id string) error {
	form := url.Values{"Version": {"2016-11-15"}, "Action": {action}, "InstanceId.1": {id}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.aws.url, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", action, id, response.Status)
	}
	return nil
}

// during runs a function under load on a load balancer.
func (u *stressed) during(ctx context.Context, loadBalancer string, something func() error) (r stress.Report, err error) {
	target, err := u.url(ctx, loadBalancer, "/?sleep=5ms")
	if err != nil {
		return r, err
	}
	loaded := make(chan error, 1)
	go func() {
		var err error
		r, err = u.stress(ctx, target, u.bench.asUser()...)
		loaded <- err
	}()
	failure := something()
	return r, errors.Join(<-loaded, failure)
}

// rollingMembers replaces each member of a Classic load balancer.
func rollingMembers(ctx context.Context, b *bench, s *report.Section) error {
	up, err := b.startStressed(ctx, launch{})
	if err != nil {
		return err
	}
	defer up.stop()
	return up.replace(ctx, s, "4 each of three members", "web-elb", up.change, http.MethodPost)
}

// rollingTargets replaces each target of an Application Load Balancer.
func rollingTargets(ctx context.Context, b *bench, s *report.Section) error {
	up, err := b.startStressed(ctx, launch{})
	if err != nil {
		return err
	}
	defer up.stop()
	return up.replace(ctx, s, "5 each of three targets of an ALB", "web-alb", up.changeTarget, http.MethodPut)
}

// replace replaces each web server behind a load balancer in turn under load, as a
// deployment does. Attach is the method that attaches.
func (u *stressed) replace(ctx context.Context, s *report.Section, row, loadBalancer string, change func(ctx context.Context, method, id string) error, attach string) error {
	began := time.Now()
	var took time.Duration
	r, err := u.during(ctx, loadBalancer, func() error {
		for _, id := range webMembers {
			for _, do := range []func() error{
				func() error { return change(ctx, http.MethodDelete, id) },
				func() error { return u.compute(ctx, "StopInstances", id) },
				func() error { return u.compute(ctx, "StartInstances", id) },
				func() error { return change(ctx, attach, id) },
			} {
				if err := do(); err != nil {
					return err
				}
			}
		}
		took = time.Since(began)
		return nil
	})
	if err != nil {
		return err
	}
	step := r.Steps[0]
	s.Add(report.Row{
		Name: row + " replaced in turn, under load: failed requests", Aim: report.AtMost(0),
		Figure: report.FigureOf(float64(step.Failed)),
		Note:   fmt.Sprintf("of %d in %.0f s, p99 %.1f ms; all three took %.0f s", step.Requests, step.Took, step.Latency.P99, took.Seconds()),
	})
	return nil
}

// dyingMember kills a member that is still attached.
func dyingMember(ctx context.Context, b *bench, s *report.Section) error {
	up, err := b.startStressed(ctx, launch{})
	if err != nil {
		return err
	}
	defer up.stop()
	var noticed time.Duration
	var outAt time.Time
	r, err := up.during(ctx, "web-elb", func() error {
		if err := pause(ctx, b.stressTime()/6); err != nil {
			return err
		}
		died := time.Now()
		if err := up.aws.control(ctx, http.MethodPost, "kill", `{"instanceId":"`+webMembers[0]+`"}`, nil); err != nil {
			return err
		}
		err := up.until(ctx, "the dead member is out of service", func(all []traffic) bool { return !inService(all, webMembers[0]) })
		outAt = time.Now()
		noticed = outAt.Sub(died)
		return err
	})
	if err != nil {
		return err
	}
	step, after := r.Steps[0], 0
	for _, second := range step.Seconds {
		if second.At-1 > outAt.Sub(r.StartedAt).Seconds() {
			after += second.Failed
		}
	}
	s.Add(report.Row{
		Name: "6 a member dies: failed requests until health checks take it out", Figure: report.FigureOf(float64(step.Failed - after)),
		Note: fmt.Sprintf("of %d in %.0f s; it was out after %.1f s. New connections went to another member; requests in flight failed", step.Requests, step.Took, noticed.Seconds()),
	}, report.Row{Name: "6 failed requests after that", Aim: report.AtMost(0), Figure: report.FigureOf(float64(after))})
	return nil
}
