package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/store"
)

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

// closeTimeout bounds closing the record.
const closeTimeout = 5 * time.Second

// withRecord opens the record read-only, calls read and closes it.
func withRecord(c *cobra.Command, p Process, read func(context.Context, store.Store) error) (err error) {
	sources := config.Sources{Flags: c.Flags(), Environ: p.Environ, EnvFile: config.DefaultEnvFile}
	url, err := config.Store(sources)
	if err != nil {
		return err
	}
	ctx, stop := untilSignalled(c.Context())
	defer stop()
	record, err := store.Open(ctx, string(url), store.Options{ReadOnly: true})
	if err != nil {
		return located(&app.StoreError{Err: err}, sources)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if failed := record.Close(closing); err == nil {
			err = failed
		}
	}()
	if err := read(ctx, record); err == nil || ctx.Err() == nil {
		return err
	}
	return interrupted{"stopped by a signal"}
}
