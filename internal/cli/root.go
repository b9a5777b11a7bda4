package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

const rootHelp = `lsapi is an HTTP API and CLI to register EC2 instances with AWS load balancers, with an
audit log. Its clients need no AWS credentials.

Try lsapi demo, which runs on an emulated AWS and needs no setup. The help of each command
lists its exit statuses.`

func newRoot(p Process) *cobra.Command {
	root := &cobra.Command{
		Use:           "lsapi",
		Short:         "HTTP API and CLI to register EC2 instances with AWS load balancers, with an audit log",
		Long:          rootHelp,
		Example:       "  lsapi demo\n  lsapi --version",
		SilenceErrors: true, // Run prints them
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
	addCompletionCommands(root, p)
	completeFlags(root)
	return root
}

// newHelp returns cobra's help command, but an unknown command is an error.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Long:    "Explain a command.\n\nExit status: 0 done, 2 unknown command.",
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
