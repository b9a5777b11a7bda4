package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// choice is the value of a flag that takes one of a few words, in any case, or its
// default.
type choice[T ~string] struct {
	value    *T
	standard T
	words    []T
}

// choiceVarP adds a flag that takes one of a few words.
func choiceVarP[T ~string](flags *pflag.FlagSet, value *T, name, short string, standard T, usage string, words ...T) {
	*value = standard
	flags.VarP(&choice[T]{value, standard, words}, name, short, usage)
}

// String implements pflag.Value.
func (c *choice[T]) String() string { return string(*c.value) }

// Type implements pflag.Value.
func (c *choice[T]) Type() string { return "string" }

// Set implements pflag.Value.
func (c *choice[T]) Set(text string) error {
	for _, word := range append(c.words, c.standard) {
		if strings.EqualFold(text, string(word)) {
			*c.value = word
			return nil
		}
	}
	if len(c.words) == 2 {
		return fmt.Errorf("neither %s nor %s", c.words[0], c.words[1])
	}
	return fmt.Errorf("not %s", orList(c.words))
}

// completions returns the words.
func (c *choice[T]) completions() []cobra.Completion {
	words := make([]cobra.Completion, len(c.words))
	for i, word := range c.words {
		words[i] = string(word)
	}
	return words
}

// orList returns "a, b or c".
func orList[T ~string](words []T) string {
	var list strings.Builder
	for i, word := range words {
		switch i {
		case 0:
		case len(words) - 1:
			list.WriteString(" or ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(word))
	}
	return list.String()
}

// onlyWith rejects flags that are given without the boolean flag that they belong to.
func onlyWith(flags *pflag.FlagSet, flag string, names ...string) error {
	on, _ := flags.GetBool(flag) // fails only for an undefined flag
	for _, name := range names {
		if flags.Changed(name) && !on {
			return usagef("--%s is for --%s", name, flag)
		}
	}
	return nil
}

// completer is a flag's value that lists its words, such as a choice.
type completer interface{ completions() []cobra.Completion }
