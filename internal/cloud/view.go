package cloud

import (
	"context"
	"iter"
	"time"

	"lsapi"
	"lsapi/internal/cloud/budget"
)

// View is a Client whose calls all have one rank in the budget.
type View struct {
	client   *Client
	rank     budget.Rank
	patience time.Duration
}

// For returns a view of the client for calls of the rank.
func (c *Client) For(rank budget.Rank) View { return View{client: c, rank: rank} }

// ForRefreshes returns a view of the client for calls in the background. One
// that has not ended after patience counts as waited for: readers soon would be.
// Without that, a few of them who insist on fresh data could keep everybody
// else's from ever being refreshed.
func (c *Client) ForRefreshes(patience time.Duration) View {
	return View{client: c, rank: budget.Background, patience: patience}
}

// call returns the context of a call; done must be called after it.
func (v View) call(ctx context.Context) (_ context.Context, done func()) {
	purpose := budget.NewPurpose(v.rank)
	ctx = purpose.Context(ctx)
	if v.patience == 0 {
		return ctx, func() {}
	}
	timer := time.AfterFunc(v.patience, func() { purpose.Raise(budget.WaitingReader) })
	return ctx, func() { timer.Stop() }
}

// Members is Client.Members.
func (v View) Members(ctx context.Context, loadBalancer string) ([]string, error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.Members(ctx, loadBalancer)
}

// Instances is Client.Instances.
func (v View) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.Instances(ctx, ids)
}

// Health is Client.Health.
func (v View) Health(ctx context.Context, loadBalancer string) ([]lsapi.MemberHealth, error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.Health(ctx, loadBalancer)
}

// HealthOf is Client.HealthOf.
func (v View) HealthOf(ctx context.Context, loadBalancer string, ids []string) ([]lsapi.MemberHealth, error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.HealthOf(ctx, loadBalancer, ids)
}

// Attributes is Client.Attributes.
func (v View) Attributes(ctx context.Context, loadBalancer string) (lsapi.Attributes, error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.Attributes(ctx, loadBalancer)
}

// Tags is Client.Tags.
func (v View) Tags(ctx context.Context, loadBalancers []string) (map[string]map[string]string, error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.Tags(ctx, loadBalancers)
}

// Register is Client.Register.
func (v View) Register(ctx context.Context, loadBalancer string, ids []string, permit lsapi.BeforeAttempt) (awsRequestID string, err error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.Register(ctx, loadBalancer, ids, permit)
}

// Deregister is Client.Deregister.
func (v View) Deregister(ctx context.Context, loadBalancer string, ids []string, permit lsapi.BeforeAttempt) (awsRequestID string, err error) {
	ctx, done := v.call(ctx)
	defer done()
	return v.client.Deregister(ctx, loadBalancer, ids, permit)
}

// LoadBalancers is Client.LoadBalancers.
func (v View) LoadBalancers(ctx context.Context) iter.Seq2[[]lsapi.Pool, error] {
	return func(yield func([]lsapi.Pool, error) bool) {
		ctx, done := v.call(ctx)
		defer done()
		v.client.LoadBalancers(ctx)(yield)
	}
}

// AllInstances is Client.AllInstances.
func (v View) AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return func(yield func([]lsapi.Instance, error) bool) {
		ctx, done := v.call(ctx)
		defer done()
		v.client.AllInstances(ctx)(yield)
	}
}

// Lanes is the view of the writers: its calls go first, and lookups of different
// lanes travel together.
type Lanes struct {
	View
	lookups *Lookups
}

// ForLanes returns the view of the writers. It must be closed.
func (c *Client) ForLanes() Lanes {
	view := c.For(budget.Write)
	return Lanes{view, NewLookups(view.Instances)}
}

// Close is Lookups.Close.
func (l Lanes) Close(ctx context.Context) error { return l.lookups.Close(ctx) }

// Instances is Lookups.Instances.
func (l Lanes) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	return l.lookups.Instances(ctx, ids)
}
