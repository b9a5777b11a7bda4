package cloud

import (
	"context"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/coalesce"
)

// maxLookups is how many batched lookups run at once: enough that a slow one delays no
// other, few enough that a burst is batched.
const maxLookups = 4

// Lookups batches the instance lookups of all lanes. It has the priority Write.
type Lookups struct {
	work   *background.Group
	shared *coalesce.Group[string, lsapi.Instance]
}

// ForLanes returns the Lookups of the lanes. They must be closed.
func (c *EC2) ForLanes() *Lookups {
	work := background.New()
	options := coalesce.Options{Calls: maxLookups, Batch: instancesPage, Timeout: lookupTimeout}
	return &Lookups{work, coalesce.New(work, options, c.For(budget.Write).lookUp)}
}

// lookUp looks instances up by one call: by their ids if they are too many for a filter.
func (c *EC2) lookUp(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	if len(ids) > maxFilterValues {
		return c.instancesByID(ctx, ids)
	}
	return c.Instances(ctx, ids)
}

// Close cancels the running lookups and waits for their end. It returns an error if ctx
// ends first. Later lookups are CodeUnavailable.
func (l *Lookups) Close(ctx context.Context) error { return l.work.Close(ctx) }

// Instances returns EC2's description of instances, by id. CodeTimeout: ctx ended first.
func (l *Lookups) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	return l.shared.Do(ctx, ids...)
}
