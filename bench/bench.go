package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// bench is what all sections share.
type bench struct {
	options
	// dir is for all that is needed for the run only: logs, configuration, binaries.
	dir string
	// bare and original are what lsapi is measured beside: a bare net/http server, and
	// a service that asks AWS on every request.
	bare, original string
}

func newBench(ctx context.Context, o options) (*bench, error) {
	if _, err := os.Stat(o.binary); err != nil {
		return nil, fmt.Errorf("the binary to measure: %w (make build)", err)
	}
	dir, err := os.MkdirTemp("", "lsapi-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, dir: dir, bare: filepath.Join(dir, "yardstick"), original: filepath.Join(dir, "original")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, "./bench/yardstick", "./bench/original")
	if out, err := build.CombinedOutput(); err != nil {
		b.close()
		return nil, fmt.Errorf("build the yardsticks: %w\n%s", err, out)
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// file is a path in the folder of the run.
func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

// newRecord is the URL of a record of changes that does not exist yet.
func (b *bench) newRecord() (string, error) {
	folder, err := os.MkdirTemp(b.dir, "record-")
	return recordIn(folder), err
}

// recordIn is the URL of the record in a folder.
func recordIn(folder string) string { return "sqlite:" + filepath.Join(folder, "lsapi.db") }

// lasting is how long a measurement lasts; in a quick run, a second.
func (b *bench) lasting(d time.Duration) time.Duration {
	if b.quick {
		return min(d, time.Second)
	}
	return d
}

// times is how often a measurement is repeated; in a quick run, once.
func (b *bench) times(n int) int {
	if b.quick {
		return 1
	}
	return n
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// together does something with all at the same time, and returns the first error
// by order.
func together[T any](all []T, do func(*T) error) error {
	problems := make([]error, len(all))
	var running sync.WaitGroup
	for i := range all {
		running.Go(func() { problems[i] = do(&all[i]) })
	}
	running.Wait()
	for _, problem := range problems {
		if problem != nil {
			return problem
		}
	}
	return nil
}
