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

// maxSuggestions is how many names are suggested: more would be a list to search.
const maxSuggestions = 3

// nearest returns the candidates that a word may have been meant to be: those that
// differ from it in the fewest letters, if these are few, or else those that it begins.
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

// didYouMean is the end of a message, empty when there is nothing to suggest.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}

// knownCommand refuses the arguments of a command that has only subcommands.
func knownCommand(c *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	return usagef("unknown command %q for %q%s", arguments[0], c.CommandPath(), didYouMean(nearest(arguments[0], namesOfCommands(c))))
}

// wrongFlag adds to the error of an unknown flag which one may have been meant.
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

// suggestName adds to the error of a load balancer that does not exist which one may
// have been meant.
func (r *remote) suggestName(ctx context.Context, name string, err error) error {
	return r.suggestNames(ctx, []string{name}, err)
}

// suggestNames does so when several are named.
func (r *remote) suggestNames(ctx context.Context, names []string, err error) error {
	if client.ErrorCode(err) != lsapi.CodeNotFound {
		return err
	}
	known, listing := r.names(ctx)
	if listing != nil {
		return err // the error says what is wrong, without a suggestion
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%w%s", err, didYouMean(nearest(name, known)))
		}
	}
	return err
}

// names returns the names of the load balancers.
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
