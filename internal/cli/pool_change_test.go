package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lsapi"
	"lsapi/client"
)

func TestErrorDeterminesStatusAndOutcome(t *testing.T) {
	coded := func(code lsapi.Code) error { return fmt.Errorf("attached, but %w", &client.Error{Code: code}) }
	for name, test := range map[string]struct {
		err     error
		status  int
		outcome string
	}{
		"refused":            {coded(lsapi.CodeInvalid), 1, "refused"},
		"no load balancer":   {coded(lsapi.CodeNotFound), 1, "refused"},
		"not for now":        {coded(lsapi.CodeUnavailable), 1, "refused"},
		"AWS failed":         {coded(lsapi.CodeUpstream), 1, "refused"},
		"a conflict":         {coded(lsapi.CodeConflict), 3, "conflict"},
		"not yet":            {coded(lsapi.CodeWaitTimeout), 4, "timedOut"},
		"nothing in time":    {coded(lsapi.CodeTimeout), 4, "timedOut"},
		"an unknown outcome": {changeError(&client.Error{Code: lsapi.CodeTimeout, Status: 504, RequestID: "r"}), 4, "unknown"},
		"no response":        {changeError(fmt.Errorf("%w at all", client.ErrUnreachable)), 4, "unknown"},
		"a proxy failed":     {changeError(&client.Error{Code: lsapi.CodeUpstream, Status: 502}), 4, "unknown"},
		"a proxy refused":    {changeError(&client.Error{Code: lsapi.CodeForbidden, Status: 403}), 5, "unreachable"},
		"unreachable":        {fmt.Errorf("%w at all", client.ErrUnreachable), 5, "unreachable"},
		"no credentials":     {coded(lsapi.CodeUnauthenticated), 6, "credentials"},
		"a signal":           {changeError(context.Canceled), 1, "interrupted"},
		"a dead instance":    {waitFailed{"attached, but the instance is terminated"}, 1, "inVain"},
	} {
		if got := exitStatus(test.err); got != test.status {
			t.Errorf("%s: status %d, want %d", name, got, test.status)
		}
		if got := outcomeOf(test.err); got != test.outcome {
			t.Errorf("%s: outcome %s, want %s", name, got, test.outcome)
		}
	}
}

func TestUnconfirmedChangeErrorNamesUnknownOutcome(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		known bool
	}{
		"cut off":    {client.ErrUnreachable, false},
		"a signal":   {context.Canceled, false},
		"never sent": {fmt.Errorf("%w: %w", client.ErrUnreachable, client.ErrNotSent), true},
		"refused":    {&client.Error{Code: lsapi.CodeInvalid, Message: "no"}, true},
	} {
		if got := changeError(test.err).Error(); strings.Contains(got, "whether it was made") == test.known {
			t.Errorf("%s: %s", name, got)
		}
	}
}
