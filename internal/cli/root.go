package cli

import (
	"embed"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed help/*.txt
var helpTexts embed.FS

// newCommand returns a command with the texts of help/NAME.txt: a line of usage, a line of
// summary, the help, and the examples.
func newCommand(name string) *cobra.Command {
	text, err := helpTexts.ReadFile("help/" + name + ".txt")
	if err != nil {
		panic(err) //nolint:forbidigo // a text is missing from the binary: every start, and so every test, finds it
	}
	use, rest, _ := strings.Cut(string(text), "\n")
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

func newRoot(p Process) *cobra.Command {
	root := newGroup("lsapi",
		newServe(p), newPool(p), newElb(p), newInstance(p), newChanges(p), newDemo(p), newEmulator(p), newHealthcheck(p), newDoctor(p), newStress(p), newVersion(p))
	root.SilenceErrors, root.SilenceUsage = true, true // Run prints them
	version := root.Flags().BoolP("version", "v", false, "print the version")
	root.RunE = func(c *cobra.Command, _ []string) error {
		if *version {
			_, err := io.WriteString(p.Stdout, versionLine())
			return err
		}
		return c.Help()
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpCommand(newHelp(root))
	addCompletionCommands(root, p)
	completeFlags(root)
	return root
}

// newHelp returns cobra's help command, but an unknown command is an error.
func newHelp(root *cobra.Command) *cobra.Command {
	c := newCommand("help")
	c.Args = nil
	c.RunE = func(_ *cobra.Command, names []string) error {
		command, rest, err := root.Find(names)
		if err != nil || len(rest) > 0 {
			return usagef("unknown command %q%s", strings.Join(names, " "), didYouMean(nearest(names[len(names)-1], namesOfCommands(command))))
		}
		return command.Help()
	}
	return c
}
