package record

import "context"

// within runs f, and returns when it has ended, or when the context has: a disk that
// does not answer cannot be interrupted. f then goes on alone, so that nothing may be
// read that it writes.
func Within(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return Ended(ctx)
	}
}

// view returns what read finds in one state of the record.
func Read[T any](ctx context.Context, e Engine, read func(Tables) (T, error)) (T, error) {
	var found, none T
	err := e.View(ctx, func(t Tables) (err error) {
		found, err = read(t)
		return err
	})
	if err != nil {
		return none, err // read may still be at work
	}
	return found, nil
}
