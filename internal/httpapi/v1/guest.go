package v1

import (
	"context"
	"log/slog"
)

// Guest is a caller whose request lasts, because it waits or watches.
type Guest struct {
	// Leave must be called when the request has ended.
	Leave func()
	// Check returns CodeUnauthenticated when its credentials are no longer right.
	Check func(ctx context.Context) error
	// Log gets what becomes of the request after its answer has begun.
	Log *slog.Logger
}
