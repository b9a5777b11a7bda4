package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// writeInstances exceeds the number of writes that can wait at the rate of writes and the
// service's timeout of 30 s.
const writeInstances = 200

// writers attach and detach instances of one load balancer at a constant rate. Each
// instance has at most one change in flight, so that earlier responses determine the
// valid ones.
type writers struct {
	service *service
	path    string
	http    *http.Client
	free    chan string // instances without a change in flight

	mu         sync.Mutex
	beliefs    map[string]belief
	statuses   map[int]int
	sent       int
	unanswered int
	untrue     int
}

func newWriters(s *service, path string) *writers {
	w := &writers{
		service: s, path: path, http: &http.Client{},
		free:    make(chan string, writeInstances),
		beliefs: make(map[string]belief), statuses: make(map[int]int),
	}
	for n := range writeInstances {
		w.beliefs[spare(n+1)] = stranger
		w.free <- spare(n + 1)
	}
	return w
}

// run writes for a while, and waits for the last response.
func (w *writers) run(ctx context.Context, lasts time.Duration) error {
	due := time.NewTicker(time.Second / writeRate)
	defer due.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-due.C:
		}
		select {
		case instance := <-w.free:
			running.Go(func() { w.change(ctx, instance) })
		default:
			return fmt.Errorf("%d changes are without an answer", writeInstances)
		}
	}
	return nil
}

// change makes one change, and records its response.
func (w *writers) change(ctx context.Context, instance string) {
	defer func() { w.free <- instance }()
	method := w.plan(instance)
	status, err := w.send(ctx, method, instance)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.unanswered++
		w.beliefs[instance] = unknown
		return
	}
	w.statuses[status]++
	now, plausible := w.beliefs[instance].after(method, status)
	w.beliefs[instance] = now
	if !plausible {
		w.untrue++
	}
}

func (w *writers) plan(instance string) (method string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	return w.beliefs[instance].next()
}

func (w *writers) send(ctx context.Context, method, instance string) (status int, err error) {
	request, err := w.service.request(ctx, method, w.path, fmt.Sprintf(`{"instanceId":%q}`, instance))
	if err != nil {
		return 0, err
	}
	response, err := w.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// lost returns the number of instances whose membership contradicts the responses.
func (w *writers) lost(truth map[string]bool) int {
	lost := 0
	for instance, b := range w.beliefs {
		if !b.isTrue(truth[instance]) {
			lost++
		}
	}
	return lost
}

// byStatus returns text such as "201 250 times, 503 50 times".
func (w *writers) byStatus() string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(w.statuses)) {
		parts = append(parts, fmt.Sprintf("%d %d times", status, w.statuses[status]))
	}
	return strings.Join(parts, ", ")
}
