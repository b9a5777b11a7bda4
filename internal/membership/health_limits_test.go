package membership_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

func TestHealthIsComparedForABoundedNumberOfLoadBalancers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var asked atomic.Int64
		s := membership.New(newFakeAWS(), membership.Options{Record: newFakeRecord(), Recorded: func(context.Context, string) (map[string]lsapi.MemberHealth, error) {
			asked.Add(1)
			<-free
			return nil, nil
		}})
		for i := range 102 {
			s.SawHealth(lsapi.HealthReport{LoadBalancer: fmt.Sprint("elb-", i), AsOf: time.Now()})
		}
		synctest.Wait()
		if n := asked.Load(); n != 100 {
			t.Errorf("the health of %d load balancers is compared at once", n)
		}
		close(free)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestHealthIsNotComparedWithoutARecordOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := newFakeRecord()
		s := membership.New(newFakeAWS(one), membership.Options{Recorded: health.Health})
		hear(s, saying([]lsapi.MemberHealth{in(one)}))
		if n := health.calls(); n > 0 {
			t.Errorf("it made %d calls", n)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestHealthThatCannotBeRecordedIsLoggedUnlessTheRecordIsAway(t *testing.T) {
	for code, want := range map[lsapi.Code]bool{lsapi.CodeUnavailable: false, lsapi.CodeInternal: true} {
		for read := 1; read <= 2; read++ { // beside the lane, and in it
			synctest.Test(t, func(t *testing.T) {
				record, reads := newFakeRecord(), 0
				record.fails(func(op string, _ []lsapi.Event) error {
					if op != "Health" {
						return nil
					}
					if reads++; reads == read {
						return &lsapi.Error{Code: code}
					}
					return nil
				})
				var log bytes.Buffer
				s := membership.New(newFakeAWS(one), membership.Options{Record: record, Recorded: record.Health, Log: slog.New(slog.NewTextHandler(&log, nil))})
				hear(s, saying([]lsapi.MemberHealth{in(one)}))
				synctest.Wait()
				if got := strings.Contains(log.String(), "could not be recorded"); got != want {
					t.Errorf("%s at read %d is logged: %v", code, read, got)
				}
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
