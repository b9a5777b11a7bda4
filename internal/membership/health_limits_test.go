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

func TestHealthComparisonsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var asked atomic.Int64
		s := newService(newFakeAWS(), membership.Options{Record: &healthRecord{newFakeRecord(), func(context.Context, string) (map[string]lsapi.MemberHealth, error) {
			asked.Add(1)
			<-free
			return nil, nil
		}}})
		for i := range 102 {
			s.found.ObserveHealth(lsapi.HealthReport{LoadBalancer: fmt.Sprint("elb-", i), AsOf: time.Now()})
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

func TestUnrecordedHealthIsLoggedUnlessTheRecordIsUnavailable(t *testing.T) {
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
				s := newService(newFakeAWS(one), membership.Options{Record: record, Log: slog.New(slog.NewTextHandler(&log, nil))})
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
