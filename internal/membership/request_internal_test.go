package membership

import (
	"context"
	"testing"

	"lsapi"
)

// A caller whose time is up between the decision about its request and the answer gets
// the answer that its change may still be made.
func TestRequestWhoseCallerLeftAfterItsDecisionIsRecordedWhenItFails(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	c := newCaller(ctx, lsapi.Request{ChangeID: "left", Action: lsapi.Attach, Pool: lsapi.ELB("web"), Member: lsapi.InstanceMember("i-1")}, "")
	c.decide()
	leave()
	if err := c.leave(); err != nil {
		t.Fatal(err)
	}
	result, err := c.resultOfOne()
	if lsapi.ErrorCode(err) != lsapi.CodeTimeout || result.Recorded || !result.Pending {
		t.Fatalf("the caller got %+v, %v", result, err)
	}
	var first recordBatch
	first.fail([]*caller{c}, lsapi.Errorf(lsapi.CodeNotFound, "no such load balancer"))
	if len(first.events) != 1 || first.events[0].Change.ID != "left" || first.events[0].Change.Outcome != lsapi.OutcomeWithdrawn {
		t.Errorf("the record gets %+v", first.events)
	}
}
