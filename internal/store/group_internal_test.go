package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

func TestADiskThatDoesNotAnswerKeepsNobodyWaitingForAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		g := newGroup(func(jobs []*job) {
			<-stuck
			for _, j := range jobs {
				j.answer(nil)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := g.try(ctx, func(context.Context, tables) error { return nil })
		if lsapi.ErrorCode(err) != lsapi.CodeTimeout || time.Since(began) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		close(stuck)
		g.close()
	})
}
