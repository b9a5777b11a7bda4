package wire

import (
	"fmt"
	"strings"
)

// Validation collects the violated constraints of a request's parameters; AWS reports
// them in one error. The zero value is ready for use.
type Validation struct {
	problems []string
}

// Fail adds a violated constraint. A nil value is a missing parameter.
func (v *Validation) Fail(value any, parameter, constraint string) {
	shown := "null"
	if value != nil {
		shown = fmt.Sprintf("'%v'", value)
	}
	v.problems = append(v.problems,
		fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown, parameter, constraint))
}

// Missing adds a missing parameter.
func (v *Validation) Missing(parameter string) { v.Fail(nil, parameter, "Member must not be null") }

// Require adds the parameter if its value is empty.
func (v *Validation) Require(value, parameter string) {
	if value == "" {
		v.Missing(parameter)
	}
}

// Between adds the parameter if its value is outside the range, whose bounds are
// inclusive.
func (v *Validation) Between(value, least, most int, parameter string) {
	if value < least {
		v.Fail(value, parameter, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
	if value > most {
		v.Fail(value, parameter, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
}

// Err returns AWS's ValidationError, nil without violations.
func (v *Validation) Err() error {
	switch len(v.problems) {
	case 0:
		return nil
	case 1:
		return ValidationFailed("1 validation error detected: %s", v.problems[0])
	default:
		return ValidationFailed("%d validation errors detected: %s", len(v.problems), strings.Join(v.problems, "; "))
	}
}
