package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

const rootHelp = `lsapi is the front door to the membership of AWS load balancers: which EC2
instances serve behind which load balancer. It lists, attaches and detaches
them over plain HTTP, so that its clients need no AWS credentials.

To see it work, with an emulated AWS and nothing to set up:

  lsapi demo`

func newRoot(p Process) *cobra.Command {
	root := &cobra.Command{
		Use:           "lsapi",
		Short:         "The front door to the membership of AWS load balancers",
		Long:          rootHelp,
		SilenceErrors: true, // Run tells them
		SilenceUsage:  true,
	}
	root.AddCommand(
		newServe(p),
		newElb(p),
		newChanges(p),
		newDemo(p),
		newEmulator(p),
		newHealthcheck(p),
		newStress(p),
		newVersion(p),
	)
	root.SetHelpCommand(newHelp(root))
	refuseUnknownShells(root)
	return root
}

// newHelp is cobra's own help command, except that a command that does not exist
// is an error.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(_ *cobra.Command, names []string) error {
			command, rest, err := root.Find(names)
			if err != nil || len(rest) > 0 {
				return usagef("unknown command %q", strings.Join(names, " "))
			}
			return command.Help()
		},
	}
}

// refuseUnknownShells makes a shell without completion an error; cobra's own
// command would show its help and succeed.
func refuseUnknownShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		if command.Name() == "completion" {
			command.Args = cobra.NoArgs
			command.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}
