package membership

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

func TestServiceKeepsNothingOfLoadBalancersThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil, Options{Record: &knowingRecord{}})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"one", "two"} {
			s.Saw(name, []string{"i-1"}, time.Now())
			synctest.Wait()
			time.Sleep(time.Second)
			s.Gone(name, time.Now())
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		s.mu.Lock()
		if len(s.seen)+len(s.gone)+len(s.lanes) > 0 {
			t.Errorf("it keeps %v, %v and %v", s.seen, s.gone, s.lanes)
		}
		s.mu.Unlock()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// knowingRecord keeps what it is told, of one load balancer after the other.
type knowingRecord struct {
	forgetful
	events int64
}

func (r *knowingRecord) Append(_ context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.Head, error) {
	r.events += int64(len(events))
	return lsapi.Head{LoadBalancer: lease.LoadBalancer, Seq: r.events}, nil
}

func TestServiceWithoutARecordKeepsNothingOfLoadBalancersThatAreGone(t *testing.T) {
	s := New(nil, Options{})
	s.Gone("one", time.Now())
	if len(s.gone) > 0 {
		t.Errorf("it keeps %v", s.gone)
	}
}
