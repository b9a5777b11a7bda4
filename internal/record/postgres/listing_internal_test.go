package postgres

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// While the database hangs in one call, the others wait no longer than their callers.
func TestRefreshCallsEndWithTheirContextsWhileOneHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefresh(nil)
		if err := r.begin(t.Context()); err != nil { // a call that does not return
			t.Fatal(err)
		}
		for name, call := range map[string]func(context.Context) error{
			"lead": func(ctx context.Context) error { _, err := r.lead(ctx); return err },
			"publish": func(ctx context.Context) error {
				return r.publish(ctx, lsapi.KindListing{Kind: lsapi.KindELB, AsOf: time.Now()}, nil)
			},
			"release": r.release,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := call(ctx); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
				t.Errorf("%s returned %v", name, err)
			}
			cancel()
		}
	})
}
