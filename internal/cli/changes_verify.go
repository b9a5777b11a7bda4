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

const changesVerifyHelp = `Verify that no event of the record was altered, removed or inserted after it was
written, and that the changes and memberships match the events. Otherwise the first
invalid event is reported.

Without --checkpoint this detects damage and careless edits. The hashes use no secret:
anyone with write access to the record can rewrite its history with valid hashes. Only
checkpoints that are stored elsewhere rule that out: --checkpoint takes an earlier output
of lsapi changes checkpoint, and proves that the history up to it is unchanged.

A checkpoint that is older than all kept events proves nothing: pruning (--keep-changes)
may have removed its events, or a forger who imitates pruning. It is an error unless
--allow-pruned is set. Take checkpoints more often than --keep-changes removes changes,
and verify with recent ones.

Exit status: 0 the record is whole, 1 it is not, or stopped by a signal, 2 wrong usage or
configuration, or the record cannot be read.`

func newChangesVerify(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "verify",
		Short:   "Verify the integrity of the record",
		Long:    changesVerifyHelp,
		Example: "  lsapi changes verify\n  lsapi changes verify --checkpoint checkpoint.txt",
		Args:    cobra.NoArgs,
	}
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
		where := "load balancer " + b.LoadBalancer
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
		return fmt.Errorf("%d of %d checkpoints are older than all kept events, such as that of load balancer %s at event %d; pruning or a forger removed their events (--allow-pruned accepts them)",
			n, checkpoints, point.LoadBalancer, point.Seq)
	}
	holding := checkpoints - len(found.Pruned)
	_, err := fmt.Fprintf(w, "whole: %d events of %d load balancers, %d changes; %d checkpoints hold\n",
		found.Events, found.LoadBalancers, found.Changes, holding)
	if err == nil && len(found.Pruned) > 0 {
		_, err = fmt.Fprintf(w, "%d checkpoints are older than all kept events, and prove nothing\n", len(found.Pruned))
	}
	if err == nil && holding == 0 {
		_, err = fmt.Fprintln(w, "without checkpoints stored elsewhere (--checkpoint) this rules out damage, not a forger with write access to the record")
	}
	return err
}
