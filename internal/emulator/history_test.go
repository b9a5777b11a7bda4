package emulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"lsapi/internal/emulator/account"
)

func TestHistoryContainsChangesInOrder(t *testing.T) {
	a := demo(t)
	const joining, other = "i-0bee000000000cd01", "i-0bee000000000cd02"
	for _, ids := range [][]string{{joining}, {joining}, {joining, other}} {
		if _, err := a.register(t.Context(), "default-elb", ids...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.register(t.Context(), "default-elb", "i-0123456789abcdef0"); err == nil {
		t.Error("an unknown instance was registered")
	}
	if _, err := a.deregister(t.Context(), "default-elb", joining); err != nil {
		t.Fatal(err)
	}
	_, body := a.send(t, "GET", "/_emulator/history", "", nil)
	var history []account.MembershipChange
	if err := json.Unmarshal([]byte(body), &history); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, c := range history {
		if c.LoadBalancer != "default-elb" || c.At.IsZero() || i > 0 && c.At.Before(history[i-1].At) {
			t.Errorf("change %d is %+v", i, c)
		}
		got = append(got, c.Action+" "+c.InstanceID)
	}
	if want := []string{"attach " + joining, "attach " + other, "detach " + joining}; !slices.Equal(got, want) {
		t.Errorf("the history is %v, want %v", got, want)
	}
}

func TestHistoryContainsTargetsOnceEachChanges(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare, demoSpare+"/8080"))
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare, demoSpare+"/81"))
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare)) // it drains
	if got := a.Targets("shop"); !slices.Equal(got, []string{demoSpare + ":8080"}) {
		t.Errorf("targets %v", got)
	}
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	var got []string
	for _, c := range a.History() {
		got = append(got, fmt.Sprint(c.Action, " ", c.TargetGroup, " ", c.TargetID, ":", c.Port, c.LoadBalancer, c.InstanceID))
	}
	want := []string{
		"attach shop " + demoSpare + ":80", "attach shop " + demoSpare + ":8080",
		"detach shop " + demoSpare + ":80", "attach shop " + demoSpare + ":80",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the history is %v, want %v", got, want)
	}
}
