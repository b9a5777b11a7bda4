// Command bench measures lsapi and prints one table. `make bench` runs it.
//
// All figures come from one run on one machine, beside yardsticks, because absolute
// figures of shared machines mean little. A complete run also writes the figures as JSON,
// the tables into docs/performance.md, and the plots beside it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"lsapi/bench/internal/report"
)

// options are the command line flags.
type options struct {
	binary string // the built lsapi
	rows   string // the sections to measure, comma separated; all when empty
	save   string // folder for the results
	quick  bool   // a short run that only checks that it works
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/lsapi", "the built `file` to measure")
	flag.StringVar(&o.rows, "rows", "", "`sections` to measure, comma separated: "+strings.Join(sectionNames(), ","))
	flag.StringVar(&o.save, "save", "", "`folder` to write results, table and plots below, with the other sections as they are (default: the repository after a whole run, else nothing)")
	flag.BoolVar(&o.quick, "quick", false, "measure everything so briefly that the figures mean nothing")
	flag.Parse()
	if o.save == "" && o.rows == "" && !o.quick {
		o.save = "."
	}
	// The load shares the machine with the service: fewer garbage collections here leave
	// more to the service.
	debug.SetGCPercent(400)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		stop()
		log.Fatalf("bench: %v", err)
	}
}

// run measures, prints and saves. A missing figure is an error at the end, a missed aim is
// not.
func run(ctx context.Context, o options, out io.Writer) error {
	sections, err := choose(o.rows, o.quick)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	r, err := b.measure(ctx, sections)
	if err != nil {
		return err
	}
	if err := r.Print(out); err != nil {
		return err
	}
	if err := save(ctx, r, o); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return r.Problem()
}

// save replaces all results, or those of the sections that were named.
func save(ctx context.Context, r *report.Report, o options) error {
	switch {
	case o.save == "":
		log.Print("not saved: that was not a whole run")
		return nil
	case o.rows != "":
		return r.SaveSections(ctx, o.save, sectionNames())
	}
	return r.Save(ctx, o.save)
}

// measure measures the sections one after the other.
func (b *bench) measure(ctx context.Context, sections []section) (*report.Report, error) {
	r := &report.Report{Run: report.Run{Machine: report.DescribeMachine(), At: time.Now(), Quick: b.quick}}
	for _, s := range sections {
		log.Printf("%s: %s", s.name, s.title)
		taken := &report.Section{Name: s.name, Title: s.title}
		if err := s.measure(ctx, b, taken); ctx.Err() != nil {
			return nil, fmt.Errorf("interrupted: %w", context.Cause(ctx))
		} else if err != nil {
			log.Printf("%s: %v", s.name, err)
			taken.Fail("all that follows", err)
		}
		r.Sections = append(r.Sections, taken)
	}
	r.Took = time.Since(r.At).Seconds()
	return r, nil
}
