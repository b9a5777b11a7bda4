package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi"
	"lsapi/client"
)

const maxSuggestions = 3

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

// wrongFlag adds suggestions to the error of an unknown flag.
func wrongFlag(c *cobra.Command, err error) error {
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

// suggestName adds suggestions to the error of an unknown load balancer.
func (r *remote) suggestName(ctx context.Context, name string, err error) error {
	return r.suggestNames(ctx, []string{name}, err)
}

// suggestNames is suggestName for several names.
func (r *remote) suggestNames(ctx context.Context, names []string, err error) error {
	if client.ErrorCode(err) != lsapi.CodeNotFound {
		return err
	}
	all, failed := r.names(ctx)
	if failed != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("%w%s", err, didYouMean(nearest(name, all)))
		}
	}
	return err
}

// names returns the names of all load balancers.
func (r *remote) names(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, suggestionTimeout)
	defer cancel()
	var names []string
	for b, err := range r.AllLoadBalancers(ctx, client.LoadBalancersQuery{Limit: namesPage}) {
		if err != nil {
			return nil, err
		}
		names = append(names, b.Name)
	}
	return names, nil
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
