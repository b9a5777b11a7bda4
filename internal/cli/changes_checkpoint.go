package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/record"
)

func newChangesCheckpoint(p Process) *cobra.Command {
	command := newCommand("changes_checkpoint")
	config.AddStoreFlags(command.Flags())
	command.RunE = func(c *cobra.Command, _ []string) error {
		return withRecord(c, p, func(ctx context.Context, record record.Store) error {
			checkpoints, err := record.ChainEnds(ctx)
			if err != nil {
				return &app.StoreError{Err: err}
			}
			for _, point := range checkpoints {
				if _, err := fmt.Fprintln(p.Stdout, point.Pool, point.Seq, point.Hash); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return command
}

// readCheckpoints reads the output of changes checkpoint. An empty path returns none.
func readCheckpoints(path string) ([]lsapi.ChainEnd, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usagef("--checkpoint: %w", err)
	}
	defer file.Close()
	var checkpoints []lsapi.ChainEnd
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		point, err := parseCheckpoint(lines.Text())
		if err != nil {
			return nil, usagef("--checkpoint: %s, line %d: %w", path, number, err)
		}
		checkpoints = append(checkpoints, point)
	}
	if err := lines.Err(); err != nil {
		return nil, usagef("--checkpoint: %w", err)
	}
	if len(checkpoints) == 0 {
		return nil, usagef("--checkpoint: %s is empty, and would prove nothing", path)
	}
	return checkpoints, nil
}

func parseCheckpoint(line string) (lsapi.ChainEnd, error) {
	words := strings.Fields(line)
	if len(words) != 3 {
		return lsapi.ChainEnd{}, errors.New("not a pool, a number and a hash")
	}
	seq, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil || seq < 1 {
		return lsapi.ChainEnd{}, errors.New("the second word is not the number of an event")
	}
	pool, ok := lsapi.ParsePoolID(words[0])
	if !ok {
		pool = lsapi.ELB(words[0]) // noted by an older version
	}
	return lsapi.ChainEnd{Pool: pool, Seq: seq, Hash: words[2]}, nil
}
