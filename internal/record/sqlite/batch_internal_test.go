package sqlite

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// hangingGroup is a group whose commits run their jobs and then wait for the disk.
func hangingGroup(disk <-chan struct{}) *group {
	return newGroup(func(jobs []*job) {
		var begun []*job
		for _, j := range jobs {
			if j.begin() {
				j.err = j.run(context.Background(), nil)
				begun = append(begun, j)
			}
		}
		<-disk
		for _, j := range begun {
			j.answer(j.err)
		}
	})
}

func TestWaitingWriteIsAbandonedWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := make(chan struct{})
		g := hangingGroup(disk)
		first := make(chan error, 1)
		go func() { first <- g.do(context.Background(), func(context.Context, record.Tables) error { return nil }) }()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var ran atomic.Bool
		began := time.Now()
		err := g.do(ctx, func(context.Context, record.Tables) error { ran.Store(true); return nil })
		if lsapi.ErrorCode(err) != lsapi.CodeTimeout || time.Since(began) != 30*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		close(disk)
		if err := <-first; err != nil {
			t.Errorf("the write that had begun: %v", err)
		}
		if err := g.close(t.Context()); err != nil {
			t.Error(err)
		}
		if ran.Load() {
			t.Error("a write ran after it was given up")
		}
	})
}

func TestBegunWriteIsUncertainWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := make(chan struct{})
		g := hangingGroup(disk)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := g.do(ctx, func(context.Context, record.Tables) error { return nil })
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeTimeout || coded.Message != errUncertain(ctx).Message || time.Since(began) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		close(disk)
		if err := g.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestGroupCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := make(chan struct{})
		g := hangingGroup(disk)
		waiting := make(chan error, 2*maxBatch)
		for range cap(waiting) { // more than the queue holds
			go func() {
				waiting <- g.do(context.Background(), func(context.Context, record.Tables) error { return nil })
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.close(ctx); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
			t.Errorf("closing on a disk that hangs: got %v", err)
		}
		wantClosed := g.do(t.Context(), func(context.Context, record.Tables) error { return nil })
		if lsapi.ErrorCode(wantClosed) != lsapi.CodeUnavailable {
			t.Errorf("a write after closing: got %v", wantClosed)
		}
		close(disk)
		if err := g.close(t.Context()); err != nil {
			t.Error(err)
		}
		kept, refused := 0, 0
		for range cap(waiting) {
			switch err := <-waiting; lsapi.ErrorCode(err) {
			case "":
				kept++
			case lsapi.CodeUnavailable:
				refused++
			default:
				t.Errorf("got %v", err)
			}
		}
		if kept < maxBatch || kept+refused != cap(waiting) {
			t.Errorf("%d writes were kept and %d refused", kept, refused)
		}
	})
}
