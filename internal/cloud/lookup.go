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

// LaneClient is the Client of the lanes. It has the priority Write, and batches the
// instance lookups of different lanes.
type LaneClient struct {
	*Client
	work    *background.Group
	lookups *coalesce.Group[string, lsapi.Instance]
}

// ForLanes returns the Client of the lanes. It must be closed.
func (c *Client) ForLanes() LaneClient {
	client, work := c.For(budget.Write), background.New()
	lookups := coalesce.Options{Calls: maxLookups, Batch: maxFilterValues, Timeout: lookupTimeout}
	return LaneClient{client, work, coalesce.New(work, lookups, client.Instances)}
}

// Close cancels the running lookups and waits for their end. It returns an error if ctx
// ends first. Later lookups are CodeUnavailable.
func (c LaneClient) Close(ctx context.Context) error { return c.work.Close(ctx) }

// Instances returns EC2's description of instances, by id. CodeTimeout: ctx ended first.
func (c LaneClient) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	return c.lookups.Do(ctx, ids...)
}
