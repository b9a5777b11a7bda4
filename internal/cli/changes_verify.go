package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/store"
)

const changesVerifyHelp = `Check that the record is whole: that no event of it was altered, taken out or put
in since it was written, and that the changes and memberships are what the events
add up to. Else the first event that is not is named.

By itself that finds damage, and edits by whoever did not mind the hashes. They hold
no secret: whoever can write to the record can make them anew over any history, or
cut it off. Only heads that were kept elsewhere prove that nobody did: --heads takes
what lsapi changes heads has printed earlier, and proves that all that was there then
still is, as it was.

A head that is older than everything that the record keeps proves nothing: pruning
(--keep-changes) may have removed what it was noted of, or a forger who pretends to
be pruning. So it is a failure, unless --allow-pruned accepts such heads. Note heads
more often than --keep-changes removes changes, and verify by the last ones.

Exit status: 0 the record is whole, 1 it is not, or it was stopped by a signal, 2 wrong
usage or configuration, or the record cannot be read.`

const changesHeadsHelp = `Print the head of each load balancer's log: its name, the number of its last event,
and the hash of all events up to it. Keep them where whoever can write to the
record cannot; lsapi changes verify --heads proves later that nothing before them
was changed.

Exit status: 0 done, 1 failed or stopped by a signal, 2 wrong usage or configuration, or
the record cannot be opened.`

func newChangesVerify(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "verify",
		Short:   "Check that the record is whole",
		Long:    changesVerifyHelp,
		Example: "  lsapi changes verify\n  lsapi changes verify --heads heads.txt",
		Args:    cobra.NoArgs,
	}
	config.AddStoreFlags(command.Flags())
	file := command.Flags().String("heads", "", "`file` with what lsapi changes heads has printed")
	allowPruned := command.Flags().Bool("allow-pruned", false, "accept heads of what the record no longer keeps")
	command.RunE = func(c *cobra.Command, _ []string) error {
		heads, err := readHeads(*file)
		if err != nil {
			return err
		}
		return withRecord(c, p, func(ctx context.Context, record store.Store) error {
			found, err := record.Verify(ctx, heads)
			if err != nil {
				return &app.StoreError{Err: err}
			}
			return tellVerification(p.Stdout, found, len(heads), *allowPruned)
		})
	}
	return command
}

// tellVerification prints what was found. A breach is an error, and so is a head that
// proves nothing, unless that is allowed.
func tellVerification(w io.Writer, found store.Verification, heads int, allowPruned bool) error {
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
		head := found.Pruned[0]
		return fmt.Errorf("%d of %d heads are older than what the record keeps, such as that of load balancer %s at event %d; pruning or a forger removed what they were noted of (--allow-pruned accepts them)",
			n, heads, head.LoadBalancer, head.Seq)
	}
	hold := heads - len(found.Pruned)
	_, err := fmt.Fprintf(w, "whole: %d events of %d load balancers, %d changes; %d heads hold\n",
		found.Events, found.LoadBalancers, found.Changes, hold)
	if err == nil && len(found.Pruned) > 0 {
		_, err = fmt.Fprintf(w, "%d heads are older than what is kept, and prove nothing any more\n", len(found.Pruned))
	}
	if err == nil && hold == 0 {
		_, err = fmt.Fprintln(w, "without heads that were kept elsewhere (--heads) this rules out damage, not a forger who can write to the record")
	}
	return err
}

func newChangesHeads(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "heads",
		Short:   "Print the heads of the record, to verify it by later",
		Long:    changesHeadsHelp,
		Example: "  lsapi changes heads > heads.txt",
		Args:    cobra.NoArgs,
	}
	config.AddStoreFlags(command.Flags())
	command.RunE = func(c *cobra.Command, _ []string) error {
		return withRecord(c, p, func(ctx context.Context, record store.Store) error {
			heads, err := record.Heads(ctx)
			if err != nil {
				return &app.StoreError{Err: err}
			}
			for _, h := range heads {
				if _, err := fmt.Fprintln(p.Stdout, h.LoadBalancer, h.Seq, h.Hash); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return command
}

// readHeads reads what newChangesHeads prints. No path is no heads.
func readHeads(path string) ([]lsapi.Head, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usagef("--heads: %w", err)
	}
	defer file.Close()
	var heads []lsapi.Head
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		head, err := parseHead(lines.Text())
		if err != nil {
			return nil, usagef("--heads: %s, line %d: %w", path, number, err)
		}
		heads = append(heads, head)
	}
	if err := lines.Err(); err != nil {
		return nil, usagef("--heads: %w", err)
	}
	if len(heads) == 0 {
		return nil, usagef("--heads: %s holds no heads, and would prove nothing", path)
	}
	return heads, nil
}

func parseHead(line string) (lsapi.Head, error) {
	words := strings.Fields(line)
	if len(words) != 3 {
		return lsapi.Head{}, errors.New("not a name, a number and a hash")
	}
	seq, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil || seq < 1 {
		return lsapi.Head{}, errors.New("the second word is not the number of an event")
	}
	return lsapi.Head{LoadBalancer: words[0], Seq: seq, Hash: words[2]}, nil
}
