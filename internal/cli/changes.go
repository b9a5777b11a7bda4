package cli

import "github.com/spf13/cobra"

const changesHelp = `Read the record of changes: actor, action, time, reason and outcome.

The commands read the record's database directly, also while the service runs, and
never write to it. They find it as lsapi serve does: --store, STORE_URL, the .env file,
or lsapi.db in the working directory.`

func newChanges(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "changes",
		Short:   "Read and verify the record of changes",
		Long:    changesHelp,
		Example: "  lsapi changes list --from 2h\n  lsapi changes checkpoint > checkpoint.txt\n  lsapi changes verify --checkpoint checkpoint.txt",
		Args:    knownCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	command.AddCommand(newChangesList(p), newChangesVerify(p), newChangesCheckpoint(p))
	return command
}
