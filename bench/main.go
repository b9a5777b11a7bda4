// Command bench measures lsapi and prints one table; the same figures go to a
// JSON file with a description of the machine. It is run by `make bench`.
//
// What is measured stands beside a yardstick that was measured in the same run
// on the same machine, because absolute figures of shared machines say little.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
)

// options are the command line's.
type options struct {
	binary string // the built lsapi
	out    string // the JSON file
	runs   int    // of each measurement that is repeated
	suite  bool   // measure make test too
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/lsapi", "the built `file` to measure")
	flag.StringVar(&o.out, "out", "bench/results.json", "`file` for the figures as JSON")
	flag.IntVar(&o.runs, "runs", 11, "how `often` a repeated measurement is taken")
	flag.BoolVar(&o.suite, "suite", true, "time `make test` in a fresh clone with an empty build cache")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		stop()
		log.Fatalf("bench: %v", err)
	}
}

// run takes all measurements. One that cannot be taken ends the run: a table
// with a row left out would look like a good one.
func run(ctx context.Context, o options, out io.Writer) error {
	report := Report{Machine: describeMachine()}
	for _, measure := range []func(context.Context, options) ([]Row, error){measureSize, measureStart, measureSuite} {
		rows, err := measure(ctx, o)
		if err != nil {
			return err
		}
		report.Rows = append(report.Rows, rows...)
	}
	if err := report.print(out); err != nil {
		return err
	}
	if err := report.save(o.out); err != nil {
		return fmt.Errorf("save the figures: %w", err)
	}
	return nil
}
