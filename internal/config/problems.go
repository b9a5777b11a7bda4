package config

import (
	"fmt"
	"strings"
)

// Error tells everything that is wrong with a configuration.
type Error struct {
	// Problems are sentences, each of which names the flag and the variable that
	// it is about, and none of which shows a value: values can be secrets, or
	// hold some when a quote is missing in a .env file.
	Problems []string
}

// Error puts each problem on a line of its own.
func (e *Error) Error() string {
	noun := "problems"
	if len(e.Problems) == 1 {
		noun = "problem"
	}
	return fmt.Sprintf("the configuration has %d %s:\n  %s", len(e.Problems), noun, strings.Join(e.Problems, "\n  "))
}
