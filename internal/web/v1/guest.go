package v1

import "log/slog"

// Guest is a caller whose request lasts, because it waits or watches.
type Guest struct {
	// Leave must be called when the request has ended.
	Leave func()
	// Check returns CodeUnauthenticated when its credentials are not in force any more.
	Check func() error
	// Log gets what becomes of the request after its answer has begun.
	Log *slog.Logger
}
