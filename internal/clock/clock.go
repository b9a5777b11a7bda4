// Package clock compares this machine's clock with other clocks. Changes are labelled with
// this machine's time, so a wrong clock makes the record wrong for all readers.
package clock

import (
	"log/slog"
	"sync"
	"time"

	"lsapi"
)

const (
	// WarnAfter is the offset beyond which the log warns.
	WarnAfter = time.Second
	// Tolerance is the offset beyond which changes are refused. It is half of the 10 s for
	// which lsapi ignores possibly stale AWS reads after a change, so that two machines
	// within it agree on which changes these are. It exceeds the error of a reading of
	// AWS's clock.
	Tolerance = lsapi.ClockTolerance
	// retryAfter is the interval at which a wrong clock is compared again.
	retryAfter = 10 * time.Second
)

// Reading is a reading of another clock.
type Reading struct {
	// Time is the clock's time, truncated to Resolution.
	Time       time.Time
	Resolution time.Duration
	// Received is when the response arrived, by this machine's clock, and Took the time
	// since the request.
	Received time.Time
	Took     time.Duration
}

// Offset is a range for how far this machine's clock is ahead of another.
type Offset struct{ Low, High time.Duration }

// offset returns the range of offsets: the other clock showed a time from Time to
// Time+Resolution, between the request and the response.
func (r Reading) offset() Offset {
	ahead := r.Received.Sub(r.Time)
	return Offset{Low: ahead - r.Took - r.Resolution, High: ahead}
}

// Certain returns the smallest offset in the range.
func (o Offset) Certain() time.Duration {
	switch {
	case o.Low > 0:
		return o.Low
	case o.High < 0:
		return o.High
	}
	return 0
}

func (o Offset) beyond(limit time.Duration) bool { return o.Low > limit || o.High < -limit }

func (o Offset) within(limit time.Duration) bool { return o.Low >= -limit && o.High <= limit }

// Monitor tracks the offsets from other clocks. A clock is wrong from the first reading
// that is certainly beyond a limit until the first that is certainly within it. It is safe
// for concurrent use.
type Monitor struct {
	log      *slog.Logger
	compared chan struct{} // closed by the first reading

	mu      sync.Mutex
	sources map[string]*source
}

// source is another clock.
type source struct {
	observed        bool // there was a reading
	offset          Offset
	warned, refused bool
}

// NewMonitor returns a Monitor of the named sources.
func NewMonitor(log *slog.Logger, sources ...string) *Monitor {
	m := &Monitor{log: log, compared: make(chan struct{}), sources: make(map[string]*source)}
	for _, name := range sources {
		m.sources[name] = &source{}
	}
	return m
}

// Observe takes a reading of a source.
func (m *Monitor) Observe(name string, r Reading) {
	m.mu.Lock()
	s := m.sources[name]
	before := *s
	if !m.isCompared() {
		close(m.compared)
	}
	s.observed, s.offset = true, r.offset()
	s.warned = exceeds(before.warned, s.offset, WarnAfter)
	s.refused = exceeds(before.refused, s.offset, Tolerance)
	after := *s
	m.mu.Unlock()
	m.report(name, before, after)
}

// exceeds reports whether an offset exceeds a limit. If the range contains the limit, the
// result stays as before.
func exceeds(before bool, o Offset, limit time.Duration) bool {
	return o.beyond(limit) || before && !o.within(limit)
}

func (m *Monitor) report(name string, before, after source) {
	attrs := []any{"source", name, "offset_at_least", after.offset.Certain().Round(time.Millisecond)}
	switch {
	case after.refused && !before.refused:
		m.log.Error("this machine's clock is wrong, or the source's is: changes are refused until they agree", attrs...)
	case before.refused && !after.refused:
		m.log.Info("changes are accepted again: the clocks agree within the tolerance", attrs...)
	case after.warned && !before.warned:
		m.log.Warn("this machine's clock differs from the source's", attrs...)
	case before.warned && !after.warned:
		m.log.Info("this machine's clock agrees with the source's again", attrs...)
	}
}

// Check returns nil, or CodeUnavailable while the clock is wrong by more than
// Tolerance.
func (m *Monitor) Check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, s := range m.sources {
		if s.refused {
			err := lsapi.Errorf(lsapi.CodeUnavailable, "the clock of the service differs by more than %v from another (%s): nothing is changed until they agree", Tolerance, name)
			err.RetryAfter = retryAfter
			return err
		}
	}
	return nil
}

// Compared is closed when there has been a reading of any source.
func (m *Monitor) Compared() <-chan struct{} { return m.compared }

func (m *Monitor) isCompared() bool {
	select {
	case <-m.compared:
		return true
	default:
		return false
	}
}

// Wrong reports whether changes are refused because of a source.
func (m *Monitor) Wrong(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sources[name].refused
}

// Offset returns the offset of a source's last reading, and whether there is one.
func (m *Monitor) Offset(name string) (o Offset, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sources[name]
	return s.offset, s.observed
}
