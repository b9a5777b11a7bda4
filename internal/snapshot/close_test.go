package snapshot_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/snapshot"
)

// stuckAWS answers no named read before it is freed, whatever its context says.
type stuckAWS struct {
	*fakeAWS
	freed chan struct{}
}

func (s *stuckAWS) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	<-s.freed
	return s.fakeAWS.Members(ctx, pool)
}

func TestCloseEndsWithItsContextAlthoughAWSHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS()
		stuck := &stuckAWS{aws, make(chan struct{})}
		s := snapshot.NewWithFakes(snapshot.Options{
			AWS: aws, Named: stuck, Encode: encode,
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})
		s.Start()
		read := make(chan lsapi.Code, 1)
		go func() {
			_, err := s.Read(context.Background(), lsapi.ELB("web"), true)
			read <- lsapi.ErrorCode(err)
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
		if code := <-read; code != lsapi.CodeUnavailable {
			t.Errorf("the read ended with %q", code)
		}
		close(stuck.freed)
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("the second Close returned %v", err)
		}
		if _, err := s.Read(t.Context(), lsapi.ELB("web"), true); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("a read after the end returned %v", err)
		}
	})
}
