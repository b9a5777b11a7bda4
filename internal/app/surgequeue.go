package app

import (
	"context"

	"lsapi/internal/cloud"
)

// SurgeQueue returns who tells of a load balancer's surge queue, as CloudWatch knows it:
// how many requests waited in the last minute at most, and how many have spilled over
// since the minute before. Endpoint is the URL of an emulator or a gateway; empty is AWS itself.
func SurgeQueue(ctx context.Context, loadBalancer, endpoint string) (look func(context.Context) (waiting int, spilled int64, err error), err error) {
	queue, err := cloud.NewSurgeQueue(ctx, loadBalancer, endpoint)
	if err != nil {
		return nil, err //nolint:wrapcheck // says it all
	}
	return queue.Look, nil
}
