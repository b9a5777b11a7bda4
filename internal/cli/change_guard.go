package cli

import (
	"errors"
	"fmt"
	"strings"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
)

// isGuard reports whether a code is that of a refusal by a guard.
func isGuard(code lsapi.Code) bool {
	switch code {
	case lsapi.CodeMinInService, lsapi.CodeMinPerZone, lsapi.CodeMaxOut, lsapi.CodeKeepLast, lsapi.CodeFreeze:
		return true
	}
	return false
}

// guardRefusal is the error of a change that a guard refused. Its text names the members
// that count.
type guardRefusal struct{ refused *client.Error }

func (e guardRefusal) Error() string {
	if counted := guardedText(e.refused.Members); counted != "" {
		return e.refused.Message + "; " + counted
	}
	return e.refused.Message
}

// Unwrap returns the service's error.
func (e guardRefusal) Unwrap() error { return e.refused }

// standings are the words for the standings of members, in the order of messages.
var standings = []struct {
	standing lsapi.Standing
	text     string
}{
	{lsapi.StandingInService, "in service"}, {lsapi.StandingOut, "out of service"}, {lsapi.StandingUnknown, "unknown"},
	{lsapi.StandingDraining, "draining"}, {lsapi.StandingDetached, "detached"},
}

// maxGuarded is the number of members of a standing that a message names.
const maxGuarded = 5

// guardedText returns "in service: i-1, i-2; draining: i-3".
func guardedText(members []apiv1.GuardedMember) string {
	var parts []string
	for _, s := range standings {
		var names []string
		for _, m := range members {
			if m.Standing == string(s.standing) {
				names = append(names, m.Member)
			}
		}
		if more := len(names) - maxGuarded; more > 0 {
			names = append(names[:maxGuarded], fmt.Sprintf("%d more", more))
		}
		if len(names) > 0 {
			parts = append(parts, s.text+": "+strings.Join(names, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// guardHint returns the end of a message about a refusal by a guard: how to override it.
// Empty for other errors.
func guardHint(err error) string {
	refusal, ok := errors.AsType[guardRefusal](err)
	switch {
	case !ok:
		return ""
	case strings.HasSuffix(refusal.refused.Message, "(request)"):
		return "; --min-in-service requires that"
	}
	return "; --override REASON makes the change nevertheless"
}
