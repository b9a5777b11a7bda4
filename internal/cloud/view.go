package cloud

import (
	"context"
	"iter"

	"lsapi"
	"lsapi/internal/cloud/budget"
)

// View is a Client whose calls all have one rank in the budget.
type View struct {
	client *Client
	rank   budget.Rank
}

// For returns a view of the client for calls of the rank.
func (c *Client) For(rank budget.Rank) View { return View{c, rank} }

// Members is Client.Members.
func (v View) Members(ctx context.Context, loadBalancer string) ([]string, error) {
	return v.client.Members(budget.For(ctx, v.rank), loadBalancer)
}

// Instances is Client.Instances.
func (v View) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	return v.client.Instances(budget.For(ctx, v.rank), ids)
}

// Register is Client.Register.
func (v View) Register(ctx context.Context, loadBalancer string, ids []string) error {
	return v.client.Register(budget.For(ctx, v.rank), loadBalancer, ids)
}

// Deregister is Client.Deregister.
func (v View) Deregister(ctx context.Context, loadBalancer string, ids []string) error {
	return v.client.Deregister(budget.For(ctx, v.rank), loadBalancer, ids)
}

// LoadBalancers is Client.LoadBalancers.
func (v View) LoadBalancers(ctx context.Context) iter.Seq2[[]lsapi.LoadBalancer, error] {
	return v.client.LoadBalancers(budget.For(ctx, v.rank))
}

// AllInstances is Client.AllInstances.
func (v View) AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return v.client.AllInstances(budget.For(ctx, v.rank))
}

// Lanes is the view of the writers: its calls go first, and lookups of different
// lanes travel together.
type Lanes struct {
	View
	lookups *Lookups
}

// ForLanes returns the view of the writers. Shared lookups end with base.
func (c *Client) ForLanes(base context.Context) Lanes {
	view := c.For(budget.Write)
	return Lanes{view, NewLookups(base, view.Instances)}
}

// Instances is Lookups.Instances.
func (l Lanes) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	return l.lookups.Instances(ctx, ids)
}
