package cloud_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
)

// slowEC2 finds every instance, slowly.
type slowEC2 struct {
	mu    sync.Mutex
	calls [][]string
	hangs int // how many calls hang until their context ends
}

func (e *slowEC2) find(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	e.mu.Lock()
	e.calls = append(e.calls, ids)
	wait := 50 * time.Millisecond
	if e.hangs > 0 {
		e.hangs--
		wait = time.Hour
	}
	e.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	found := make(map[string]lsapi.Instance)
	for _, id := range ids {
		found[id] = lsapi.Instance{ID: id, Type: "t2.micro"}
	}
	return found, nil
}

// newLookups returns Lookups that are closed at the end of the test.
func newLookups(t *testing.T, ec2 *slowEC2) *cloud.Lookups {
	t.Helper()
	lookups := cloud.NewLookups(ec2.find)
	t.Cleanup(func() {
		if err := lookups.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return lookups
}

func TestCloseEndsRunningAndWaitingLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ec2 := &slowEC2{hangs: 10}
		lookups := cloud.NewLookups(ec2.find)
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() {
				_, err := lookups.Instances(t.Context(), []string{fmt.Sprint("i-", i)})
				if lsapi.ErrorCode(err) != lsapi.CodeTimeout {
					t.Errorf("got %v", err)
				}
			})
			synctest.Wait()
		}
		began := time.Now()
		if err := lookups.Close(t.Context()); err != nil || time.Since(began) > 0 {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
		callers.Wait()
		if _, err := lookups.Instances(t.Context(), []string{"i-1"}); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("a lookup after Close returned %v", err)
		}
	})
}

func TestLookupsOfManyLanesAreBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ec2 := new(slowEC2)
		lookups := newLookups(t, ec2)
		var lanes sync.WaitGroup
		for lane := range 50 {
			lanes.Go(func() {
				ids := make([]string, 10)
				for i := range ids {
					ids[i] = fmt.Sprintf("i-%04x%04x", lane, i)
				}
				found, err := lookups.Instances(t.Context(), ids)
				if err != nil || len(found) != len(ids) {
					t.Errorf("lane %d found %d of %d, %v", lane, len(found), len(ids), err)
				}
			})
		}
		start := time.Now()
		lanes.Wait()
		// Four start at once; the other 460 ids are three calls of at most 200.
		if len(ec2.calls) > 7 {
			t.Errorf("50 lanes cost %d calls", len(ec2.calls))
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("they took %v, want two calls' time", took)
		}
		for _, ids := range ec2.calls {
			if len(ids) > 200 {
				t.Errorf("one call names %d ids", len(ids))
			}
		}
	})
}

func TestRunningLookupIsNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ec2 := new(slowEC2)
		lookups := newLookups(t, ec2)
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() { _, _ = lookups.Instances(t.Context(), []string{"i-1"}) })
			synctest.Wait()
			time.Sleep(10 * time.Millisecond)
		}
		callers.Wait()
		if len(ec2.calls) != 2 {
			t.Errorf("there were %d calls, want 2", len(ec2.calls))
		}
	})
}

func TestHangingLookupDoesNotDelayOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ec2 := &slowEC2{hangs: 1}
		lookups := newLookups(t, ec2)
		var hanging sync.WaitGroup
		hanging.Go(func() {
			_, err := lookups.Instances(t.Context(), []string{"i-1"})
			if lsapi.ErrorCode(err) != lsapi.CodeTimeout {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		start := time.Now()
		if _, err := lookups.Instances(t.Context(), []string{"i-2"}); err != nil || time.Since(start) > time.Second {
			t.Errorf("another lookup: %v after %v", err, time.Since(start))
		}
		hanging.Wait()
	})
}

func TestSharedLookupContinuesWhenACallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lookups := newLookups(t, new(slowEC2))
		for range 4 { // so that the next ones wait, and share
			go func() { _, _ = lookups.Instances(context.Background(), []string{"i-0"}) }()
		}
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
		defer cancel()
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := lookups.Instances(short, []string{"i-1"}); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
				t.Errorf("the caller that left got %v", err)
			}
		})
		callers.Go(func() {
			if _, err := lookups.Instances(t.Context(), []string{"i-1"}); err != nil {
				t.Errorf("the other caller got %v", err)
			}
		})
		callers.Wait()
	})
}
