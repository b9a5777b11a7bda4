package emulator

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	instanceIDForm       = regexp.MustCompile(`^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
	loadBalancerNameForm = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)
)

// validation gathers what is wrong with a request's parameters, for AWS tells
// all of it at once. The zero value is ready for use.
type validation struct {
	problems []string
}

// fail notes that a parameter breaks a constraint. A nil value is a parameter
// that was not given.
func (v *validation) fail(value any, parameter, constraint string) {
	shown := "null"
	if value != nil {
		shown = fmt.Sprintf("'%v'", value)
	}
	v.problems = append(v.problems,
		fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown, parameter, constraint))
}

// require notes that a parameter is missing.
func (v *validation) require(value, parameter string) {
	if value == "" {
		v.fail(nil, parameter, "Member must not be null")
	}
}

// between notes that a number is out of its range, both ends included.
func (v *validation) between(value, least, most int, parameter string) {
	if value < least {
		v.fail(value, parameter, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
	if value > most {
		v.fail(value, parameter, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
}

// err returns AWS's ValidationError, nil when nothing was wrong.
func (v *validation) err() error {
	switch len(v.problems) {
	case 0:
		return nil
	case 1:
		return errValidation("1 validation error detected: %s", v.problems[0])
	default:
		return errValidation("%d validation errors detected: %s", len(v.problems), strings.Join(v.problems, "; "))
	}
}
