package elbv2

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// arnPrefix precedes the type and path of a resource in its ARN.
func arnPrefix(a *account.Account) string {
	return "arn:aws:elasticloadbalancing:" + a.Region + ":" + account.ID + ":"
}

// validateName checks the name of a load balancer or target group, which its messages
// begin with.
func validateName(subject, name string) error {
	allowed := func(r rune) bool {
		return r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	switch {
	case name == "":
		var v wire.Validation
		v.Missing("name")
		return v.Err()
	case len(name) > 32:
		return wire.ValidationFailed("%s '%s' cannot be longer than '32' characters", subject, name)
	case strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }):
		return wire.ValidationFailed("%s '%s' can only contain characters that are alphanumeric characters or hyphens(-)", subject, name)
	case strings.HasPrefix(name, "-"), strings.HasSuffix(name, "-"):
		return wire.ValidationFailed("%s '%s' cannot begin or end with '-'", subject, name)
	}
	return nil
}

// oneOf adds the parameter to the violations if its value is none of those allowed.
func oneOf(v *wire.Validation, value, parameter string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.Fail(value, parameter, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
	}
}

// quoted returns values for a message: 'a', 'b'.
func quoted(values []string) string { return "'" + strings.Join(values, "', '") + "'" }

// number returns a number that was validated.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
