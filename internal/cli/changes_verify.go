package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/record"
)

func newChangesVerify(p Process) *cobra.Command {
	command := newCommand("changes_verify")
	config.AddStoreFlags(command.Flags())
	file := command.Flags().String("checkpoint", "", "`file` with the output of lsapi changes checkpoint")
	allowPruned := command.Flags().Bool("allow-pruned", false, "accept checkpoints whose events were pruned")
	command.RunE = func(c *cobra.Command, _ []string) error {
		checkpoints, err := readCheckpoints(*file)
		if err != nil {
			return err
		}
		return withRecord(c, p, func(ctx context.Context, record record.Store) error {
			found, err := record.Verify(ctx, checkpoints)
			if err != nil {
				return &app.StoreError{Err: err}
			}
			return reportVerification(p.Stdout, found, len(checkpoints), *allowPruned)
		})
	}
	return command
}

// reportVerification prints the result. A breach is an error, and so is a pruned
// checkpoint unless that is allowed.
func reportVerification(w io.Writer, found record.Verification, checkpoints int, allowPruned bool) error {
	if b := found.Breach; b != nil {
		where := "pool " + b.Pool.String()
		if b.Seq > 0 {
			where += ", event " + strconv.FormatInt(b.Seq, 10)
		}
		if b.ChangeID != "" {
			where += ", change " + b.ChangeID
		}
		return fmt.Errorf("the record is not whole: %s: %s", where, b.Why)
	}
	if n := len(found.Pruned); n > 0 && !allowPruned {
		point := found.Pruned[0]
		return fmt.Errorf("%d of %d checkpoints are older than all kept events, such as that of pool %s at event %d; pruning or a forger removed their events (--allow-pruned accepts them)",
			n, checkpoints, point.Pool, point.Seq)
	}
	holding := checkpoints - len(found.Pruned)
	_, err := fmt.Fprintf(w, "whole: %d events of %d pools, %d changes; %d checkpoints hold\n",
		found.Events, found.Pools, found.Changes, holding)
	if err == nil && len(found.Pruned) > 0 {
		_, err = fmt.Fprintf(w, "%d checkpoints are older than all kept events, and prove nothing\n", len(found.Pruned))
	}
	if err == nil && holding == 0 {
		_, err = fmt.Fprintln(w, "without checkpoints stored elsewhere (--checkpoint) this rules out damage, not a forger with write access to the record")
	}
	return err
}
