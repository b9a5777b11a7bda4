package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	maxSuggestions = 3
	// suggestionTimeout bounds the search for a similar name, which delays the error.
	suggestionTimeout = 5 * time.Second
	// namesPage is the API's maximum page size of pools.
	namesPage = 1000
)

// nearest returns the candidates with the smallest edit distance to word, if that is
// small, or else those that start with word.
func nearest(word string, candidates []string) []string {
	word = strings.ToLower(word)
	best := 1 + len(word)/4
	var near, begun []string
	for _, name := range candidates {
		lower := strings.ToLower(name)
		if len(word) > 1 && strings.HasPrefix(lower, word) {
			begun = append(begun, name)
		}
		distance := levenshtein.Distance(word, lower, nil)
		if distance < best && distance < len(word) {
			best, near = distance, nil
		}
		if distance == best && distance < len(word) {
			near = append(near, name)
		}
	}
	if len(near) == 0 {
		near = begun
	}
	return near[:min(len(near), maxSuggestions)]
}

// didYouMean returns the end of a message, or "" without names.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}

// knownCommand rejects arguments of a command that has only subcommands.
func knownCommand(c *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	return usagef("unknown command %q for %q%s", arguments[0], c.CommandPath(), didYouMean(nearest(arguments[0], namesOfCommands(c))))
}

// wrongFlag adds suggestions to the error of an unknown flag, and shortens that of a
// choice.
func wrongFlag(c *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if _, ok := invalid.GetFlag().Value.(completer); ok {
			return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, invalid.Unwrap())
		}
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return fmt.Errorf("%w%s", err, didYouMean(nearest("--"+unknown.GetSpecifiedName(), names)))
}

// namesOfCommands returns the names of the visible subcommands.
func namesOfCommands(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}
