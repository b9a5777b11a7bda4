package config

import (
	"fmt"
	"strings"
)

// Error lists every problem of a configuration.
type Error struct {
	// Problems are sentences. Each names the flag and the variable, and none shows a
	// value: a value may be a secret, or contain one when a quote is missing in a
	// .env file.
	Problems []string
}

// Error returns one line per problem.
func (e *Error) Error() string {
	noun := "problems"
	if len(e.Problems) == 1 {
		noun = "problem"
	}
	return fmt.Sprintf("the configuration has %d %s:\n  %s", len(e.Problems), noun, strings.Join(e.Problems, "\n  "))
}
