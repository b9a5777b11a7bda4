package membership

import (
	"context"
	"time"

	"lsapi"
)

// Record is where the lanes write what they are about to do, and what came of
// it. What it fails is told by CodeUnavailable, and then nothing was recorded; by
// CodeTimeout when that is not known; by CodeInternal when it contradicts what was
// recorded before.
type Record interface {
	// Take takes the load balancer's turn, waiting for whoever has it.
	Take(ctx context.Context, loadBalancer string) (lsapi.Turn, error)
	// Extend returns the turn with as much time left as Take's has. ErrTurnLost is
	// in the chain of its error when somebody else has taken it.
	Extend(ctx context.Context, turn lsapi.Turn) (lsapi.Turn, error)
	// Give gives the turn back.
	Give(ctx context.Context, turn lsapi.Turn) error
	// Append adds events to the load balancer's log, all or none. They are durable
	// when it returns. ErrTurnLost is in the chain of its error when somebody else
	// has taken the turn since.
	Append(ctx context.Context, turn lsapi.Turn, events []lsapi.Event) error
	// LaneState returns what the record knows of the load balancer; of the changes
	// that were applied, those since then.
	LaneState(ctx context.Context, loadBalancer string, since time.Time) (lsapi.LaneState, error)
	// Applied returns the changes of the load balancer that lsapi applied since then,
	// in whatever process, oldest first.
	Applied(ctx context.Context, loadBalancer string, since time.Time) ([]lsapi.Change, error)
	// Unfinished names the load balancers that have changes without outcome, or
	// changes that were applied since then.
	Unfinished(ctx context.Context, since time.Time) ([]string, error)
}

// forgetful is the Record when there is none: it takes everything and knows
// nothing.
type forgetful struct{}

func (forgetful) Take(_ context.Context, loadBalancer string) (lsapi.Turn, error) {
	return lsapi.Turn{LoadBalancer: loadBalancer, Resumed: true}, nil
}
func (forgetful) Extend(_ context.Context, turn lsapi.Turn) (lsapi.Turn, error) { return turn, nil }
func (forgetful) Give(context.Context, lsapi.Turn) error                        { return nil }
func (forgetful) Append(context.Context, lsapi.Turn, []lsapi.Event) error       { return nil }
func (forgetful) LaneState(context.Context, string, time.Time) (lsapi.LaneState, error) {
	return lsapi.LaneState{}, nil
}
func (forgetful) Applied(context.Context, string, time.Time) ([]lsapi.Change, error) {
	return nil, nil
}
func (forgetful) Unfinished(context.Context, time.Time) ([]string, error) { return nil, nil }
