package emulator

import (
	"context"
	"strings"
	"time"

	"lsapi/internal/emulator/elbv2"
	"lsapi/internal/emulator/wire"
)

// answer performs a call, unless its bucket is empty or a fault prevents it.
func (e *Emulator) answer(ctx context.Context, c wire.Call) (any, error) {
	e.calls.count(c.API.Version, c.Action)
	if err := e.clock.Sleep(ctx, e.latency); err != nil {
		return nil, wire.ErrCut // the client has disconnected
	}
	operation := c.API.Operations[c.Action]
	if e.throttle != nil && !e.throttle.allow(operation.Bucket(c.Query), c.Action, e.clock.Now()) {
		return nil, c.API.Throttled()
	}
	fault, ok := e.faults.next(c.Action, c.API.Version)
	if !ok {
		return e.perform(operation, c)
	}
	if !fault.After {
		return nil, e.inject(ctx, fault, c)
	}
	response, err := e.perform(operation, c)
	if failure := e.inject(ctx, fault, c); failure != nil {
		return nil, failure
	}
	return response, err
}

func (e *Emulator) perform(o wire.Operation, c wire.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.Time = e.account.ReadAt(e.clock.Now())
	response, err := o.Perform(c)
	if isChange(c.Action) {
		e.applyPlan()
	}
	return response, err
}

// isChange reports whether an action can change the state.
func isChange(action string) bool {
	for _, prefix := range []string{"Describe", "Get", "List"} {
		if strings.HasPrefix(action, prefix) {
			return false
		}
	}
	return true
}

// inject returns the error of a fault; nil for a call that was performed and whose
// client waited for the delayed answer.
func (e *Emulator) inject(ctx context.Context, f Fault, c wire.Call) error {
	switch f.Kind {
	case FaultThrottle:
		return c.API.Throttled()
	case Fault500:
		return c.API.InternalError()
	case FaultDenied:
		return c.API.Denied(c.Action)
	case FaultHealth:
		return elbv2.HealthUnavailable()
	case FaultReset:
		return wire.ErrCut
	}
	if !e.hold(ctx, f.Delay) {
		return wire.ErrCut
	}
	if f.After {
		return nil
	}
	return wire.Unavailable()
}

// hold waits until the delay has passed, and reports whether the client is still
// connected. Without a delay it waits until the client disconnects.
func (e *Emulator) hold(ctx context.Context, delay time.Duration) bool {
	if delay == 0 {
		<-ctx.Done()
		return false
	}
	return e.clock.Sleep(ctx, delay) == nil
}
