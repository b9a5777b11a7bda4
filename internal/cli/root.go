package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Commands returns the command lsapi with all its subcommands, from which documentation is
// generated. Run runs them.
func Commands() *cobra.Command {
	return newRoot(Process{Stdout: io.Discard, Stderr: io.Discard})
}

func newRoot(p Process) *cobra.Command {
	root := newGroup("lsapi", newPools(p)...)
	root.AddCommand(newServe(p), newInstance(p), newChanges(p), newPolicy(p), newDemo(p), newEmulator(p), newHealthcheck(p), newDoctor(p), newStress(p), newVersion(p))
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
