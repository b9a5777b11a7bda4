package membership

import (
	"errors"
	"testing"
	"time"

	"lsapi"
)

func TestRejectionHasTheMessageOfTheRecord(t *testing.T) {
	for _, test := range []struct {
		cause   *lsapi.Error
		code    lsapi.Code
		message string
		retry   time.Duration
	}{
		{&lsapi.Error{Code: lsapi.CodeThrottled, Message: "full", RetryAfter: time.Minute}, lsapi.CodeThrottled, "full", time.Minute},
		{&lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the disk is full", RetryAfter: time.Minute}, lsapi.CodeUnavailable, "the disk is full; nothing was changed", time.Minute},
		{&lsapi.Error{Code: lsapi.CodeUnavailable}, lsapi.CodeUnavailable, "changes cannot be recorded for now; nothing was changed", fullRetryAfter},
		{&lsapi.Error{Code: lsapi.CodeInternal, Message: "a secret"}, lsapi.CodeUnavailable, "changes cannot be recorded for now; nothing was changed", fullRetryAfter},
	} {
		got := errUnrecorded(test.cause)
		if got.Code != test.code || got.Message != test.message || got.RetryAfter != test.retry || !errors.Is(got, test.cause) {
			t.Errorf("%+v becomes %+v", test.cause, got)
		}
	}
}

func TestErrorsOfOpenChangesHaveTheirCause(t *testing.T) {
	cause := errors.New("cut off")
	for _, err := range []error{errUnknown(lsapi.Attach, lsapi.InstanceMember("i"), lsapi.ELB("web"), cause), errUnsettled(&request{}, cause)} {
		if !errors.Is(err, cause) {
			t.Errorf("%v lacks its cause", err)
		}
	}
}

func TestConflictNamesTheMembership(t *testing.T) {
	for action, want := range map[lsapi.Action]string{
		lsapi.Attach: "instance i is already on load balancer web", lsapi.Detach: "instance i is not on load balancer web",
	} {
		if got := errConflict(action, lsapi.InstanceMember("i"), lsapi.ELB("web")).Message; got != want {
			t.Errorf("%s: %q, want %q", action, got, want)
		}
	}
}
