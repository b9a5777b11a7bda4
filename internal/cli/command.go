package cli

import (
	"embed"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed help/*.txt
var helpTexts embed.FS

// newCommand returns a command with the texts of help/NAME.txt: a line of usage, a line of
// summary, the help, and the examples.
func newCommand(name string) *cobra.Command {
	return commandOf(helpText(name))
}

// helpText returns help/NAME.txt.
func helpText(name string) string {
	text, err := helpTexts.ReadFile("help/" + name + ".txt")
	if err != nil {
		panic(err) //nolint:forbidigo // a text is missing from the binary: every start, and so every test, finds it
	}
	return string(text)
}

func commandOf(text string) *cobra.Command {
	use, rest, _ := strings.Cut(text, "\n")
	short, rest, _ := strings.Cut(rest, "\n\n")
	long, examples, _ := strings.Cut(rest, "\n\nExamples:\n")
	return &cobra.Command{Use: use, Short: short, Long: long, Example: strings.TrimSuffix(examples, "\n"), Args: cobra.NoArgs}
}

// newGroup returns a command that has only subcommands.
func newGroup(name string, subcommands ...*cobra.Command) *cobra.Command {
	c := newCommand(name)
	c.Args = knownCommand
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(subcommands...)
	return c
}

// exactlyOne rejects more or fewer arguments than one.
func exactlyOne(c *cobra.Command, arguments []string) error {
	if len(arguments) == 1 {
		return nil
	}
	return usagef("%d arguments in place of one: %s", len(arguments), c.UseLine())
}
