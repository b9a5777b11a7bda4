package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

const rootHelp = `lsapi is the front door to the membership of AWS load balancers: which EC2
instances serve behind which load balancer. It lists, attaches and detaches
them over plain HTTP, so that its clients need no AWS credentials.

The demo shows it at work, with an emulated AWS and nothing to set up. Statuses with which
the commands exit are in their help.`

func newRoot(p Process) *cobra.Command {
	root := &cobra.Command{
		Use:           "lsapi",
		Short:         "The front door to the membership of AWS load balancers",
		Long:          rootHelp,
		Example:       "  lsapi demo\n  lsapi --version",
		SilenceErrors: true, // Run tells them
		SilenceUsage:  true,
		Args:          knownCommand,
	}
	version := root.Flags().BoolP("version", "v", false, "print the version")
	root.RunE = func(c *cobra.Command, _ []string) error {
		if *version {
			_, err := io.WriteString(p.Stdout, versionLine())
			return err
		}
		return c.Help()
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.AddCommand(
		newServe(p),
		newElb(p),
		newChanges(p),
		newDemo(p),
		newEmulator(p),
		newHealthcheck(p),
		newDoctor(p),
		newStress(p),
		newVersion(p),
	)
	root.SetHelpCommand(newHelp(root))
	setCompletionCommands(root, p)
	completeFlags(root)
	return root
}

// newHelp is cobra's own help command, except that a command that does not exist
// is an error.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Long:    "Explain a command.\n\nExit status: 0 done, 2 there is no such command.",
		Example: "  lsapi help elb attach",
		RunE: func(_ *cobra.Command, names []string) error {
			command, rest, err := root.Find(names)
			if err != nil || len(rest) > 0 {
				return usagef("unknown command %q%s", strings.Join(names, " "), didYouMean(nearest(names[len(names)-1], namesOfCommands(command))))
			}
			return command.Help()
		},
	}
}

// namesOfCommands are those that a command has and shows.
func namesOfCommands(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}
